public import Logging
internal import Synchronization

/// What a handler has besides its job.
public final class JobContext: Sendable {
    /// The attempt, from 1.
    public let attempt: Int
    /// The worker, `name@instance`.
    public let worker: String
    /// A logger that carries the job's id.
    public let logger: Logger
    /// What a former attempt left to go on from, and where this one says how far it came.
    public let checkpoint: JobCheckpoint

    private let report: @Sendable ([String: Int]) -> Void
    private let clock: WorkerClock
    private let progress: Mutex<WorkerClock.Instant>

    /// A context, as tests make it.
    ///
    /// - Parameters:
    ///   - checkpoint: in memory and empty unless said otherwise.
    ///   - report: called with figures whenever the handler goes forward.
    public init(
        attempt: Int, worker: String, logger: Logger, clock: WorkerClock = .system, checkpoint: JobCheckpoint? = nil,
        report: @escaping @Sendable ([String: Int]) -> Void = { _ in }
    ) {
        self.attempt = attempt
        self.worker = worker
        self.logger = logger
        self.clock = clock
        self.checkpoint = checkpoint ?? JobCheckpoint()
        self.report = report
        progress = Mutex(clock.now())
    }

    /// Says that the job goes forward: resets the stall timeout and tells the figures so far, now and then.
    public func progressed(_ figures: [String: Int]) {
        let now = clock.now()
        progress.withLock { $0 = now }
        report(figures)
    }

    /// When the handler last went forward.
    var lastProgress: WorkerClock.Instant { progress.withLock { $0 } }
}
