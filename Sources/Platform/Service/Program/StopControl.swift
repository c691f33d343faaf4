import Logging
import ServiceLifecycle
import Synchronization

/// What signals do to the parts, whether these have been built yet or not.
final class StopControl: Sendable {
    private struct State {
        var signals = 0
        var gracefulStop: (@Sendable () async -> Void)?
        var failure: ProgramFailure?
    }

    private let state = Mutex(State())
    private let cancelParts: @Sendable () -> Void

    /// - Parameter cancelParts: Cancels the task that builds and runs the parts.
    init(cancelParts: @escaping @Sendable () -> Void) { self.cancelParts = cancelParts }

    var isStopping: Bool { state.withLock { $0.signals > 0 } }

    func countSignal() -> Int {
        state.withLock { state in
            state.signals += 1
            return state.signals
        }
    }

    /// Says how to stop gracefully, once there is something to stop.
    func setGracefulStop(_ action: @escaping @Sendable () async -> Void) async {
        let isLate = state.withLock { state in
            state.gracefulStop = action
            return state.signals > 0
        }
        if isLate { await action() }
    }

    /// Stops the running parts gracefully; while they are still being built, cancels the building.
    func stopGracefully() async {
        if let action = state.withLock({ $0.gracefulStop }) { await action() } else { cancelParts() }
    }

    func cancel() { cancelParts() }

    /// Notes how a part wants the program to end: a cancelled group of services forgets it.
    func note(_ failure: ProgramFailure) { state.withLock { $0.failure = $0.failure ?? failure } }

    /// The end that a part asked for first, such as one with work left behind.
    var failure: ProgramFailure? { state.withLock { $0.failure } }

    /// What parts throw because they were told to stop is no failure; nor is a start that was interrupted.
    func endsWithoutFailure(after error: any Error) -> Bool {
        state.withLock { $0.signals > 0 && ($0.gracefulStop == nil || error is CancellationError) }
    }
}

/// A service whose unexpected end is logged with its name, since the group only reports the first.
struct WatchedService: ServiceLifecycle.Service {
    let service: any ServiceLifecycle.Service
    let control: StopControl
    let logger: Logger

    func run() async throws {
        do {
            try await service.run()
            if !control.isStopping && !Task.isShuttingDownGracefully && !Task.isCancelled {
                logger.error("a service ended by itself", metadata: ["part": "\(type(of: service))"])
            }
        } catch {
            if let failure = error as? ProgramFailure { control.note(failure) }
            if !(error is CancellationError) {
                logger.error("a service failed", metadata: ["part": "\(type(of: service))", "error": "\(error)"])
            }
            throw error
        }
    }
}
