public import Contracts
public import Kafka

/// Reads the compacted state topic.
public struct ScheduleStateReader: Sendable {
    private let kafka: KafkaConfiguration
    private let topic: String

    /// Reads this topic's partition 0.
    public init(_ kafka: KafkaConfiguration, topic: String) {
        self.kafka = kafka
        self.topic = topic
    }

    private var partition: TopicPartition { TopicPartition(topic, 0) }

    /// The last state of each schedule, and the offset of the record that will follow what was read.
    ///
    /// - Throws: a `KafkaError`; a record that can't be read is one too, because going on without it would publish again.
    public func read() async throws -> (states: [String: ScheduleState], next: Int64) {
        let partition = partition
        return try await TopicScan(kafka, from: [partition: .earliest]).read { records in
            var states: [String: ScheduleState] = [:]
            for try await record in records {
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
            }
            return (states, records.positions[partition] ?? 0)
        }
    }

    /// Waits for a record, at or behind an offset, that no scheduler has written: one that moves a cursor, or takes a state away.
    func awaitMove(from next: Int64) async throws {
        try await TopicScan(kafka, from: [partition: .offset(next)], until: .never).read { records in
            for try await record in records {
                // What can't be read is for `read` to report.
                guard let state = try? ScheduleState.decode(record.value), state.movedBy == nil else { return }
            }
        }
    }
}
