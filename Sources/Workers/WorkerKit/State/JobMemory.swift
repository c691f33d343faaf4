internal import Contracts
internal import Kafka
internal import Logging
internal import ObjectStorage
internal import Synchronization

/// What a worker remembers between attempts at a job, in small objects beside the data: starts without an end, and checkpoints.
final class JobMemory: Sendable {
    private struct Recovery {
        /// Counts assignments: what was read before the last one doesn't know its partitions.
        var wanted = 0
        var done = -1
        var reading: (assignment: Int, task: Task<Void, any Error>)?
    }

    private let ledger: StartLedger
    private let store: any ObjectStore
    private let configuration: JobWorkerConfiguration
    private let clock: WorkerClock
    private let logger: Logger
    private let recovery = Mutex(Recovery())
    /// Removals and housekeeping that are under way.
    private let chores = Mutex((last: 0, tasks: [Int: Task<Void, Never>]()))

    init(store: any ObjectStore, configuration: JobWorkerConfiguration, clock: WorkerClock, logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        ledger = StartLedger(
            store: store, kind: configuration.kind, instance: configuration.instance, limit: configuration.crashLimit,
            clock: clock, logger: logger)
    }

    /// Partitions were assigned: what their former owners left must be read before any of their jobs begins.
    func assignmentChanged() { recovery.withLock { $0.wanted += 1 } }

    /// Starts of a run's delivery that never ended, those of other workers included.
    func earlierStarts(of run: RunKey) async throws -> Int {
        while let task = reading() { try await task.value }
        return ledger.starts(of: StartPlace(run))
    }

    /// The reading that is to be waited for; nil when everything needed was read. All who wait share one.
    private func reading() -> Task<Void, any Error>? {
        recovery.withLock { state in
            guard state.done < state.wanted else { return nil }
            if let reading = state.reading, reading.assignment == state.wanted { return reading.task }
            let assignment = state.wanted
            // Not a child of anybody: who waits may be cancelled, the others are not.
            let task = Task {
                do {
                    try await ledger.recover()
                } catch {
                    recovery.withLock { $0.reading = nil }
                    throw error
                }
                let isFirst = recovery.withLock { state in
                    defer { state.done = max(state.done, assignment) }
                    state.reading = nil
                    return state.done < 0
                }
                if isFirst { keepHouse() }
            }
            state.reading = (assignment, task)
            return task
        }
    }

    /// Counts a start durably before the run.
    func begin(_ run: RunKey, job: String) async throws { _ = try await ledger.begin(StartPlace(run), job: job) }

    /// The run ended by itself.
    func end(_ run: RunKey) { ledger.end(StartPlace(run)) }

    /// The run was handed back, which is no crash.
    func handBack(_ run: RunKey) async { await ledger.handBack(StartPlace(run)) }

    /// The run reached a new checkpoint: what kills its process isn't where it began.
    func progressed(_ run: RunKey) { ledger.progressed(StartPlace(run)) }

    /// The partitions of which something is on record that doesn't run here: ask what the group has committed of them.
    var idlePartitions: Set<TopicPartition> { ledger.idlePartitions }

    /// Forgets starts of deliveries below the group's committed offsets, which are never delivered again.
    func committed(_ offsets: [TopicPartition: CommittedOffset]) { ledger.committed(offsets.mapValues(\.offset)) }

    // MARK: Checkpoints

    /// The checkpoint of an attempt.
    ///
    /// - Parameter onSave: called when the attempt came further than any before.
    func checkpoint(of job: Job, logger: Logger, onSave: @escaping @Sendable () -> Void) async -> JobCheckpoint {
        JobCheckpoint(
            store: store, kind: configuration.kind, job: job, interval: configuration.checkpointInterval, clock: clock,
            logger: logger, wentForward: onSave)
    }

    /// Removes checkpoints of jobs whose results were accepted; returns at once.
    func forget(_ checkpoints: [JobCheckpoint]) {
        for checkpoint in checkpoints where checkpoint.mayBePresent { chore { await checkpoint.remove() } }
    }

    private func keepHouse() {
        chore { [self] in
            do throws(ObjectStorageError) {
                try await StateHousekeeping.sweep(
                    store, kind: configuration.kind, now: clock.date(), logger: logger)
            } catch {
                logger.notice("old state not looked for", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Not a child of anybody: the poll thread doesn't wait for the store; `close` does.
    private func chore(_ work: @escaping @Sendable () async -> Void) {
        chores.withLock { chores in
            chores.last += 1
            let number = chores.last
            chores.tasks[number] = Task {
                await work()
                self.chores.withLock { $0.tasks[number] = nil }
            }
        }
    }

    /// Writes what is left to say, and ends.
    func close() async {
        await ledger.close()
        let tasks = chores.withLock { Array($0.tasks.values) }
        let guardian = Task {
            do { try await clock.sleep(.seconds(5)) } catch { return }
            for task in tasks { task.cancel() }
        }
        for task in tasks { await task.value }
        guardian.cancel()
    }
}

extension StartPlace {
    fileprivate init(_ run: RunKey) { self.init(partition: run.partition, offset: run.offset) }
}
