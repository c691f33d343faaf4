internal import Kafka

/// All that a topic holds.
enum TopicContents {
    /// Hands over each record that a read-committed reader sees, up to the topic's present end; in order within a partition.
    static func read(_ topic: String, of broker: TansuBroker, _ body: (ConsumerRecord) throws -> Void) async throws {
        let events = ConsumerEvents(highMark: 10_000)
        var configuration = ConsumerConfiguration(broker.kafka(client: "chaos"))
        configuration.reportsEnds = true
        configuration.statisticsInterval = .zero
        let consumer = try await Consumer(configuration, listener: events)
        do {
            var open = Set(try await consumer.partitions(of: topic))
            try await consumer.assign(Dictionary(uniqueKeysWithValues: open.map { ($0, StartOffset.earliest) }))
            for try await event in events {
                if case .record(let record) = event { try body(record) }
                if case .reachedEnd(let partition, _) = event { open.remove(partition) }
                if open.isEmpty { break }
            }
        } catch {
            await consumer.close()
            throw error
        }
        await consumer.close()
    }
}
