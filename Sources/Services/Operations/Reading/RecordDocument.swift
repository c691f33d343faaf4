internal import Contracts
internal import Foundation
public import Kafka

/// A record as one line of NDJSON.
///
/// `topic`, `partition`, `offset`, `time` (ISO 8601), `timestamp` (ms), `key` (text, or `keyBase64`), and of the value one of
/// `value` (JSON, every digit as it was), `valueText`, `valueBase64`, or a `value` of null with `isTombstone`. `headers` is a list
/// of `name` and `value` or `valueBase64`, because names may repeat.
public struct RecordDocument: Sendable, Hashable {
    /// The line, with its newline.
    public let line: String

    /// Writes a record.
    public init(_ record: ConsumerRecord) {
        var fields = [
            "\"topic\":\(Self.quoted(record.topic))", "\"partition\":\(record.partition)", "\"offset\":\(record.offset)",
        ]
        if record.timestamp >= 0 {
            let date = Date(timeIntervalSince1970: Double(record.timestamp) / 1000)
            fields += ["\"time\":\"\(Timestamp.string(date))\"", "\"timestamp\":\(record.timestamp)"]
        }
        fields.append(record.key.map { Self.field("key", $0) } ?? "\"key\":null")
        if let value = record.value {
            if let json = JSONText.line(value) {
                fields.append("\"value\":\(json)")
            } else if let text = String(validating: value, as: UTF8.self) {
                fields.append("\"valueText\":\(Self.quoted(text))")
            } else {
                fields.append("\"valueBase64\":\"\(Data(value).base64EncodedString())\"")
            }
        } else {
            fields.append("\"value\":null,\"isTombstone\":true")
        }
        let headers = record.headers.map { header in
            "{\"name\":\(Self.quoted(header.name)),\(header.value.map { Self.field("value", $0) } ?? "\"value\":null")}"
        }
        fields.append("\"headers\":[\(headers.joined(separator: ","))]")
        line = "{\(fields.joined(separator: ","))}\n"
    }

    private static func field(_ name: String, _ bytes: [UInt8]) -> String {
        String(validating: bytes, as: UTF8.self).map { "\"\(name)\":\(quoted($0))" }
            ?? "\"\(name)Base64\":\"\(Data(bytes).base64EncodedString())\""
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            // Also what terminals obey beyond ASCII: escaped it means the same to every reader of JSON.
            case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || (0x2028...0x2029).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
