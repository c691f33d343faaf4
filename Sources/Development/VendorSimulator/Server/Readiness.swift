import Synchronization

/// Collects the addresses as they open and wakes those who wait for all of them.
final class Readiness: Sendable {
    enum Name: Hashable {
        case login, api, control
    }

    private struct State {
        var opened: [Name: String] = [:]
        var failure: (any Error)?
        var waiting: [Int: CheckedContinuation<SimulatorAddresses, any Error>] = [:]
        var next = 0

        var outcome: Result<SimulatorAddresses, any Error>? {
            if let failure { return .failure(failure) }
            guard let login = opened[.login], let api = opened[.api], let control = opened[.control] else { return nil }
            return .success(SimulatorAddresses(login: login, api: api, control: control))
        }
    }

    private let state = Mutex(State())

    func opened(_ name: Name, _ address: String) {
        change { $0.opened[name] = address }
    }

    /// Says that the servers have ended.
    func end(_ error: any Error) {
        change { $0.failure = error }
    }

    private func change(_ change: (inout State) -> Void) {
        let (outcome, waiting) = state.withLock { state in
            change(&state)
            guard let outcome = state.outcome else {
                return (nil as Result<SimulatorAddresses, any Error>?, [CheckedContinuation<SimulatorAddresses, any Error>]())
            }
            defer { state.waiting.removeAll() }
            return (outcome, Array(state.waiting.values))
        }
        if let outcome { waiting.forEach { $0.resume(with: outcome) } }
    }

    func addresses() async throws -> SimulatorAddresses {
        let ticket = state.withLock { state in
            state.next += 1
            return state.next
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<SimulatorAddresses, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if let outcome = state.outcome { return outcome }
                    state.waiting[ticket] = continuation
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(throwing: CancellationError())
        }
    }
}
