import Contracts
import Foundation
import Kafka
import Messaging
import ObjectStorage
import Service
import ServiceLifecycle
import TestSupport
import Testing

@testable import WorkerKit

/// A handler in one closure.
struct Handler: JobHandler {
    let body: @Sendable (Job, JobContext) async throws -> Outcome

    func handle(_ job: Job, _ context: JobContext) async throws -> Outcome { try await body(job, context) }
}

/// A worker with topics of its own on the real broker.
struct WorkerBench {
    let topics: TopicNames
    let kafka: KafkaConfiguration
    var configuration: JobWorkerConfiguration
    let state = MemoryObjectStore()

    init(partitions: Int = 2, retryDelays: [Duration] = [.milliseconds(200)]) async throws {
        topics = TopicNames(prefix: "t\(UUID().uuidString.prefix(8).lowercased()).")
        kafka = try await TestBroker.shared.kafka()
        configuration = JobWorkerConfiguration(kind: "test", name: "test-worker", instance: "0", kafka: kafka, topics: topics)
        configuration.retryDelays = retryDelays
        configuration.sessionTimeout = .seconds(6)
        configuration.grace = .seconds(5)
        var names = [topics.jobs("test"): partitions]
        for topic in [topics.dead("test"), topics.jobEvents, topics.alerts, topics.control] { names[topic] = 1 }
        for delay in retryDelays { names[topics.retry("test", after: delay)] = 1 }
        try await TestBroker.shared.create(names)
    }

    func job(_ id: String) -> Job {
        Job(id: id, kind: "test", source: "genesys/main", dataset: "things", createdAt: Date())
    }

    func publish(_ records: [ProducerRecord]) async throws {
        let producer = try Producer(kafka)
        try await producer.send(records)
        await producer.close()
    }

    func publish(jobs ids: [String]) async throws {
        try await publish(ids.map { ProducerRecord(job($0).message(to: topics)) })
    }

    /// Runs a worker until `isEnough` says so of the events that a read-committed reader saw.
    func run(
        _ configuration: JobWorkerConfiguration? = nil, handler: Handler, health: HealthRegistry = HealthRegistry(),
        until isEnough: @escaping @Sendable ([JobEvent]) -> Bool
    ) async throws -> [JobEvent] {
        try await run(configuration, handler: handler, health: health) { try await self.events(until: isEnough) }
    }

    /// Runs a worker for as long as a body takes.
    func run<Result: Sendable>(
        _ configuration: JobWorkerConfiguration? = nil, handler: Handler, health: HealthRegistry = HealthRegistry(),
        during body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let worker = JobWorker(
            configuration ?? self.configuration, handler: handler, state: state, health: health, logger: .quiet)
        let group = ServiceGroup(services: [worker], logger: .quiet)
        return try await withThrowingTaskGroup(of: Result?.self) { tasks in
            tasks.addTask {
                try await group.run()
                return nil
            }
            tasks.addTask { try await body() }
            var result: Result?
            while let next = try await tasks.next() {
                if let next {
                    result = next
                    await group.triggerGracefulShutdown()
                }
            }
            return try #require(result)
        }
    }

    /// Waits until the worker's group has put so many messages behind it; cheaper than reading all events again and again.
    func awaitCommitted(_ count: Int64) async throws {
        let consumer = try await Consumer(ConsumerConfiguration(kafka, group: configuration.group), listener: ConsumerEvents())
        do {
            let partitions = try await consumer.partitions(of: topics.jobs("test"))
            while try await consumer.committed(partitions).values.reduce(0, { $0 + $1.offset }) < count {
                try await Task.sleep(for: .milliseconds(200))
            }
        } catch {
            await consumer.close()
            throw error
        }
        await consumer.close()
    }

    /// The events that a read-committed reader sees, read again from the beginning until they are enough.
    ///
    /// Not followed live: Tansu lets a reader pass a transaction that is open, and then never shows it what was in it.
    func events(until isEnough: @Sendable ([JobEvent]) -> Bool) async throws -> [JobEvent] {
        while true {
            let began = ContinuousClock.now
            let events = try await events()
            if isEnough(events) { return events }
            try await Task.sleep(for: max(.milliseconds(50), began.duration(to: .now)))
        }
    }

    /// All events that there are now.
    func events() async throws -> [JobEvent] {
        try await TopicScan(kafka, topics: [topics.jobEvents]).read { records in
            var events: [JobEvent] = []
            for try await record in records { events.append(try JobEvent.decode(record.value)) }
            return events
        }
    }

    /// How many events of a kind there are now.
    func count(_ kind: JobEvent.Kind) async throws -> Int { try await events().count { $0.event == kind } }

    /// The first records of a topic, read again from the beginning until there are so many, as ``events(until:)`` does: the
    /// partitions of a transaction don't become visible at the same moment.
    func records(_ count: Int, of topic: String) async throws -> [ConsumerRecord] {
        while true {
            let found = try await TopicScan(kafka, topics: [topic]).read { records in
                var found: [ConsumerRecord] = []
                for try await record in records { found.append(record) }
                return found
            }
            if found.count >= count { return Array(found.prefix(count)) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

/// Whether so many jobs ended.
func ended(_ count: Int) -> @Sendable ([JobEvent]) -> Bool {
    { events in events.count { $0.event.isTerminal } >= count }
}
