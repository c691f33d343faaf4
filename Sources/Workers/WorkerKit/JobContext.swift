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

    let checkpoint: JobCheckpoint

    private let report: @Sendable ([String: Int]) -> Void
    private let clock: WorkerClock
    private let progress: Mutex<WorkerClock.Instant>

    /// A context, as tests make it.
    ///
    /// - Parameter report: called with figures whenever the handler goes forward.
    public init(
        attempt: Int, worker: String, logger: Logger, clock: WorkerClock = .system,
        report: @escaping @Sendable ([String: Int]) -> Void = { _ in }
    ) {
        self.attempt = attempt
        self.worker = worker
        self.logger = logger
        self.clock = clock
        self.report = report
        self.checkpoint = JobCheckpoint()
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
extension JobContext {
    convenience init(
        attempt: Int, worker: String, logger: Logger, clock: WorkerClock, checkpoint: JobCheckpoint?,
        report: @escaping @Sendable ([String: Int]) -> Void
    ) {
        self.init(attempt: attempt, worker: worker, logger: logger, clock: clock, report: report)
    }
}
