import Contracts
import DevelopmentStack
import Kafka

/// Reads all that a topic holds.
enum TopicReader {
    /// All records of a topic that a read-committed reader sees, up to its present end; in order within each partition.
    static func read(_ topic: String, of stack: DevelopmentStack) async throws -> [ConsumerRecord] {
        let events = ConsumerEvents()
        var configuration = ConsumerConfiguration(stack.broker.kafka(client: "system-test"))
        configuration.reportsEnds = true
        configuration.statisticsInterval = .zero
        let consumer = try await Consumer(configuration, listener: events)
        var records: [ConsumerRecord] = []
        do {
            var open = Set(try await consumer.partitions(of: topic))
            try await consumer.assign(Dictionary(uniqueKeysWithValues: open.map { ($0, StartOffset.earliest) }))
            for try await event in events {
                if case .record(let record) = event { records.append(record) }
                if case .reachedEnd(let partition, _) = event { open.remove(partition) }
                if open.isEmpty { break }
            }
        } catch {
            await consumer.close()
            throw error
        }
        await consumer.close()
        return records
    }

    /// All job events.
    static func events(of stack: DevelopmentStack) async throws -> [JobEvent] {
        try await read(stack.configuration.topics.jobEvents, of: stack).map { try JobEvent.decode($0.value) }
    }

    /// The last word on each alert.
    static func alerts(of stack: DevelopmentStack) async throws -> [String: Alert] {
        var alerts: [String: Alert] = [:]
        for record in try await read(stack.configuration.topics.alerts, of: stack) {
            let alert = try Alert.decode(record.value)
            alerts[alert.key] = alert
        }
        return alerts
    }
}

extension Sequence<JobEvent> {
    /// How many events of a kind each job has.
    func counts(_ kind: JobEvent.Kind) -> [String: Int] {
        reduce(into: [:]) { counts, event in if event.event == kind { counts[event.job.id, default: 0] += 1 } }
    }
}
