internal import Contracts
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
    private let recovery = Mutex(Recovery())

    init(store: any ObjectStore, configuration: JobWorkerConfiguration, clock: WorkerClock, logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.clock = clock
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
                recovery.withLock { state in
                    state.done = max(state.done, assignment)
                    state.reading = nil
                }
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

    /// Writes what is left to say.
    func close() async { await ledger.close() }
}

extension StartPlace {
    fileprivate init(_ run: RunKey) { self.init(partition: run.partition, offset: run.offset) }
}
