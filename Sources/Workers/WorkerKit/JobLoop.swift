internal import Contracts
internal import Foundation
internal import Kafka
internal import Logging
internal import Metrics
internal import Synchronization

/// The listener of a worker's consumer: feeds the table, starts runs and commits what they publish.
///
/// Runs end on any thread and start their partition's next one at once; everything that concerns ownership happens on the
/// poll thread, between whose calls no rebalance can come. Completions that gather while a transaction is under way share
/// the next one, so none waits longer than one transaction takes.
final class JobLoop: ConsumerListener {
    private struct State {
        var table: LaneTable
        var active: [RunKey: ActiveRun] = [:]
        var producer: TransactionalProducer?
        var failure: KafkaError?
        var isProbed = false
        var commitNotBefore: WorkerClock.Instant?
        var commitFailures = 0
        var reported: Set<String> = []
    }

    private let configuration: JobWorkerConfiguration
    private let runner: JobRunner
    private let clock: WorkerClock
    private let logger: Logger
    private let state: Mutex<State>
    private let thread = Mutex<PollThread?>(nil)
    private let beat: PollBeat
    private let onFailure: @Sendable (KafkaError) -> Void

    init(
        configuration: JobWorkerConfiguration, runner: JobRunner, clock: WorkerClock, logger: Logger, beat: PollBeat,
        onFailure: @escaping @Sendable (KafkaError) -> Void
    ) {
        self.configuration = configuration
        self.runner = runner
        self.clock = clock
        self.logger = logger
        self.beat = beat
        self.onFailure = onFailure
        state = Mutex(State(table: LaneTable(slots: configuration.slots, window: configuration.window)))
    }

    /// Gives the loop its way to publish; nothing is committed before.
    func attach(_ producer: TransactionalProducer) {
        state.withLock { $0.producer = producer }
        thread.withLock { $0 = producer.thread }
    }

    // MARK: Ownership

    func assigned(_ partitions: [TopicPartition], to consumer: isolated Consumer) {
        var committed: [TopicPartition: CommittedOffset] = [:]
        do throws(KafkaError) {
            committed = try consumer.committed(partitions)
        } catch {
            // The fetch position comes from the same commits; only the offsets done beyond the base are unknown, so jobs
            // may run once more than needed.
            logger.warning("committed offsets are unknown", metadata: ["error": "\(error)"])
        }
        let cancelled = state.withLock { $0.table.assign(partitions, committed: committed) }
        handBack(cancelled)
        logger.info("partitions assigned", metadata: ["partitions": "\(partitions.sorted().map(\.description))"])
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
        logger.info(
            lost ? "partitions lost" : "partitions revoked",
            metadata: ["partitions": "\(partitions.sorted().map(\.description))", "jobs-handed-back": "\(cancelled.count)"])
    }

    private func handBack(_ runs: [RunKey]) {
        let active = state.withLock { state in runs.compactMap { state.active[$0] } }
        for run in active {
            logger.notice("job handed back", metadata: ["job": "\(run.description)"])
            run.handBack()
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
        probeMetadata(with: consumer)
        commit(with: consumer)
        startRuns()
        let (pause, resume, isDue) = state.withLock { state in
            let flow = state.table.flow()
            return (flow.pause, flow.resume, state.table.hasPending && state.commitNotBefore == nil)
        }
        consumer.pause(pause)
        consumer.resume(resume)
        checkTimeouts()
        // Completions that came during the transaction: the next one begins in the next round, without waiting for a timer.
        if isDue { wake() }
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
                    let records = await self.runner.run(start.record, active)
                    self.finish(start.run, records)
                })
        }
    }

    private func finish(_ run: RunKey, _ records: [ProducerRecord]?) {
        state.withLock { state in
            state.active[run] = nil
            if !state.table.finish(run, records: records) {
                logger.debug("run counts for nothing", metadata: ["partition": "\(run.partition)", "offset": "\(run.offset)"])
            }
        }
        startRuns()
        wake()
    }

    private func wake() { thread.withLock { $0 }?.wakeUp() }

    private func checkTimeouts() {
        let now = clock.now()
        let active = state.withLock { Array($0.active.values) }
        for run in active where run.checkTimeouts(configuration, now: now) {
            logger.warning("job timed out", metadata: ["job": "\(run.description)"])
        }
        Gauge(label: "worker_jobs_in_flight", dimensions: [("kind", configuration.kind)]).record(active.count)
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

    private func fail(_ error: KafkaError) {
        state.withLock { $0.failure = $0.failure ?? error }
        onFailure(error)
    }

    /// Starts nothing new, waits up to `grace` for what runs, then hands the rest back.
    ///
    /// - Returns: how many jobs were handed back.
    func drain(grace: Duration) async -> Int {
        state.withLock { $0.table.isDraining = true }
        wake()
        guard await !becomesIdle(within: grace) else { return 0 }
        let left = state.withLock { $0.active.count }
        handBackAll()
        if await !becomesIdle(within: Self.cancellationLimit) {
            logger.error("jobs ignore their cancellation", metadata: ["jobs": "\(runningJobs)"])
        }
        return left
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
        for run in state.withLock({ Array($0.active.values) }) { run.handBack() }
    }

    /// Jobs that are running now, by name.
    var runningJobs: [String] { state.withLock { $0.active.values.map(\.description) } }
}
