internal import Contracts
internal import Kafka
public import Logging
internal import Messaging
public import ObjectStorage
public import Service
public import ServiceLifecycle
internal import Synchronization

/// A worker's service: joins the group, runs jobs until it is told to stop, drains, leaves.
///
/// It starts without a broker: it is not ready then and tries again until there is one. Wrong credentials and fencing end it.
public struct JobWorker: ServiceLifecycle.Service {
    private let configuration: JobWorkerConfiguration
    private let handler: any JobHandler
    private let memory: JobMemory?
    private let budget: SharedBudget?
    private let clock: WorkerClock
    private let logger: Logger
    private let readiness: HealthIndicator
    private let beat = PollBeat()
    private let loops = CurrentLoop()

    /// How long the poll thread may be silent before the process counts as hung: far longer than any transaction.
    static let silenceLimit: Duration = .seconds(60)

    /// Describes the worker; `run` starts it.
    ///
    /// - Parameters:
    ///   - state: where it remembers starts and checkpoints, usually the lake; nil to remember nothing, so that jobs that end
    ///     their process are never given up and every attempt begins at the beginning.
    ///   - budget: the worker's part of what the vendor allows, which follows its part of the partitions.
    public init(
        _ configuration: JobWorkerConfiguration, handler: any JobHandler, state: (any ObjectStore)?,
        budget: SharedBudget? = nil, health: HealthRegistry, clock: WorkerClock = .system, logger: Logger
    ) {
        self.configuration = configuration
        self.handler = handler
        self.budget = budget
        memory = state.map { JobMemory(store: $0, configuration: configuration, clock: clock, logger: logger) }
        self.clock = clock
        self.logger = logger
        readiness = health.indicator("kafka", for: .readiness, initially: .failing("not connected"))
        health.addCheck("poll-thread", for: .liveness) { [beat, clock] in
            guard let silence = beat.silence(at: clock.now()), silence > Self.silenceLimit else { return .passing }
            return .failing("the poll thread has been silent for \(silence.components.seconds) s: restart the process")
        }
        addChecks(to: health)
    }

    private func addChecks(to health: HealthRegistry) {
        health.addCheck("stuck-jobs", for: .readiness) { [loops] in
            let stuck = loops.current?.stuckJobs ?? []
            return stuck.isEmpty
                ? .passing : .failing("cancelled and still running: \(stuck.sorted().prefix(10).joined(separator: ", "))")
        }
    }

    /// Runs until graceful shutdown.
    ///
    /// - Throws: a `ProgramFailure` that says whether starting again helps.
    public func run() async throws {
        let producer = try Producer(configuration.kafka)
        do {
            try await run(events: producer)
        } catch {
            await producer.close()
            throw Self.failure(error)
        }
        await producer.close()
    }

    private func run(events: Producer) async throws {
        let topics = configuration.topics
        let alerts = CircuitAlert(configuration, clock: clock)
        let (failures, failed) = AsyncStream<any Error>.makeStream()
        let follower = ControlFollower(topic: topics.control, logger: logger) { [loops] in loops.current?.controlChanged() }
        let runner = JobRunner(
            configuration: configuration, handler: handler, clock: clock, logger: logger, control: { follower.current },
            memory: memory, budget: budget, announce: { events.offer(ProducerRecord($0.message(to: topics))) },
            announceCircuit: { events.offer(ProducerRecord(alerts.alert(for: $0).message(to: topics))) })
        let loop = JobLoop(configuration: configuration, runner: runner, clock: clock, logger: logger, beat: beat) {
            failed.yield($0)
        }
        loops.set(loop)
        defer { loops.set(nil) }
        try await run(loop, follower, failures)
        if let alert = alerts.endIfFiring() { events.offer(ProducerRecord(alert.message(to: topics))) }
    }

    private func run(_ loop: JobLoop, _ follower: ControlFollower, _ failures: AsyncStream<any Error>) async throws {
        var consumerConfiguration = ConsumerConfiguration(configuration.kafka, group: configuration.group)
        consumerConfiguration.sessionTimeout = configuration.sessionTimeout
        // Jobs are small and few are needed: what is fetched ahead of a paused partition is thrown away.
        consumerConfiguration.prefetchedRecords = 64
        consumerConfiguration.prefetchedBytes = 4 << 20
        // The end of a partition tells that only transaction markers lie between it and the last job.
        consumerConfiguration.reportsEnds = true
        let consumer = try await Consumer(consumerConfiguration, listener: loop)
        try await closing(consumer.close) {
            let transactions = try TransactionalProducer(
                configuration.kafka, transactionalID: configuration.transactionalID, thread: consumer.thread)
            try await closing(transactions.close) {
                let control = try await follower.open(configuration.kafka)
                try await closing(control.close) {
                    do {
                        try await cancelWhenGracefulShutdown { try await start(consumer, transactions, loop, follower, control) }
                    } catch is CancellationError {
                        // Told to stop while there was no broker yet: nothing was begun.
                        return
                    }
                    try await work(consumer, loop, failures)
                }
            }
        }
    }

    /// Closes what was opened, however the body ends.
    private func closing(_ close: () async -> Void, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            await close()
            throw error
        }
        await close()
    }

    /// Works until it is told to stop or can't go on, then hands back what doesn't end in time.
    private func work(_ consumer: Consumer, _ loop: JobLoop, _ failures: AsyncStream<any Error>) async throws {
        let failure = await waitForEnd(failures)
        let drained = await loop.drain(grace: failure == nil ? configuration.grace : .zero)
        // Leaves the group, which commits what has ended until now.
        await consumer.close()
        await memory?.close()
        if let failure { throw failure }
        guard drained.stuck.isEmpty else {
            throw ProgramFailure(
                .failure, "stopped while jobs ignored their cancellation: \(drained.stuck.joined(separator: ", "))")
        }
        guard drained.handedBack == 0 else {
            throw ProgramFailure(
                .temporary, "stopped with \(drained.handedBack) jobs handed back; another worker goes on with them")
        }
    }

    /// Waits for the broker, fences an older copy and joins the group.
    private func start(
        _ consumer: Consumer, _ transactions: TransactionalProducer, _ loop: JobLoop, _ follower: ControlFollower,
        _ control: Consumer
    ) async throws {
        logger.info(
            "worker starting",
            metadata: [
                "kind": "\(configuration.kind)", "group": "\(configuration.group)", "librdkafka": "\(LibraryVersion.current)",
                "assignor": "\(ConsumerConfiguration.assignor)", "transactional-id": "\(configuration.transactionalID)",
            ])
        let names = configuration.topics
        let topics =
            configuration.subscription + [names.dead(configuration.kind), names.jobEvents, names.alerts, names.control]
        try await KafkaStart.awaitTopics(topics, on: configuration.kafka, logger: logger, readiness: readiness)
        try await KafkaStart.retrying(logger: logger, readiness: readiness) {
            try await transactions.initialize(timeout: .seconds(10))
        }
        // A job that was cancelled before this worker began must not begin here.
        try await control.assign([TopicPartition(names.control, 0): .earliest])
        await follower.waitUntilCaughtUp()
        try Task.checkCancellation()
        loop.attach(transactions)
        try await consumer.subscribe(to: configuration.subscription)
        readiness.set(.passing)
        logger.info("worker ready", metadata: ["topics": "\(configuration.subscription)", "slots": "\(configuration.slots)"])
    }

    /// Returns nil at graceful shutdown, or the failure that ends the worker.
    private func waitForEnd(_ failures: AsyncStream<any Error>) async -> (any Error)? {
        await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                for await failure in failures { return failure }
                return nil
            }
            group.addTask {
                // Throws only when the task is cancelled, which also means: stop.
                try? await gracefulShutdown()
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    private static func failure(_ error: any Error) -> any Error {
        guard let error = error as? KafkaError else { return error }
        return KafkaStart.failure(error)
    }
}

/// The loop that runs at the moment, for health checks, which are older than it.
private final class CurrentLoop: Sendable {
    private let loop = Mutex<JobLoop?>(nil)

    var current: JobLoop? { loop.withLock { $0 } }

    func set(_ loop: JobLoop?) { self.loop.withLock { $0 = loop } }
}
