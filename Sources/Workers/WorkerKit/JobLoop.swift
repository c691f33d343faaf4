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
    private struct State {
        var table: LaneTable
        var circuit: Circuit
        var active: [RunKey: ActiveRun] = [:]
        var producer: TransactionalProducer?
        var failure: (any Error)?
        var isProbed = false
        var commitNotBefore: WorkerClock.Instant?
        var commitFailures = 0
        var reported: Set<String> = []
        var learnNotBefore: WorkerClock.Instant?
        var idleCommitNotBefore: WorkerClock.Instant?
        var limitsNotBefore: WorkerClock.Instant?
        /// What keeps work away at the moment, for people; nil for nothing.
        var held: String?
    }

    private let configuration: JobWorkerConfiguration
    private let runner: JobRunner
    private let clock: WorkerClock
    private let logger: Logger
    private let state: Mutex<State>
    private let thread = Mutex<PollThread?>(nil)
    private let beat: PollBeat
    private let figures: WorkFigures
    private let onFailure: @Sendable (any Error) -> Void

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

    func assigned(_ partitions: [TopicPartition], to consumer: isolated Consumer) {
        runner.memory?.starts.assignmentChanged()
        var committed: [TopicPartition: CommittedOffset]?
        do throws(KafkaError) {
            committed = try consumer.committed(partitions)
        } catch {
            // Nothing of these partitions is started before it is known what of them is done.
            logger.warning("committed offsets are unknown yet", metadata: ["error": "\(error)"])
        }
        let cancelled = state.withLock { $0.table.assign(partitions, committed: committed) }
        handBack(cancelled)
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

    private func handBack(_ runs: [RunKey]) {
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
        figures.report(state.withLock { $0.table.figures }, running: state.withLock { $0.active.count }, consumer, clock)
        // Completions that came during the transaction: the next one begins in the next round, without waiting for a timer.
        if isDue { wake() }
    }

    func reachedEnd(of partition: TopicPartition, offset: Int64, by consumer: isolated Consumer) {
        state.withLock { $0.table.reachedEnd(of: partition, offset: offset) }
    }

    private func startRuns() {
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
            let counts = state.table.finish(run, records: result?.records, checkpoint: result?.finishedCheckpoint)
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

    // MARK: What keeps work away

    /// Applies what operators and the circuit allow to the table.
    private func adjustLimits() {
        let now = clock.now()
        // Looked up a few times a second; a change of the control topic or of the circuit comes at once.
        let isDue = state.withLock { state in
            if let notBefore = state.limitsNotBefore, notBefore > now { return false }
            state.limitsNotBefore = now.advanced(by: .milliseconds(100))
            return true
        }
        guard isDue else { return }
        let date = clock.date()
        let control = runner.control()
        let pause = control.pause(kind: configuration.kind, at: date)
        let slots = control.slots(kind: configuration.kind, at: date)
        let (held, before) = state.withLock { state in
            let circuit = state.circuit.limit(at: now)
            state.table.startLimit = pause == nil ? [slots, circuit].compactMap { $0 }.min() : 0
            let held: String? = pause.map { "paused by \($0.by)" } ?? (circuit == 0 ? "the circuit is open" : nil)
            defer { state.held = held }
            return (held, state.held)
        }
        if held != before {
            Gauge(label: "worker_taking_work", dimensions: [("kind", configuration.kind)]).record(held == nil ? 1 : 0)
            logger.notice(held == nil ? "taking work again" : "taking no work", metadata: ["because": "\(held ?? "nothing")"])
        }
    }

    /// An entry of the control topic changed.
    func controlChanged() {
        let control = runner.control()
        let now = clock.now()
        let date = clock.date()
        for run in state.withLock({ Array($0.active.values) }) {
            guard let job = run.job, let entry = control.cancellation(of: job, at: date) else { continue }
            logger.notice("job cancelled by an operator", metadata: ["job": "\(run.description)", "by": "\(entry.by)"])
            run.cancel(entry.failure, at: now)
        }
        state.withLock { $0.limitsNotBefore = nil }
        wake()
    }

    private func tell(_ change: Circuit.Change) {
        switch change {
        case .opened(let deaths, let reason):
            logger.error(
                "circuit opened: too many jobs died", metadata: ["deaths": "\(deaths)", "last-reason": "\(reason)"])
        case .closed:
            logger.notice("circuit closed: a job came through")
        }
        runner.announceCircuit(change)
    }

    private func wake() { thread.withLock { $0 }?.wakeUp() }

    private func checkTimeouts() {
        let now = clock.now()
        let date = clock.date()
        let active = state.withLock { Array($0.active.values) }
        for run in active {
            if run.checkTimeouts(configuration, now: now, date: date) {
                logger.warning("job timed out", metadata: ["job": "\(run.description)"])
            }
            guard run.ignoresCancellation(for: Self.stuckLimit, now: now) else { continue }
            fail(
                ProgramFailure(
                    .failure,
                    "job \(run.description) ignores its cancellation for \(Self.stuckLimit.components.seconds) s: the worker ends, "
                        + "because it can't hand the job on safely; report the job's kind"))
        }
    }

    /// How long a cancelled job may go on before the process ends: nothing else would free its slot and its key.
    private static let stuckLimit: Duration = .seconds(30)

    /// Jobs that were told to end and go on, by name.
    var stuckJobs: [String] {
        let now = clock.now()
        return state.withLock { $0.active.values.filter { $0.ignoresCancellation(for: .seconds(5), now: now) } }.map(\.description)
    }

    // MARK: Commits

    private func commit(with consumer: isolated Consumer, isLast: Bool = false) {
        let now = clock.now()
        let work: (TransactionalProducer, CommitBatch)? = state.withLock { state in
            guard let producer = state.producer, state.failure == nil else { return nil }
            if let notBefore = state.commitNotBefore, notBefore > now, !isLast { return nil }
            guard let batch = state.table.takeBatch() else { return nil }
            return (producer, batch)
        }
        guard let (producer, batch) = work else { return }
        do throws(KafkaError) {
            let group = try consumer.groupMetadata()
            try Self.commit(batch, producer, group)
            state.withLock { state in
                state.table.committed(batch)
                state.commitNotBefore = nil
                state.commitFailures = 0
            }
            runner.memory?.forget(batch.completions.compactMap(\.finishedCheckpoint))
            Timer(label: "worker_transaction_duration_seconds", dimensions: [("kind", configuration.kind)])
                .recordNanoseconds(Int64(now.duration(to: clock.now()) / .nanoseconds(1)))
            Counter(label: "worker_completions_total", dimensions: [("kind", configuration.kind)])
                .increment(by: batch.completions.count)
        } catch {
            if error.isFatal || error.kind == .fenced {
                fail(error)
                return
            }
            // A record that no topic takes must not hold up the others for ever: its value stays where it was.
            let batch = error.kind == .messageTooLarge ? OversizedRecords.replaced(in: batch) : batch
            let failures = state.withLock { state in
                state.table.putBack(batch)
                state.commitFailures += 1
                let backoff = min(5000, 50 << min(state.commitFailures, 10))
                state.commitNotBefore = now.advanced(by: .milliseconds(backoff))
                return state.commitFailures
            }
            logger.warning("completions not published yet", metadata: ["error": "\(error)", "attempt": "\(failures)"])
        }
    }

    /// How often offsets beyond transaction markers are committed where nothing is left to do.
    private static let idleCommitInterval: Duration = .seconds(5)

    private func commitIdle(with consumer: isolated Consumer) {
        let now = clock.now()
        let offsets: [TopicPartition: CommittedOffset] = state.withLock { state in
            if let notBefore = state.idleCommitNotBefore, notBefore > now { return [:] }
            guard state.failure == nil else { return [:] }
            let offsets = state.table.idleOffsets
            if !offsets.isEmpty { state.idleCommitNotBefore = now.advanced(by: Self.idleCommitInterval) }
            return offsets
        }
        guard !offsets.isEmpty else { return }
        do throws(KafkaError) {
            try consumer.commit(offsets)
            state.withLock { $0.table.committed(CommitBatch(completions: [], offsets: offsets)) }
        } catch {
            // Only figures suffer: the next completion's transaction carries the offset too.
            logger.debug("idle offsets not committed", metadata: ["error": "\(error)"])
        }
    }

    private static func commit(
        _ batch: CommitBatch, _ producer: TransactionalProducer, _ group: ConsumerGroupMetadata
    ) throws(KafkaError) {
        // Same thread as the consumer's: no rebalance between these steps, and ownership was checked just before.
        let result: Result<Void, KafkaError> = producer.assumeIsolated { producer in
            do throws(KafkaError) {
                try producer.transaction { producer throws(KafkaError) in
                    for completion in batch.completions {
                        for record in completion.records { try producer.send(record) }
                    }
                    try producer.sendOffsets(batch.offsets, group: group)
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Finds out whether the broker keeps the metadata that an ack window needs.
    private func probeMetadata(with consumer: isolated Consumer) {
        guard configuration.window > 1 else { return }
        let partition: TopicPartition? = state.withLock { state in
            guard !state.isProbed, let partition = state.table.partitions.first else { return nil }
            state.isProbed = true
            return partition
        }
        guard let partition else { return }
        do throws(KafkaError) {
            let present = try consumer.committed([partition])[partition]
            let begin = try consumer.watermarks(of: partition).lowerBound
            var probe = present ?? CommittedOffset(begin)
            if probe.metadata.isEmpty { probe.metadata = "w1:" }
            try consumer.commit([partition: probe])
            let kept = try consumer.committed([partition])[partition]?.metadata
            if kept == probe.metadata { return }
            state.withLock { $0.table.keepOrder() }
            logger.notice("the broker drops commit metadata: jobs of a partition run in order")
        } catch {
            // A rebalance came in between; the next round tries again.
            state.withLock { $0.isProbed = false }
        }
    }

    // MARK: Failure and end

    func failed(_ error: KafkaError, in consumer: isolated Consumer) {
        if error.isFatal || error.kind == .authentication || error.kind == .authorization {
            fail(error)
            return
        }
        let isNew = state.withLock { $0.reported.insert(error.code).inserted }
        logger.log(level: isNew ? .warning : .debug, "consumer error", metadata: ["error": "\(error)"])
    }

    private func fail(_ error: any Error) {
        let isFirst = state.withLock { state in
            defer { state.failure = state.failure ?? error }
            return state.failure == nil
        }
        if isFirst { onFailure(error) }
    }

    /// How a drain ended.
    struct Drained: Sendable {
        /// Jobs that were handed back.
        var handedBack = 0
        /// Jobs that go on although they were cancelled.
        var stuck: [String] = []
    }

    /// Starts nothing new, waits up to `grace` for what runs, then hands the rest back. When its task is cancelled the grace
    /// ends at once.
    func drain(grace: Duration) async -> Drained {
        state.withLock { $0.table.isDraining = true }
        wake()
        guard await !becomesIdle(within: grace) else { return Drained() }
        let left = state.withLock { $0.active.count }
        handBackAll()
        // In a task of its own: what was cancelled gets its time even when the caller is in a hurry.
        let isIdle = await Task { await becomesIdle(within: Self.cancellationLimit) }.value
        return Drained(handedBack: left, stuck: isIdle ? [] : runningJobs)
    }

    /// How long a cancelled job may take to end before the worker ends without it.
    private static let cancellationLimit: Duration = .seconds(10)

    private func becomesIdle(within limit: Duration) async -> Bool {
        // Asked now and then: waiting for each run's end would have to be cancellable for every one of them.
        let deadline = ContinuousClock.now + limit
        while !state.withLock({ $0.active.isEmpty }) {
            guard ContinuousClock.now < deadline else { return false }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return state.withLock { $0.active.isEmpty } }
        }
        return true
    }

    private func handBackAll() {
        let now = clock.now()
        for run in state.withLock({ Array($0.active.values) }) { run.handBack(at: now) }
    }

    /// Jobs that are running now, by name.
    var runningJobs: [String] { state.withLock { $0.active.values.map(\.description) } }
}
