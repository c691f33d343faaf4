import Synchronization

/// Whether a part of a program works.
public enum HealthStatus: Sendable, Equatable {
    /// It works.
    case passing
    /// It does not, for this reason: one line for the operator, without secrets.
    case failing(String)
}

/// What a check is asked for.
public enum HealthKind: String, Sendable, CaseIterable {
    /// Whether the process should go on living; failing means "restart me".
    case liveness
    /// Whether the process can do its work at the moment; failing means "wait or send work elsewhere".
    case readiness
}

/// The answer to `/healthz` or `/readyz`.
public struct HealthReport: Sendable, Equatable {
    /// The checks that fail, with their reasons, by name.
    public let failing: [String: String]
    /// The number of checks asked.
    public let checks: Int

    /// Whether nothing fails.
    public var isPassing: Bool { failing.isEmpty }
}

/// The checks of a program, asked by the admin server.
///
/// A component either keeps a ``HealthIndicator`` up to date, which is the usual way for readiness, or registers a check
/// that is evaluated on each request, which suits "has the loop moved in the last minute?".
public final class HealthRegistry: Sendable {
    private struct Check {
        let name: String
        let kind: HealthKind
        let evaluate: @Sendable () -> HealthStatus
    }

    private struct State {
        var checks: [Check] = []
        var isDraining = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    /// Creates a registry without checks: alive and ready.
    public init() {}

    /// Registers an indicator that its owner sets.
    ///
    /// - Parameters:
    ///   - name: What is checked, such as `kafka`; unique per kind, a later one replaces an earlier one.
    ///   - kind: What it's asked for.
    ///   - status: The status until the owner sets another.
    public func indicator(
        _ name: String, for kind: HealthKind = .readiness, initially status: HealthStatus = .failing("has not started yet")
    ) -> HealthIndicator {
        let indicator = HealthIndicator(status: status) { [weak self] in self?.wakeWaiters() }
        addCheck(name, for: kind) { indicator.status }
        return indicator
    }

    /// Registers a check that is evaluated on each request.
    ///
    /// - Parameters:
    ///   - name: What is checked; unique per kind, a later one replaces an earlier one.
    ///   - kind: What it's asked for.
    ///   - evaluate: Answers at once; it must not block.
    public func addCheck(_ name: String, for kind: HealthKind, _ evaluate: @escaping @Sendable () -> HealthStatus) {
        state.withLock { state in
            state.checks.removeAll { $0.name == name && $0.kind == kind }
            state.checks.append(Check(name: name, kind: kind, evaluate: evaluate))
        }
        wakeWaiters()
    }

    /// Ends readiness for good, because the program is shutting down.
    public func beginDraining() {
        state.withLock { $0.isDraining = true }
        wakeWaiters()
    }

    /// Asks all checks of a kind.
    ///
    /// - Parameter kind: What is asked for.
    public func report(_ kind: HealthKind) -> HealthReport {
        let (checks, isDraining) = state.withLock { state in (state.checks.filter { $0.kind == kind }, state.isDraining) }
        var failing: [String: String] = [:]
        for check in checks {
            if case .failing(let reason) = check.evaluate() { failing[check.name] = reason }
        }
        if kind == .readiness && isDraining { failing["draining"] = "the program is shutting down" }
        return HealthReport(failing: failing, checks: checks.count)
    }

    /// Returns once the program is ready, having waited for indicators to change.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func waitUntilReady() async throws(CancellationError) {
        while !report(.readiness).isPassing {
            if Task.isCancelled { throw CancellationError() }
            await nextChange()
        }
    }

    private func nextChange() async {
        let identifier = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiters[identifier] = continuation }
                // A change or cancellation between the last look and here would be missed otherwise.
                if Task.isCancelled || report(.readiness).isPassing { wake(identifier) }
            }
        } onCancel: {
            wake(identifier)
        }
    }

    private func wake(_ identifier: Int) {
        state.withLock { $0.waiters.removeValue(forKey: identifier) }?.resume()
    }

    private func wakeWaiters() {
        let waiters = state.withLock { state in
            defer { state.waiters.removeAll() }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }
}

/// A status that its owner keeps up to date.
public final class HealthIndicator: Sendable {
    private let current: Mutex<HealthStatus>
    private let onChange: @Sendable () -> Void

    init(status: HealthStatus, onChange: @escaping @Sendable () -> Void) {
        current = Mutex(status)
        self.onChange = onChange
    }

    /// The status.
    public var status: HealthStatus { current.withLock { $0 } }

    /// Sets the status.
    ///
    /// - Parameter status: The new status; a reason is one line without secrets.
    public func set(_ status: HealthStatus) {
        let changed = current.withLock { current in
            defer { current = status }
            return current != status
        }
        if changed { onChange() }
    }
}
