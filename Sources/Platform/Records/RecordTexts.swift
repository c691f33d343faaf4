internal import Glibc

/// The texts in a record: every string that is a value, at any depth; the names of fields are none.
///
/// ```swift
/// RecordTexts.forEach(in: record.bytes) { text in
///     if text.equals("tel:+639170000001") { found = true }
/// }
/// ```
public enum RecordTexts {
    /// One text of a record; valid while the record's bytes are.
    public struct Text {
        /// The bytes between the quotes, as they were sent.
        public let raw: UnsafeRawBufferPointer
        /// Where they begin in the record; the quote stands before.
        public let offset: Int
        /// Whether there are escapes among them.
        public let hasEscapes: Bool

        /// The UTF-8 of the text, its escapes decoded; nil when that is no text, such as half of a surrogate pair.
        public var decoded: [UInt8]? { hasEscapes ? JSONString.decode(raw) : Array(raw) }
    }

    /// Calls a closure for each text, in order. What comes after damaged JSON isn't looked at.
    ///
    /// - Parameters:
    ///   - record: The bytes of one JSON value.
    ///   - body: Called for each text; false ends it.
    public static func forEach(in record: UnsafeRawBufferPointer, _ body: (Text) throws -> Bool) rethrows {
        var index = 0
        let end = record.count
        while index < end {
            // Outside of strings nothing but a quote matters.
            guard let base = record.baseAddress,
                let quote = memchr(base + index, Int32(UInt8(ascii: "\"")), end - index)
            else { return }
            let start = base.distance(to: UnsafeRawPointer(quote)) + 1
            var hasEscapes = false
            var close = start
            while close < end, record[close] != UInt8(ascii: "\"") {
                if record[close] == UInt8(ascii: "\\") {
                    hasEscapes = true
                    close += 1
                }
                close += 1
            }
            guard close < end else { return }
            var next = close + 1
            while next < end, record[next] <= 0x20 { next += 1 }
            let isName = next < end && record[next] == UInt8(ascii: ":")
            if !isName {
                let text = Text(
                    raw: UnsafeRawBufferPointer(rebasing: record[start..<close]), offset: start, hasEscapes: hasEscapes)
                guard try body(text) else { return }
            }
            index = next
        }
    }
}
