/// The name of an object: a relative path with `/` between its segments.
///
/// A key is checked when it is made, so whoever has one may use it as a path: it can't climb out of a root, and it means the same
/// in a directory and in a bucket.
public struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The longest key in bytes of UTF-8; S3 allows 1024, which leaves room for a store's prefix.
    public static let maximumBytes = 900
    /// What the names begin with that stores keep for themselves.
    public static let reservedPrefix = ".tmp-"

    /// The key as text.
    public let text: String

    /// Checks a key.
    ///
    /// - Throws: `ObjectStorageError` of kind `.invalidKey` when the text is empty or longer than 900 bytes, begins or ends with
    ///   `/`, or has a segment that is empty, consists of dots, begins with `.tmp-`, or holds a control character or a backslash.
    public init(_ text: String) throws(ObjectStorageError) {
        if let problem = Self.problem(in: text) {
            throw ObjectStorageError(.invalidKey, store: "key", key: Self.shown(text), message: problem)
        }
        self.text = text
    }

    /// Makes a key from segments, each of which is one path component.
    ///
    /// - Throws: `ObjectStorageError` of kind `.invalidKey`, also when a segment holds a `/`.
    public init(segments: [String]) throws(ObjectStorageError) {
        if let wrong = segments.first(where: { $0.contains("/") }) {
            throw ObjectStorageError(.invalidKey, store: "key", key: Self.shown(wrong), message: "a segment holds a separator")
        }
        try self.init(segments.joined(separator: "/"))
    }

    /// The segments of the key.
    public var segments: [Substring] { text.split(separator: "/", omittingEmptySubsequences: false) }

    /// The key as text.
    public var description: String { text }

    /// The order of listings: by bytes of UTF-8.
    public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    /// Whether there can be keys that begin with a text: its whole segments are those of keys.
    static func canBegin(with prefix: String) -> Bool {
        prefix.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropLast().allSatisfy { segment in
            !segment.isEmpty && !segment.allSatisfy { $0 == UInt8(ascii: ".") } && !segment.contains { $0 < 0x20 }
        }
    }

    private static func problem(in text: String) -> String? {
        if text.isEmpty { return "the key is empty" }
        if text.utf8.count > maximumBytes { return "the key is longer than \(maximumBytes) bytes" }
        if text.utf8.first == UInt8(ascii: "/") { return "the key begins with a separator" }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) }) {
            return "the key holds a control character"
        }
        if text.utf8.contains(UInt8(ascii: "\\")) { return "the key holds a backslash, which some services take for a separator" }
        // By bytes: a combining character behind a separator makes one Character with it.
        for segment in text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if segment.isEmpty { return "the key has an empty segment" }
            if segment.allSatisfy({ $0 == UInt8(ascii: ".") }) { return "the key has a segment of dots only" }
            if segment.starts(with: reservedPrefix.utf8) { return "names that begin with \(reservedPrefix) are reserved" }
        }
        return nil
    }

    /// A wrong key, made fit for a message.
    private static func shown(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(100).map { $0.value < 0x20 ? "?" : $0 }))
    }
}
