internal import Synchronization

/// Lets something through at most once in an interval.
final class ProgressGate: Sendable {
    private let interval: Duration
    private let clock: WorkerClock
    private let last: Mutex<WorkerClock.Instant?> = Mutex(nil)

    init(interval: Duration, clock: WorkerClock) {
        self.interval = interval
        self.clock = clock
    }

    func opens() -> Bool {
        let now = clock.now()
        return last.withLock { last in
            if let then = last, then.duration(to: now) < interval { return false }
            last = now
            return true
        }
    }
}
