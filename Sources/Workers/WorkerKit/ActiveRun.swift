internal import Contracts
internal import Foundation
internal import Synchronization

/// A run that goes on: what the loop needs to end it.
final class ActiveRun: Sendable {
    fileprivate enum End {
        /// Another worker, or a later start of this one, does it.
        case handedBack
        /// It is over for this reason.
        case decided(Outcome)
    }

    private struct State {
        var job: JobReference?
        var deadline: Date?
        var context: JobContext?
        var task: Task<Void, Never>?
        var end: End?
        var endedAt: WorkerClock.Instant?
    }

    let key: RunKey
    let began: WorkerClock.Instant
    private let state = Mutex(State())

    init(_ key: RunKey, began: WorkerClock.Instant) {
        self.key = key
        self.began = began
    }

    /// Says which job it is, before anything is decided about it.
    func identify(_ job: Job) {
        state.withLock { state in
            state.job = JobReference(job)
            state.deadline = job.deadline
        }
    }

    /// The job, once its message was read.
    var job: JobReference? { state.withLock { $0.job } }

    /// The handler begins: from here on time counts.
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
    var description: String { state.withLock { $0.job?.id } ?? "\(key.partition)@\(key.offset)" }

    // MARK: Ends

    /// Cancels the run because its partition left or the worker stops.
    func handBack(at now: WorkerClock.Instant) { end(.handedBack, at: now) }

    /// Cancels the run because an operator wants so.
    func cancel(_ failure: JobEvent.Failure, at now: WorkerClock.Instant) { end(.decided(.cancelled(failure)), at: now) }

    /// Cancels the run when it takes too long or doesn't go forward; true when it was cancelled now.
    func checkTimeouts(_ configuration: JobWorkerConfiguration, now: WorkerClock.Instant, date: Date) -> Bool {
        let (context, deadline, hasEnded) = state.withLock { ($0.context, $0.deadline, $0.end != nil) }
        guard let context, !hasEnded else { return false }
        if let deadline, deadline <= date {
            end(
                .decided(
                    .dead(
                        JobEvent.Failure(
                            reason: "deadline", message: "its deadline \(Timestamp.string(deadline)) passed while it ran",
                            advice: "rerun it without a deadline if the data is still wanted"), cause: .job)), at: now)
            return true
        }
        if began.duration(to: now) > configuration.attemptTimeout {
            end(
                .decided(
                    .retry(
                        JobEvent.Failure(
                            reason: "attempt-timeout", message: "the attempt took longer than \(configuration.attemptTimeout)",
                            advice: "give it a smaller window or raise worker.attempt-timeout"))), at: now)
            return true
        }
        if context.lastProgress.duration(to: now) > configuration.stallTimeout {
            end(
                .decided(
                    .retry(
                        JobEvent.Failure(
                            reason: "stalled", message: "no progress for \(configuration.stallTimeout)",
                            advice: "look at the vendor's answers; raise worker.stall-timeout if they are just slow"))), at: now)
            return true
        }
        return false
    }

    private func end(_ end: End, at now: WorkerClock.Instant) {
        let task = state.withLock { state in
            // A hand-back overrules what was decided: the outcome can't be published any more.
            if state.end == nil || end.isHandBack {
                state.end = end
                state.endedAt = state.endedAt ?? now
            }
            return state.task
        }
        task?.cancel()
    }

    /// Whether it was told to end this long ago and still goes on.
    func ignoresCancellation(for limit: Duration, now: WorkerClock.Instant) -> Bool {
        state.withLock { $0.endedAt.map { $0.duration(to: now) > limit } ?? false }
    }

    /// Whether the run counts for nothing because another worker, or a later start, does it.
    var wasHandedBack: Bool { state.withLock { $0.end?.isHandBack ?? false } }

    /// What becomes of the job when the loop ended the run.
    var decidedOutcome: Outcome? {
        state.withLock { state in
            if case .decided(let outcome) = state.end { outcome } else { nil }
        }
    }
}

extension ActiveRun.End {
    fileprivate var isHandBack: Bool { if case .handedBack = self { true } else { false } }
}
