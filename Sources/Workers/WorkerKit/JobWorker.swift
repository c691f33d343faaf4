internal import Contracts
internal import Kafka
public import Logging
internal import Messaging
public import Service
public import ServiceLifecycle
internal import Synchronization

/// A worker's service: joins the group, runs jobs until it is told to stop, drains, leaves.
///
/// It starts without a broker: it is not ready then and tries again until there is one. Wrong credentials and fencing end it.
public struct JobWorker: ServiceLifecycle.Service {
    private let configuration: JobWorkerConfiguration
    private let handler: any JobHandler
    private let clock: WorkerClock
    private let logger: Logger
    private let readiness: HealthIndicator
    private let beat = PollBeat()

    /// How long the poll thread may be silent before the process counts as hung: far longer than any transaction.
    static let silenceLimit: Duration = .seconds(60)

    /// Describes the worker; `run` starts it.
    public init(
        _ configuration: JobWorkerConfiguration, handler: any JobHandler, health: HealthRegistry, clock: WorkerClock = .system,
        logger: Logger
    ) {
        self.configuration = configuration
        self.handler = handler
        self.clock = clock
        self.logger = logger
        readiness = health.indicator("kafka", for: .readiness, initially: .failing("not connected"))
        health.addCheck("poll-thread", for: .liveness) { [beat, clock] in
            guard let silence = beat.silence(at: clock.now()), silence > Self.silenceLimit else { return .passing }
            return .failing("the poll thread has been silent for \(silence.components.seconds) s: restart the process")
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
        let runner = JobRunner(
            configuration: configuration, handler: handler, clock: clock, logger: logger,
            announce: { events.offer(ProducerRecord($0.message(to: topics))) })
        let (failures, failed) = AsyncStream<KafkaError>.makeStream()
        let loop = JobLoop(configuration: configuration, runner: runner, clock: clock, logger: logger, beat: beat) {
            failed.yield($0)
        }
        var consumerConfiguration = ConsumerConfiguration(configuration.kafka, group: configuration.group)
        consumerConfiguration.sessionTimeout = configuration.sessionTimeout
        // Jobs are small and few are needed: what is fetched ahead of a paused partition is thrown away.
        consumerConfiguration.prefetchedRecords = 64
        consumerConfiguration.prefetchedBytes = 4 << 20
        let consumer = try await Consumer(consumerConfiguration, listener: loop)
        do {
            let transactions = try TransactionalProducer(
                configuration.kafka, transactionalID: configuration.transactionalID, thread: consumer.thread)
            do {
                do {
                    try await cancelWhenGracefulShutdown { try await start(consumer, transactions, loop) }
                } catch is CancellationError {
                    // Told to stop while there was no broker yet: nothing was begun.
                    await consumer.close()
                    await transactions.close()
                    return
                }
                let failure = await waitForEnd(failures)
                let left = await loop.drain(grace: failure == nil ? configuration.grace : .zero)
                await consumer.close()
                await transactions.close()
                if let failure { throw failure }
                if left > 0 {
                    throw ProgramFailure(.temporary, "stopped with \(left) jobs handed back; another worker starts them over")
                }
            } catch {
                await consumer.close()
                await transactions.close()
                throw error
            }
        } catch {
            await consumer.close()
            throw error
        }
    }

    /// Waits for the broker, fences an older copy and joins the group.
    private func start(_ consumer: Consumer, _ transactions: TransactionalProducer, _ loop: JobLoop) async throws {
        logger.info(
            "worker starting",
            metadata: [
                "kind": "\(configuration.kind)", "group": "\(configuration.group)", "librdkafka": "\(LibraryVersion.current)",
                "assignor": "\(ConsumerConfiguration.assignor)", "transactional-id": "\(configuration.transactionalID)",
            ])
        let topics = configuration.subscription + [configuration.topics.dead(configuration.kind), configuration.topics.jobEvents]
        try await KafkaStart.awaitTopics(topics, on: configuration.kafka, logger: logger, readiness: readiness)
        try await KafkaStart.retrying(logger: logger, readiness: readiness) {
            try await transactions.initialize(timeout: .seconds(10))
        }
        loop.attach(transactions)
        try await consumer.subscribe(to: configuration.subscription)
        readiness.set(.passing)
        logger.info("worker ready", metadata: ["topics": "\(configuration.subscription)", "slots": "\(configuration.slots)"])
    }

    /// Returns nil at graceful shutdown, or the failure that ends the worker.
    private func waitForEnd(_ failures: AsyncStream<KafkaError>) async -> KafkaError? {
        await withTaskGroup(of: KafkaError?.self) { group in
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
