public import Contracts
internal import Foundation
internal import Kafka

/// A dead letter as a line of NDJSON that loses nothing: bytes in Base64, what people look for beside them as text.
public enum DeadExport {
    private struct Line: Encodable {
        let topic: String
        let partition: Int32
        let offset: Int64
        let timestamp: Int64
        let key: Data?
        let value: Data?
        let headers: [Header]
        let job: String?
        let source: String?
        let reason: String
        let message: String?
        let diedAt: String?
        let redrives: Int
        let mark: String?
    }

    private struct Header: Encodable {
        let name: String
        let value: Data?
    }

    /// The line, with a newline at its end.
    public static func line(_ letter: DeadLetter, mark: DeadMark?) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let record = letter.record
        let line = Line(
            topic: record.topic, partition: record.partition, offset: record.offset, timestamp: record.timestamp,
            key: record.key.map { Data($0) }, value: record.value.map { Data($0) },
            headers: record.headers.map { Header(name: $0.name, value: $0.value.map { Data($0) }) }, job: letter.job?.id,
            source: letter.job?.source, reason: letter.reason, message: letter.message,
            diedAt: letter.diedAt.map { Timestamp.string($0) }, redrives: letter.redrives, mark: mark?.action.rawValue)
        return Array(try encoder.encode(line)) + [UInt8(ascii: "\n")]
    }
}
