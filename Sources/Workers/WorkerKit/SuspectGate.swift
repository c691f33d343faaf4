internal import Synchronization

/// Lets one suspect run at a time: a job that was started before without coming to an end.
///
/// When a process dies, all jobs that it ran are suspects, the culprit and its neighbours. Were they to run together again,
/// they would die together again and all be given up.
final class SuspectGate: Sendable {
    private struct State {
        var holder: RunKey?
        var waiting: [(run: RunKey, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// Waits until no other suspect runs.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    func enter(_ run: RunKey) async throws(CancellationError) {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayPass = state.withLock { state in
                    if state.holder == nil && !Task.isCancelled { state.holder = run }
                    if state.holder == run || Task.isCancelled { return true }
                    state.waiting.append((run, continuation))
                    return false
                }
                if mayPass { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.waiting.firstIndex { $0.run == run }.map { state.waiting.remove(at: $0).continuation }
            }
            continuation?.resume()
        }
        if Task.isCancelled {
            leave(run)
            throw CancellationError()
        }
    }

    /// Lets the next one pass: the run ended, or it went forward and so isn't what kills the process at its start. Idempotent.
    ///
    /// One whose next death would be its last keeps the others out until it ended or reached a new checkpoint: progress isn't
    /// enough, because it would be given up for what a neighbour did meanwhile.
    func leave(_ run: RunKey) {
        let next: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard state.holder == run else { return nil }
            state.holder = nil
            guard !state.waiting.isEmpty else { return nil }
            let first = state.waiting.removeFirst()
            state.holder = first.run
            return first.continuation
        }
        next?.resume()
    }
}
