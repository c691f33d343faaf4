internal import Contracts
internal import Foundation
internal import Kafka
internal import Logging
internal import Metrics
internal import Service
internal import Synchronization

/// The listener of a worker's consumer: feeds the table, starts runs and commits what they publish.
///
/// Runs end on any thread and start their partition's next one at once; everything that concerns ownership happens on the
/// poll thread, between whose calls no rebalance can come. Completions that gather while a transaction is under way share
/// the next one, so none waits longer than one transaction takes.
final class JobLoop: ConsumerListener {
    struct State {
        var table: LaneTable
        var circuit: Circuit
        var active: [RunKey: ActiveRun] = [:]
        var producer: TransactionalProducer?
        var failure: (any Error)?
        var isProbed = false
        var commitNotBefore: WorkerClock.Instant?
        var commitFailures = 0
        var reported: Set<String> = []
        /// Partitions of the job topic; 0 before it is known.
        var jobPartitions = 0
        var learnNotBefore: WorkerClock.Instant?
        var idleCommitNotBefore: WorkerClock.Instant?
        var limitsNotBefore: WorkerClock.Instant?
        /// Sources whose limit by operators the budget knows.
        var limitedSources: Set<String> = []
        /// The runs that were named because the rest of their window waits for them.
        var blocking: Set<RunKey> = []
        /// What keeps work away at the moment, for people; nil for nothing.
        var held: String?
    }

    let configuration: JobWorkerConfiguration
    let runner: JobRunner
    let clock: WorkerClock
    let logger: Logger
    let state: Mutex<State>
    private let thread = Mutex<PollThread?>(nil)
    private let beat: PollBeat
    private let figures: WorkFigures
    let onFailure: @Sendable (any Error) -> Void

    init(
        configuration: JobWorkerConfiguration, runner: JobRunner, clock: WorkerClock, logger: Logger, beat: PollBeat,
        onFailure: @escaping @Sendable (any Error) -> Void
    ) {
        self.configuration = configuration
        self.runner = runner
        self.clock = clock
        self.logger = logger
        self.beat = beat
        self.onFailure = onFailure
        figures = WorkFigures(configuration)
        state = Mutex(
            State(
                table: LaneTable(slots: configuration.slots, window: configuration.window),
                circuit: Circuit(configuration.deathBudget)))
    }

    /// Gives the loop its way to publish; nothing is committed before.
    func attach(_ producer: TransactionalProducer) {
        state.withLock { $0.producer = producer }
        thread.withLock { $0 = producer.thread }
    }

    // MARK: Ownership

    func starts(of partitions: [TopicPartition], in consumer: isolated Consumer) -> [TopicPartition: StartOffset] {
        runner.memory?.assignmentChanged()
        var committed: [TopicPartition: CommittedOffset]?
        do throws(KafkaError) {
            // Those of former partitions too: what is committed of them needs to be remembered no more.
            committed = try consumer.committed(Set(partitions).union(runner.memory?.idlePartitions ?? []))
        } catch {
            // Nothing of these partitions is started before it is known what of them is done.
            logger.warning("committed offsets are unknown yet", metadata: ["error": "\(error)"])
        }
        let cancelled = state.withLock { $0.table.assign(partitions, committed: committed) }
        handBack(cancelled)
        guard let committed else { return [:] }
        runner.memory?.committed(committed)
        let new = partitions.filter { committed[$0] == nil }
        return Dictionary(uniqueKeysWithValues: new.map { ($0, StartOffset.earliest) })
    }

    func assigned(_ partitions: [TopicPartition], to consumer: isolated Consumer) {
        tellShare(with: consumer)
        logger.info("partitions assigned", metadata: ["partitions": "\(partitions.sorted().map(\.description))"])
    }

    /// Asks again for committed offsets that weren't known at the assignment.
    private func learnCommitted(with consumer: isolated Consumer) {
        let now = clock.now()
        let unready: [TopicPartition] = state.withLock { state in
            if let notBefore = state.learnNotBefore, notBefore > now { return [] }
            return state.table.unready
        }
        guard !unready.isEmpty else { return }
        do throws(KafkaError) {
            let committed = try consumer.committed(unready, timeout: .seconds(5))
            handBack(state.withLock { $0.table.learn(committed, of: unready) })
        } catch {
            state.withLock { $0.learnNotBefore = now.advanced(by: .seconds(1)) }
        }
    }

    func revoked(_ partitions: [TopicPartition], lost: Bool, from consumer: isolated Consumer) {
        // What is finished can still be published: the partitions are ours until this returns.
        if !lost { commit(with: consumer, isLast: true) }
        let isEager = LibraryVersion.current < .cooperativeRebalances && !lost
        let cancelled = state.withLock { state in
            guard isEager, !state.table.isDraining else { return state.table.revoke(partitions) }
            state.table.suspend(partitions)
            return []
        }
        handBack(cancelled)
        // While this waits, nobody else gets the partitions: their jobs are never run by two workers at once.
        if !lost { waitForEnd(of: cancelled) }
        tellShare(with: consumer)
        logger.info(
            lost ? "partitions lost" : "partitions revoked",
            metadata: ["partitions": "\(partitions.sorted().map(\.description))", "jobs-handed-back": "\(cancelled.count)"])
    }

    /// How long a rebalance is held up for cancelled runs to end; the group's other members wait so long.
    private static let revocationLimit: Duration = .seconds(5)

    private func waitForEnd(of runs: [RunKey]) {
        let deadline = ContinuousClock.now + Self.revocationLimit
        while state.withLock({ state in runs.contains { state.active[$0] != nil } }) {
            guard ContinuousClock.now < deadline else {
                logger.warning("jobs don't end when they are handed back", metadata: ["jobs": "\(runningJobs)"])
                return
            }
            // The poll thread, inside a callback of librdkafka that has to return a decision: it may block.
            usleep(1000)
        }
    }

    func handBack(_ runs: [RunKey]) {
        let active = state.withLock { state in runs.compactMap { state.active[$0] } }
        for run in active {
            logger.notice("job handed back", metadata: ["job": "\(run.description)"])
            run.handBack(at: clock.now())
        }
    }

    // MARK: Records and runs

    func received(_ record: ConsumerRecord, by consumer: isolated Consumer) {
        let due = dueTime(of: record)
        state.withLock { $0.table.receive(record, due: due) }
    }

    /// When a record may start, ms since 1970: only in retry topics, and never later than their longest delay allows, because
    /// anybody may have written the header.
    private func dueTime(of record: ConsumerRecord) -> Int64 {
        guard record.topic != configuration.topics.jobs(configuration.kind),
            let due = record.headers.text(of: JobHeader.notBefore).flatMap({ Int64($0) }),
            let longest = configuration.retryDelays.last
        else { return 0 }
        let now = Int64(clock.date().timeIntervalSince1970 * 1000)
        return min(due, now + Int64(longest / .milliseconds(1)) * 5 / 4 + 60_000)
    }

    func polled(by consumer: isolated Consumer) {
        beat.note(clock.now())
        learnCommitted(with: consumer)
        probeMetadata(with: consumer)
        commit(with: consumer)
        commitIdle(with: consumer)
        adjustLimits()
        startRuns()
        let (pause, resume, isDue) = state.withLock { state in
            let flow = state.table.flow()
            return (flow.pause, flow.resume, state.table.hasPending && state.commitNotBefore == nil)
        }
        consumer.pause(pause)
        consumer.resume(resume)
        checkTimeouts()
        figures.report(clock, consumer) {
            warnOfHeadOfLine()
            return state.withLock { ($0.table.figures, $0.active.count) }
        }
        // Completions that came during the transaction: the next one begins in the next round, without waiting for a timer.
        if isDue { wake() }
    }

    func reachedEnd(of partition: TopicPartition, offset: Int64, by consumer: isolated Consumer) {
        state.withLock { $0.table.reachedEnd(of: partition, offset: offset) }
    }

    func startRuns() {
        let now = Int64(clock.date().timeIntervalSince1970 * 1000)
        let began = clock.now()
        let starts: [(LaneTable.Start, ActiveRun)] = state.withLock { state in
            state.table.start(now: now).map { start in
                let active = ActiveRun(start.run, began: began)
                state.active[start.run] = active
                return (start, active)
            }
        }
        for (start, active) in starts {
            // Not a child of anybody: it begins in a callback of librdkafka and is ended by revoke, timeout or drain, which
            // all find it in `active`; drain waits for it.
            active.attach(
                Task {
                    let result = await self.runner.run(start.record, active)
                    self.finish(start.run, result)
                })
        }
    }

    private func finish(_ run: RunKey, _ result: RunResult?) {
        let now = clock.now()
        let change = state.withLock { state in
            state.active[run] = nil
            let counts = state.table.finish(run, result)
            guard counts else {
                logger.debug("run counts for nothing", metadata: ["partition": "\(run.partition)", "offset": "\(run.offset)"])
                return Circuit.Change?.none
            }
            let change = state.circuit.note(result?.evidence ?? .none, at: now)
            if change != nil { state.limitsNotBefore = nil }
            return change
        }
        if let change { tell(change) }
        if change != nil { adjustLimits() }
        startRuns()
        wake()
    }

    func wake() { thread.withLock { $0 }?.wakeUp() }
}
