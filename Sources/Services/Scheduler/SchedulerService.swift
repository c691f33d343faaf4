internal import Contracts
public import Foundation
internal import Kafka
public import Logging
internal import Messaging
internal import Metrics
public import Service
public import ServiceLifecycle
internal import Synchronization

/// Where the scheduler gets its time.
public struct SchedulerClock: Sendable {
    /// The time of day.
    public var now: @Sendable () -> Date
    /// Waits for about this long.
    public var sleep: @Sendable (Duration) async throws -> Void

    /// A clock.
    public init(now: @escaping @Sendable () -> Date, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }

    /// The machine's clock.
    public static let system = SchedulerClock(now: { Date() }, sleep: { try await Task.sleep(for: $0) })
}

/// Publishes the jobs of all schedules; of several processes one does, the others stand by.
///
/// 1. Leadership is ownership of `schedule.state`'s partition. The new leader first initializes the fixed transactional id,
///    which fences the old one and ends what it left open, and only then reads the state.
/// 2. Jobs, their `expected` events and the new state are one transaction, so each interval is published once or not at all.
/// 3. An operator moves a cursor under the same transactional id (``CursorMover``): what the leader was about to publish is
///    refused then, and it goes on from the moved cursor.
public struct SchedulerService: ServiceLifecycle.Service {
    private let configuration: SchedulerConfiguration
    private let clock: SchedulerClock
    private let logger: Logger
    private let readiness: HealthIndicator

    /// Describes the service; `run` starts it.
    public init(
        _ configuration: SchedulerConfiguration, health: HealthRegistry, clock: SchedulerClock = .system, logger: Logger
    ) {
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        readiness = health.indicator("kafka", for: .readiness, initially: .failing("not connected"))
    }

    /// Runs until graceful shutdown.
    ///
    /// - Throws: a `ProgramFailure` that says whether starting again helps.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.takePart() }
        } catch let error as KafkaError {
            throw KafkaStart.failure(error)
        } catch is CancellationError {
            return
        }
    }

    private func takePart() async throws {
        let topics = configuration.topics
        let needed = Set([topics.scheduleState, topics.jobEvents] + configuration.schedules.map { topics.jobs($0.kind) })
        try await KafkaStart.awaitTopics(needed, on: configuration.kafka, logger: logger, readiness: readiness)
        let lease = PartitionLease(
            configuration.kafka, topic: topics.scheduleState, group: "\(topics.prefix)scheduler",
            sessionTimeout: configuration.sessionTimeout)
        try await lease.hold {
            // A standby is as ready as it can be.
            readiness.set(.passing)
            logger.info("standing by", metadata: ["schedules": "\(configuration.schedules.count)"])
        } _: { term in
            try await lead(term)
        }
    }

    // MARK: Leading

    private func lead(_ term: LeaseTerm) async throws {
        defer { Gauge(label: "scheduler_leading").record(0) }
        var fencings = 0
        while term.isCurrent, !Task.isCancelled {
            let began = ContinuousClock.now
            let producer = try TransactionalProducer(
                configuration.kafka, transactionalID: "\(configuration.topics.prefix)scheduler")
            do {
                try await producer.initialize()
                try await publishWhatIsDue(producer, term)
                await producer.close()
                fencings = 0
            } catch {
                await producer.close()
                if .now - began > .seconds(60) { fencings = 0 }
                // An operator who moves a cursor takes the right to publish, so that nothing is published meanwhile. Whoever
                // leads takes it back and begins with what is stored then. Not for ever: another installation with the same
                // names would do the same.
                fencings += 1
                guard Self.isTakeOver(error), term.isCurrent, fencings <= Self.toleratedFencings else { throw error }
                logger.notice("somebody else took the right to publish; taking it back soon")
                // Long enough for the operator's own transaction.
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    private static let toleratedFencings = 10

    /// What a failure was when a cursor was moved meanwhile: not every broker says that the producer was fenced.
    private struct TakenOver: Error {}

    private static func isTakeOver(_ error: any Error) -> Bool {
        error is TakenOver || (error as? KafkaError)?.kind == .fenced
    }

    /// Publishes what is due until the term is over or an operator has moved a cursor.
    private func publishWhatIsDue(_ producer: TransactionalProducer, _ term: LeaseTerm) async throws {
        let reader = ScheduleStateReader(configuration.kafka, topic: configuration.topics.scheduleState)
        let stored = try await reader.read()
        var states = stored.states
        logger.info("leading", metadata: ["schedules": "\(configuration.schedules.count)", "states": "\(states.count)"])
        Gauge(label: "scheduler_leading").record(1)
        let move = CursorMove()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Also when it fails: reading the state anew tells why.
                defer { move.happen() }
                try await reader.awaitMove(from: stored.next)
            }
            defer { group.cancelAll() }
            while term.isCurrent, !Task.isCancelled {
                if move.hasHappened {
                    logger.notice("reading the schedules' state anew: an operator has moved a cursor")
                    return
                }
                do {
                    let wait = try await tick(&states, producer, term)
                    try await clock.sleep(wait)
                } catch let error as KafkaError {
                    if move.hasHappened { throw TakenOver() }
                    throw error
                }
            }
        }
    }

    /// Publishes what is due and returns how long nothing will be.
    private func tick(
        _ states: inout [String: ScheduleState], _ producer: TransactionalProducer, _ term: LeaseTerm
    ) async throws -> Duration {
        let now = clock.now()
        var wait = configuration.interval
        for definition in configuration.schedules {
            let tick = definition.tick(state: states[definition.name], now: now)
            if tick.definitionChanged {
                logger.notice("schedule changed; it goes on where it was", metadata: ["schedule": "\(definition.name)"])
            }
            for interval in tick.leftOut {
                logger.warning(
                    "interval left out by the catch-up policy",
                    metadata: [
                        "schedule": "\(definition.name)", "interval": "\(interval)", "policy": "\(definition.catchUp.rawValue)",
                    ])
            }
            if let state = tick.state {
                do {
                    try await publish(tick, of: definition, state: state, now: now, producer, term)
                    states[definition.name] = state
                } catch let error as KafkaError where error.mayPassInNextTransaction && term.isCurrent {
                    // The transaction was aborted and the state is as before: the next look at the clock publishes the same.
                    // Other schedules may go to topics that are better off.
                    logger.warning("not published yet", metadata: ["schedule": "\(definition.name)", "error": "\(error)"])
                    Counter(label: "scheduler_failed_transactions_total", dimensions: [("schedule", definition.name)]).increment()
                    continue
                }
            }
            if tick.hasMore {
                wait = .zero
            } else if let due = tick.nextDue {
                wait = min(wait, .seconds(max(0, due.timeIntervalSince(now))))
            }
        }
        return wait
    }

    private func publish(
        _ tick: ScheduleTick, of definition: ScheduleDefinition, state: ScheduleState, now: Date,
        _ producer: TransactionalProducer,
        _ term: LeaseTerm
    ) async throws {
        let topics = configuration.topics
        var records: [ProducerRecord] = []
        for due in tick.due {
            let job = Job(
                id: due.jobID, kind: definition.kind, source: definition.source, dataset: definition.dataset,
                day: due.day.description, interval: due.interval, createdAt: now, parameters: definition.parameters,
                traceparent: Traceparent.random())
            let expected = JobEvent(
                .expected, of: job, at: now,
                expectation: JobEvent.Expectation(schedule: definition.name, deadline: due.deadline, jobsOfDay: due.jobsOfDay))
            records.append(ProducerRecord(expected.message(to: topics, traceparent: job.traceparent)))
            records.append(ProducerRecord(job.message(to: topics)))
        }
        var stored = ProducerRecord(state.message(to: topics))
        // The one that the lease is about and that the next leader reads.
        stored.partition = 0
        records.append(stored)
        // The lease's own offset makes the broker check the generation: a leader that was replaced can't commit.
        let group = try await term.groupMetadata()
        let lease = TopicPartition(topics.scheduleState, 0)
        let all = records
        try await producer.transaction { producer throws(KafkaError) in
            for record in all { try producer.send(record) }
            try producer.sendOffsets([lease: CommittedOffset(0)], group: group)
        }
        Counter(label: "scheduler_jobs_published_total", dimensions: [("schedule", definition.name)]).increment(
            by: tick.due.count)
        for due in tick.due {
            logger.info(
                "job published",
                metadata: ["schedule": "\(definition.name)", "job": "\(due.jobID)", "interval": "\(due.interval)"])
        }
    }
}

/// Whether an operator has moved a cursor since the leader read the state.
private final class CursorMove: Sendable {
    private let state = Mutex(false)

    var hasHappened: Bool { state.withLock { $0 } }

    func happen() { state.withLock { $0 = true } }
}

/// The start of a trace for a job (W3C Trace Context, version 00, sampled).
public enum Traceparent {
    /// A new trace.
    public static func random() -> String {
        func hex(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        // All zeros would be invalid; 1 is as good as any.
        let trace = hex(UInt64.random(in: 1 ... .max)) + hex(UInt64.random(in: 0 ... .max))
        return "00-\(trace)-\(hex(UInt64.random(in: 1 ... .max)))-01"
    }
}
