public import Foundation
internal import Kafka

/// What is to be published again, and where to.
public struct ReplayRequest: Sendable, Hashable {
    /// The names of the headers that a replayed message has beside its own.
    public enum Header {
        /// Where it was read, `topic/partition/offset`.
        public static let from = "replayed-from"
        /// The time of the record that was read, ms since 1970.
        public static let time = "replayed-timestamp"
        /// When it was published again, ISO 8601 in UTC.
        public static let at = "replayed-at"
        /// Who did it, `user@host`.
        public static let by = "replayed-by"
    }

    /// The topic that is read, prefix included.
    public var topic: String
    /// The topic that is written, prefix included.
    public var target: String
    /// The partitions that are read; empty for all.
    public var partitions: Set<Int32>
    /// Records that are not older than this.
    public var start: Date
    /// Records that are older than this.
    public var end: Date
    /// Which of them.
    public var filter: RecordFilter
    /// Whether messages are left out that are replays themselves.
    public var leavesOutReplays: Bool
    /// Where an interrupted run goes on, by partition; partitions that aren't named are done.
    public var positions: [Int32: Int64]?
    /// The most messages.
    public var limit: Int

    /// All messages of a time.
    public init(topic: String, target: String, partitions: Set<Int32> = [], start: Date, end: Date) {
        self.topic = topic
        self.target = target
        self.partitions = partitions
        self.start = start
        self.end = end
        filter = RecordFilter()
        leavesOutReplays = false
        positions = nil
        limit = .max
    }

    /// Producers' clocks differ: a record of the time may stand this far behind one that is younger.
    static let disorder: TimeInterval = 600

    func scan(_ kafka: KafkaConfiguration) -> TopicScan {
        let from = TopicScan.Start.time(Self.milliseconds(start))
        let until = TopicScan.End.time(Self.milliseconds(end.addingTimeInterval(Self.disorder)))
        if let positions {
            let starts = positions.map { (TopicPartition(topic, $0.key), TopicScan.Start.offset($0.value)) }
            return TopicScan(kafka, from: Dictionary(starts) { first, _ in first }, until: until)
        }
        return TopicScan(kafka, topics: [topic], partitions: partitions, from: from, until: until)
    }

    private static func milliseconds(_ date: Date) -> Int64 { Int64((date.timeIntervalSince1970 * 1000).rounded(.up)) }

    /// Whether a record is of the time.
    func isInTime(_ record: ConsumerRecord) -> Bool {
        record.timestamp >= Self.milliseconds(start) && record.timestamp < Self.milliseconds(end)
    }

    /// Whether a record is meant.
    func includes(_ record: ConsumerRecord) -> Bool {
        guard isInTime(record) else { return false }
        if leavesOutReplays, Self.isReplay(record) { return false }
        return filter.matches(record)
    }

    static func isReplay(_ record: ConsumerRecord) -> Bool { record.headers.contains { $0.name == Header.from } }

    /// A record as it is published again: its bytes, its key and its headers, and where it comes from.
    func replayed(_ record: ConsumerRecord, at: String, by: String) -> ProducerRecord {
        let origin = "\(record.topic)/\(record.partition)/\(record.offset)"
        let added = [
            RecordHeader(Header.from, origin), RecordHeader(Header.time, "\(record.timestamp)"), RecordHeader(Header.at, at),
            RecordHeader(Header.by, by),
        ]
        // In the same topic a message stays in its partition, whatever chose that; elsewhere its key chooses.
        return ProducerRecord(
            topic: target, partition: target == topic ? record.partition : nil, key: record.key, value: record.value,
            headers: record.headers + added)
    }
}
