internal import Contracts
internal import Synchronization

/// A run that goes on: what the loop needs to end it.
final class ActiveRun: Sendable {
    private enum End {
        case handedBack
        case timedOut(JobEvent.Failure)
    }

    private struct State {
        var job: String?
        var context: JobContext?
        var task: Task<Void, Never>?
        var end: End?
    }

    let key: RunKey
    let began: WorkerClock.Instant
    private let state = Mutex(State())

    init(_ key: RunKey, began: WorkerClock.Instant) {
        self.key = key
        self.began = began
    }

    func name(_ job: String) { state.withLock { $0.job = job } }

    func watch(_ context: JobContext) { state.withLock { $0.context = context } }

    /// Notes the task, which may have been ended before it was known.
    func attach(_ task: Task<Void, Never>) {
        let isEnded = state.withLock { state in
            state.task = task
            return state.end != nil
        }
        if isEnded { task.cancel() }
    }

    /// The job's id, for people; the offset before it is known.
    var description: String { state.withLock { $0.job } ?? "\(key.partition)@\(key.offset)" }

    /// Cancels the run because its partition left or the worker stops.
    func handBack() { end(.handedBack) }

    /// Cancels the run when it takes too long or doesn't go forward; true when it was cancelled now.
    func checkTimeouts(_ configuration: JobWorkerConfiguration, now: WorkerClock.Instant) -> Bool {
        let (context, hasEnded) = state.withLock { ($0.context, $0.end != nil) }
        guard let context, !hasEnded else { return false }
        if began.duration(to: now) > configuration.attemptTimeout {
            end(
                .timedOut(
                    JobEvent.Failure(
                        reason: "attempt-timeout", message: "the attempt took longer than \(configuration.attemptTimeout)",
                        advice: "give it a smaller window or raise worker.attempt-timeout")))
            return true
        }
        if context.lastProgress.duration(to: now) > configuration.stallTimeout {
            end(
                .timedOut(
                    JobEvent.Failure(
                        reason: "stalled", message: "no progress for \(configuration.stallTimeout)",
                        advice: "look at the vendor's answers; raise worker.stall-timeout if they are just slow")))
            return true
        }
        return false
    }

    private func end(_ end: End) {
        let task = state.withLock { state in
            if state.end == nil { state.end = end }
            return state.task
        }
        task?.cancel()
    }

    /// Whether the run counts for nothing because another worker, or a later start, does it.
    var wasHandedBack: Bool {
        state.withLock { if case .handedBack = $0.end { true } else { false } }
    }

    /// What becomes of the job when a timeout cancelled it.
    var timeoutOutcome: Outcome? {
        state.withLock { state in
            if case .timedOut(let failure) = state.end { .retry(failure) } else { nil }
        }
    }
}

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
