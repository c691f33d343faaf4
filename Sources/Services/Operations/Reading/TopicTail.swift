public import Kafka

/// Reads a topic for people: what is there in the order of time over all partitions, then, if wanted, what is published.
public struct TopicTail: Sendable {
    private let kafka: KafkaConfiguration
    private let topic: String
    private let partitions: Set<Int32>
    private let start: TopicScan.Start
    private let end: TopicScan.End
    private let follows: Bool

    /// What is put in order at once: more than this is in the order of time only within such pieces.
    static let orderedRecords = 20_000
    static let orderedBytes = 64 << 20

    /// A tail of a topic or of some of its partitions.
    ///
    /// - Parameter follows: goes on with what is published, which comes in the order of arrival.
    public init(
        _ kafka: KafkaConfiguration, topic: String, partitions: Set<Int32>, from start: TopicScan.Start,
        until end: TopicScan.End = .current, follows: Bool
    ) {
        self.kafka = kafka
        self.topic = topic
        self.partitions = partitions
        self.start = start
        self.end = end
        self.follows = follows
    }

    /// Hands out the records until `body` returns false or, unless it follows, all are read.
    public func read(_ body: (ConsumerRecord) throws -> Bool) async throws {
        let scan = TopicScan(kafka, topics: [topic], partitions: partitions, from: start, until: end)
        let positions: [TopicPartition: Int64]? = try await scan.read { records in
            var piece: [ConsumerRecord] = []
            var bytes = 0
            for try await record in records {
                piece.append(record)
                bytes += 200 + (record.value?.count ?? 0)
                if piece.count >= Self.orderedRecords || bytes >= Self.orderedBytes {
                    guard try Self.hand(out: piece, body) else { return nil }
                    piece = []
                    bytes = 0
                }
            }
            return try Self.hand(out: piece, body) ? records.positions : nil
        }
        guard follows, let positions else { return }
        try await TopicScan(kafka, from: positions.mapValues { .offset($0) }, until: .never).read { records in
            for try await record in records where try !body(record) { return }
        }
    }

    private static func hand(out piece: [ConsumerRecord], _ body: (ConsumerRecord) throws -> Bool) throws -> Bool {
        let ordered = piece.sorted {
            ($0.timestamp, $0.topicPartition, $0.offset) < ($1.timestamp, $1.topicPartition, $1.offset)
        }
        for record in ordered where try !body(record) { return false }
        return true
    }
}
