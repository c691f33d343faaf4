public import Kafka

/// Reads topics from their beginning to their present end, as a read-committed reader sees them.
public struct TopicScan: Sendable {
    private let kafka: KafkaConfiguration
    private let partitions: Set<TopicPartition>

    /// A scan of the first `partitions` partitions of a topic.
    public init(_ kafka: KafkaConfiguration, _ topic: String, partitions: Int) {
        self.kafka = kafka
        self.partitions = Set((0..<Int32(clamping: partitions)).map { TopicPartition(topic, $0) })
    }

    /// Calls `body` for every record, each partition's in order.
    ///
    /// - Throws: what `body` throws, or the `KafkaError` that ended the reading.
    public func forEach(_ body: (ConsumerRecord) throws -> Void) async throws {
        let events = ConsumerEvents(highMark: 2000)
        var configuration = ConsumerConfiguration(kafka)
        configuration.reportsEnds = true
        let consumer = try await Consumer(configuration, listener: events)
        do {
            try await consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, StartOffset.earliest) }))
            var open = partitions
            var iterator = events.makeAsyncIterator()
            while !open.isEmpty, let event = try await iterator.next() {
                switch event {
                case .record(let record): try body(record)
                case .reachedEnd(let partition, _): open.remove(partition)
                case .failed(let error): throw error
                case .assigned, .revoked: continue
                }
            }
        } catch {
            await consumer.close()
            throw error
        }
        await consumer.close()
    }
}
