internal import Contracts
public import Kafka

/// The fields of a record's JSON value, found by paths.
public struct RecordFields: Sendable {
    private let record: ConsumerRecord
    private let value: JSONValue?

    /// Looks into a record; a value that isn't JSON has no fields.
    public init(_ record: ConsumerRecord) {
        self.record = record
        value = record.value.flatMap(JSONText.value)
    }

    /// Whether the value is JSON.
    public var isReadable: Bool { value != nil }

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
        return Self.find(steps, in: value) ?? Self.find(["job"] + steps, in: value)
    }

    private static func find(_ steps: [String], in value: JSONValue?) -> String? {
        var found = value
        for step in steps {
            switch found {
            case .object(let values): found = values[step]
            case .array(let values): found = Int(step).flatMap { values.indices.contains($0) ? values[$0] : nil }
            default: return nil
            }
        }
        return switch found {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .bool(let bool): "\(bool)"
        case .null: "null"
        case .array, .object, nil: nil
        }
    }
}

/// JSON from outside that is looked into and passed on as it is.
enum JSONText {
    /// The most bytes that are parsed.
    private static let maximumBytes = 8 << 20

    /// The value of JSON in UTF-8; nil when the bytes are none, too many or nested too deeply.
    static func value(_ bytes: [UInt8]) -> JSONValue? { try? JSONValue.decode(bytes, upTo: maximumBytes) }

    /// The bytes as one line of JSON, every digit as it is; nil when they aren't JSON.
    static func line(_ bytes: [UInt8]) -> String? {
        guard value(bytes) != nil else { return nil }
        // Outside of strings a line break is white space; inside there can't be one.
        return String(validating: bytes.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 }, as: UTF8.self)
    }
}
