import Contracts
import Foundation
import Kafka
import Logging
import Messaging
import ObjectStorage
import Service
import ServiceLifecycle
import Synchronization
import WorkerKit

/// What a job costs besides its work: empty jobs a second through one worker, and the time from publishing to starting.
struct JobOverhead {
    let kafka: KafkaConfiguration
    let jobs: Int
    let partitions: Int
    /// Where the worker counts starts, as every worker does.
    let state: any ObjectStore

    struct Figures {
        /// Empty jobs a second, from the first start to the last committed completion.
        var jobsPerSecond: Double
        /// Completions that a read-committed reader saw, and how many different jobs they were for.
        var completions: Int
        var distinct: Int
        /// From the publishing transaction's begin to the handler's start, ms.
        var startMedian: Double
        var start99: Double
    }

    private struct EmptyHandler: JobHandler {
        let started: @Sendable (Job) -> Void

        func handle(_ job: Job, _ context: JobContext) async throws -> Outcome {
            started(job)
            return .done(JobResult())
        }
    }

    func run() async throws -> Figures {
        let topics = TopicNames(prefix: "bench-\(UUID().uuidString.prefix(8).lowercased()).")
        try await createTopics(topics)
        let throughput = try await throughput(topics)
        let latency = try await latency(topics)
        return Figures(
            jobsPerSecond: throughput.rate, completions: throughput.completions, distinct: throughput.distinct,
            startMedian: latency[latency.count / 2], start99: latency[latency.count * 99 / 100])
    }

    private func createTopics(_ topics: TopicNames) async throws {
        let admin = try Admin(kafka)
        let failures = try await admin.createTopics([
            Admin.NewTopic(name: topics.jobs("empty"), partitions: partitions, replication: 1),
            Admin.NewTopic(name: topics.dead("empty"), partitions: 1, replication: 1),
            Admin.NewTopic(name: topics.jobEvents, partitions: 4, replication: 1),
            Admin.NewTopic(name: topics.alerts, partitions: 1, replication: 1),
            Admin.NewTopic(name: topics.control, partitions: 1, replication: 1),
        ])
        await admin.close()
        if let failure = failures.values.first { throw failure }
    }

    private func worker(_ topics: TopicNames, started: @escaping @Sendable (Job) -> Void) -> JobWorker {
        var configuration = JobWorkerConfiguration(
            kind: "empty", name: "empty-worker", instance: "bench", kafka: kafka, topics: topics)
        configuration.retryDelays = []
        configuration.slots = 16
        configuration.sessionTimeout = .seconds(6)
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        return JobWorker(
            configuration, handler: EmptyHandler(started: started), state: state, health: HealthRegistry(), logger: logger)
    }

    private func job(_ number: Int, at: Date) -> Job {
        Job(id: "empty-\(number)", kind: "empty", source: "bench/main", dataset: "empty", createdAt: at)
    }

    private func throughput(_ topics: TopicNames) async throws -> (rate: Double, completions: Int, distinct: Int) {
        let producer = try Producer(kafka)
        try await producer.send((0..<jobs).map { ProducerRecord(job($0, at: Date()).message(to: topics)) })
        await producer.close()
        let first = Mutex<ContinuousClock.Instant?>(nil)
        let worker = worker(topics) { _ in
            let now = ContinuousClock.now
            first.withLock { $0 = $0 ?? now }
        }
        var silent = Logger(label: "bench")
        silent.logLevel = .error
        let group = ServiceGroup(services: [worker], logger: silent)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let ids = try await completions(topics)
            let end = ContinuousClock.now
            let begin = first.withLock { $0 } ?? end
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return (Double(jobs) / (begin.duration(to: end) / .seconds(1)), ids.count, Set(ids).count)
        }
    }

    /// Reads completions until there are as many as jobs.
    private func completions(_ topics: TopicNames) async throws -> [String] {
        let events = ConsumerEvents(highMark: 20_000)
        let consumer = try await Consumer(ConsumerConfiguration(kafka), listener: events)
        try await consumer.assign(
            Dictionary(uniqueKeysWithValues: (0..<Int32(4)).map { (TopicPartition(topics.jobEvents, $0), StartOffset.earliest) }))
        var ids: [String] = []
        for try await event in events {
            guard case .record(let record) = event else { continue }
            // The headers say enough; decoding every event would measure the reader.
            guard record.headers.text(of: "ce_type") == "switchboard.job.completed" else { continue }
            ids.append(record.headers.text(of: "ce_subject") ?? "")
            if ids.count == jobs { break }
        }
        await consumer.close()
        return ids
    }

    /// Jobs published one by one in transactions, as the scheduler does; milliseconds until each started, sorted.
    private func latency(_ topics: TopicNames) async throws -> [Double] {
        let delays = Mutex<[Double]>([])
        let (all, done) = AsyncStream<Void>.makeStream()
        let worker = worker(topics) { job in
            let delay = Date().timeIntervalSince(job.createdAt) * 1000
            if job.id.hasPrefix("empty-warm") { return }
            let count = delays.withLock { delays in
                delays.append(delay)
                return delays.count
            }
            if count == 200 { done.finish() }
        }
        var silent = Logger(label: "bench")
        silent.logLevel = .error
        let group = ServiceGroup(services: [worker], logger: silent)
        let producer = try TransactionalProducer(kafka, transactionalID: "\(topics.prefix)publisher")
        try await producer.initialize()
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            // Joining the group takes its time; what is published before would measure that.
            try await Task.sleep(for: .seconds(8))
            for number in 0..<200 {
                let record = ProducerRecord(job(1_000_000 + number, at: Date()).message(to: topics))
                try await producer.transaction { producer throws(KafkaError) in try producer.send(record) }
                try await Task.sleep(for: .milliseconds(20))
            }
            for await _ in all {}
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            await producer.close()
            return delays.withLock { $0.sorted() }
        }
    }
}
