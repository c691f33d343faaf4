internal import Synchronization

/// When the poll thread was last seen, for the liveness check.
final class PollBeat: Sendable {
    private let last = Mutex<WorkerClock.Instant?>(nil)

    func note(_ now: WorkerClock.Instant) { last.withLock { $0 = now } }

    /// How long it has been silent; nil before its first round.
    func silence(at now: WorkerClock.Instant) -> Duration? { last.withLock { $0 }.map { $0.duration(to: now) } }
}
