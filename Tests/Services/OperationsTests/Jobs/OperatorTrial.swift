import Contracts
import Foundation
import Kafka
import Messaging
import TestSupport

@testable import Operations

/// Topics of an installation of its own on the test broker.
struct OperatorTrial: Sendable {
    let kafka: KafkaConfiguration
    let topics: TopicNames

    static func make(partitions: Int = 2) async throws -> OperatorTrial {
        let topics = TopicNames(prefix: "op-\(UUID().uuidString.prefix(8).lowercased()).")
        let wanted = [
            topics.jobs("conversation"): partitions, topics.retry("conversation", after: .seconds(60)): 1,
            topics.dead("conversation"): partitions, topics.jobEvents: partitions, topics.control: 1, topics.deadMarks: 1,
        ]
        try await TestBroker.shared.create(wanted)
        let trial = OperatorTrial(kafka: try await TestBroker.shared.kafka(client: "operator"), topics: topics)
        // Apache Kafka answers before its brokers know the topics: asked until they do.
        let admin = try Admin(trial.kafka)
        do {
            while !Set(try await admin.metadata().topics.map(\.name)).isSuperset(of: wanted.keys) {
                try await Task.sleep(for: .milliseconds(100))
            }
        } catch {
            await admin.close()
            throw error
        }
        await admin.close()
        return trial
    }

    var jobs: JobOperations { JobOperations(kafka, topics: topics) }
    var dead: DeadOperations { DeadOperations(kafka, topics: topics, kind: "conversation") }

    func send(_ records: [ProducerRecord]) async throws {
        let producer = try Producer(kafka)
        do {
            try await producer.send(records)
        } catch {
            await producer.close()
            throw error
        }
        await producer.close()
    }

    func send(_ events: [JobEvent]) async throws { try await send(events.map { ProducerRecord($0.message(to: topics)) }) }

    /// What a topic holds for readers of committed records.
    func records(_ topic: String) async throws -> [ConsumerRecord] {
        try await TopicScan(kafka, topics: [topic]).read { records in
            var all: [ConsumerRecord] = []
            for try await record in records { all.append(record) }
            return all
        }
    }

    /// Runs `body` while a worker of a kind answers each record of the job topic with what `answer` says.
    func withWorker<Result: Sendable>(
        _ answer: @escaping @Sendable (ConsumerRecord) -> [ProducerRecord], _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await TopicScan(kafka, topics: [topics.jobs("conversation")], until: .never).read { records in
                    for try await record in records { try await send(answer(record)) }
                }
                return nil
            }
            group.addTask { try await body() }
            defer { group.cancelAll() }
            while let ended = try await group.next() { if let result = ended { return result } }
            throw CancellationError()
        }
    }

    /// What a worker does when it gives a record up: everything as it came, and why in headers.
    func death(of record: ConsumerRecord) -> ProducerRecord {
        var headers = record.headers
        if headers.text(of: JobHeader.firstTopic) == nil {
            headers += [
                RecordHeader(JobHeader.firstTopic, record.topic), RecordHeader(JobHeader.firstPartition, "\(record.partition)"),
                RecordHeader(JobHeader.firstOffset, "\(record.offset)"),
            ]
        }
        headers += [
            RecordHeader(JobHeader.deadReason, "vendor"), RecordHeader(JobHeader.deadAt, Timestamp.string(Date())),
            RecordHeader(JobHeader.attempt, "3"),
        ]
        return ProducerRecord(topic: topics.dead("conversation"), key: record.key, value: record.value, headers: headers)
    }

    func event(_ kind: JobEvent.Kind, of record: ConsumerRecord) -> [ProducerRecord] {
        guard let job = try? Job.decode(record.value) else { return [] }
        return [ProducerRecord(JobEvent(kind, of: job, at: Date(), attempt: 1, worker: "w@1").message(to: topics))]
    }

    /// Puts letters of jobs, and of what can't be read, into the dead topic.
    func bury(_ jobs: [Job], poison: [[UInt8]] = []) async throws {
        let messages =
            jobs.map { ($0.message(to: topics).key, $0.message(to: topics).value) } + poison.map { (Array("p".utf8), $0) }
        try await send(
            messages.enumerated().map { index, message in
                death(
                    of: ConsumerRecord(
                        topic: topics.jobs("conversation"), partition: 7, offset: Int64(index), timestamp: 1, key: message.0,
                        value: message.1, headers: [RecordHeader("kept", "yes")]))
            })
    }
}
