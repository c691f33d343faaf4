internal import Contracts
internal import Foundation
public import Kafka

/// The fields of a record's JSON value, found by paths; nothing is decoded before somebody asks.
///
/// Not for other tasks: it belongs to whoever looks at the record.
public struct RecordFields {
    private let record: ConsumerRecord
    private let object: Any?

    /// Looks into a record; a value that isn't JSON has no fields.
    public init(_ record: ConsumerRecord) {
        self.record = record
        object = record.value.flatMap(JSONText.object)
    }

    /// Whether the value is JSON.
    public var isReadable: Bool { object != nil }

    /// The text of a field: strings as they are, numbers and booleans as JSON writes them; nil when there is none or it is no
    /// scalar.
    ///
    /// `key`, `partition`, `offset` and `header.<name>` are the record's own, as `value.key` and so on are the value's. Every
    /// other path leads into the value, or, where that has no such field, into its `job`: `source` is a job's source and that of
    /// the job an event is about.
    public func text(_ path: String) -> String? {
        if path == "key" { return record.key.map { String(decoding: $0, as: UTF8.self) } }
        if path == "partition" { return "\(record.partition)" }
        if path == "offset" { return "\(record.offset)" }
        if path.hasPrefix("header.") { return record.headers.text(of: String(path.dropFirst(7))) }
        let inside = path.hasPrefix("value.") ? path.dropFirst(6) : path[...]
        let steps = inside.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        return Self.find(steps, in: object) ?? Self.find(["job"] + steps, in: object)
    }

    private static func find(_ steps: [String], in object: Any?) -> String? {
        var found = object
        for step in steps {
            if let mapping = found as? [String: Any] {
                found = mapping[step]
            } else if let list = found as? [Any], let index = Int(step), list.indices.contains(index) {
                found = list[index]
            } else {
                return nil
            }
        }
        switch found {
        case let text as String: return text
        case let number as NSNumber:
            return String(cString: number.objCType) == "c" ? (number.boolValue ? "true" : "false") : "\(number)"
        case is NSNull: return "null"
        default: return nil
        }
    }
}

/// JSON from outside that is looked into and passed on as it is.
enum JSONText {
    /// The most bytes that are parsed.
    private static let maximumBytes = 8 << 20

    /// What Foundation makes of JSON in UTF-8; nil when the bytes are none, too many or nested too deeply.
    static func object(_ bytes: [UInt8]) -> Any? {
        guard bytes.count <= maximumBytes, let first = bytes.first(where: { $0 > 0x20 }),
            Array("{[\"-tfn0123456789".utf8).contains(first), (try? JSONValue.decode(bytes, upTo: maximumBytes)) != nil
        else { return nil }
        return try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    }

    /// The bytes as one line of JSON, every digit as it is; nil when they aren't JSON.
    static func line(_ bytes: [UInt8]) -> String? {
        guard object(bytes) != nil else { return nil }
        // Outside of strings a line break is white space; inside there can't be one.
        return String(validating: bytes.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 }, as: UTF8.self)
    }
}
