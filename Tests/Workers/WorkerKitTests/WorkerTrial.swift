import Contracts
import DevelopmentStack
import Foundation
import Kafka
import Messaging
import Service
import ServiceLifecycle
import TestSupport

@testable import WorkerKit

/// A handler made of a closure.
struct TrialHandler: JobHandler {
    let body: @Sendable (Job, JobContext) async throws -> Outcome

    func handle(_ job: Job, _ context: JobContext) async throws -> Outcome { try await body(job, context) }
}

/// Workers of the kind `trial` with topics of their own.
struct WorkerTrial: Sendable {
    static let kind = "trial"

    let kafka: KafkaConfiguration
    let topics = TopicNames(prefix: "t\(UUID().uuidString.prefix(8).lowercased()).")
    let partitions: Int
    let retryDelays: [Duration]

    /// A trial on a broker, by default the one that all tests share.
    init(partitions: Int = 1, retryDelays: [Duration] = [.milliseconds(200)], on kafka: KafkaConfiguration? = nil) async throws {
        self.kafka = if let kafka { kafka } else { try await TestBroker.shared.kafka() }
        self.partitions = partitions
        self.retryDelays = retryDelays
    }

    /// Every topic that a worker needs, by name the number of partitions.
    var topicPartitions: [String: Int] {
        var names = [topics.jobs(Self.kind): partitions, topics.dead(Self.kind): 1, topics.jobEvents: 1]
        for delay in retryDelays { names[topics.retry(Self.kind, after: delay)] = 1 }
        return names
    }

    var configuration: JobWorkerConfiguration {
        var configuration = JobWorkerConfiguration(
            kind: Self.kind, name: "trial-worker", instance: "0", kafka: kafka, topics: topics)
        configuration.retryDelays = retryDelays
        configuration.sessionTimeout = .seconds(6)
        configuration.grace = .seconds(5)
        return configuration
    }

    func job(_ id: String) -> Job {
        Job(id: id, kind: Self.kind, source: "trial/main", dataset: "things", createdAt: Date())
    }

    func publish(_ records: [ProducerRecord]) async throws {
        let producer = try Producer(kafka)
        try await producer.send(records)
        await producer.close()
    }

    func publish(jobs ids: [String]) async throws {
        try await publish(ids.map { ProducerRecord(job($0).message(to: topics)) })
    }

    /// Runs a worker while `body` goes on, then stops it gracefully and returns what `body` returned.
    func withWorker<Result: Sendable>(
        _ configuration: JobWorkerConfiguration? = nil, handler: TrialHandler,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let worker = JobWorker(configuration ?? self.configuration, handler: handler, health: HealthRegistry(), logger: .quiet)
        let group = ServiceGroup(services: [worker], logger: .quiet)
        return try await withThrowingTaskGroup(of: Result?.self) { tasks in
            tasks.addTask {
                try await group.run()
                return nil
            }
            tasks.addTask { try await body() }
            var result: Result?
            while let next = try await tasks.next() {
                guard let next else { continue }
                result = next
                await group.triggerGracefulShutdown()
            }
            guard let result else { throw CancellationError() }
            return result
        }
    }

    /// The events that a read-committed reader sees, until `isEnough` says so.
    func events(until isEnough: ([JobEvent]) -> Bool) async throws -> [JobEvent] {
        let stream = ConsumerEvents()
        let consumer = try await Consumer(ConsumerConfiguration(kafka), listener: stream)
        try await consumer.assign([TopicPartition(topics.jobEvents, 0): .earliest])
        var events: [JobEvent] = []
        for try await event in stream {
            guard case .record(let record) = event else { continue }
            events.append(try JobEvent.decode(record.value))
            if isEnough(events) { break }
        }
        await consumer.close()
        return events
    }

    /// Waits for so many events after which nothing follows.
    func events(ended count: Int) async throws -> [JobEvent] {
        try await events { events in events.count { $0.event.isTerminal } == count }
    }
}
