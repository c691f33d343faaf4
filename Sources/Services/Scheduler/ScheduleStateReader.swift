internal import Contracts
internal import Kafka
internal import Logging

/// Reads the compacted state topic from the beginning to its end.
struct ScheduleStateReader: Sendable {
    private let kafka: KafkaConfiguration
    private let topic: String

    init(_ kafka: KafkaConfiguration, topic: String) {
        self.kafka = kafka
        self.topic = topic
    }

    /// The last state of each schedule.
    ///
    /// - Throws: a `KafkaError`; a record that can't be read is one too, because going on without it would publish again.
    func read() async throws -> [String: ScheduleState] {
        let events = ConsumerEvents()
        var configuration = ConsumerConfiguration(kafka)
        configuration.reportsEnds = true
        configuration.statisticsInterval = .zero
        let consumer = try await Consumer(configuration, listener: events)
        do {
            let states = try await read(consumer, events)
            await consumer.close()
            return states
        } catch {
            await consumer.close()
            throw error
        }
    }

    private func read(_ consumer: Consumer, _ events: ConsumerEvents) async throws -> [String: ScheduleState] {
        var states: [String: ScheduleState] = [:]
        let partition = TopicPartition(topic, 0)
        try await consumer.assign([partition: .earliest])
        for try await event in events {
            switch event {
            case .record(let record):
                let name = String(decoding: record.key ?? [], as: UTF8.self)
                guard record.value != nil else {
                    states[name] = nil
                    continue
                }
                do throws(ContractError) {
                    states[name] = try ScheduleState.decode(record.value)
                } catch {
                    throw KafkaError(
                        kind: .other, code: "UNREADABLE_STATE", operation: "read \(partition) at offset \(record.offset)",
                        message: error.description)
                }
            case .reachedEnd:
                return states
            case .failed(let error):
                kafka.logger.warning("reading schedule state", metadata: ["error": "\(error)"])
            case .assigned, .revoked:
                continue
            }
        }
        try Task.checkCancellation()
        return states
    }
}
