internal import Contracts
internal import Foundation
internal import Synchronization

/// Turns the circuit's changes into alerts: the same key while it is open, and since when.
final class CircuitAlert: Sendable {
    private let configuration: JobWorkerConfiguration
    private let clock: WorkerClock
    private let since = Mutex<Date?>(nil)

    init(_ configuration: JobWorkerConfiguration, clock: WorkerClock) {
        self.configuration = configuration
        self.clock = clock
    }

    /// Each worker has a circuit of its own: one that recovers must not resolve another's alert.
    private var key: String { "circuit/\(configuration.kind)/\(configuration.instance)" }

    /// The alert for a change.
    func alert(for change: Circuit.Change) -> Alert {
        let now = clock.date()
        switch change {
        case .opened(let deaths, let reason):
            let since = since.withLock { since in
                since = since ?? now
                return since ?? now
            }
            let minutes = Int((configuration.deathBudget.wait / .seconds(60)).rounded(.up))
            return Alert(
                key: key, state: .firing, severity: .critical,
                summary: "\(configuration.worker) takes no work: \(deaths) jobs died lately, the last of \(reason)",
                advice: "`switchboard dead list \(configuration.kind)` shows them; it tries one job every \(minutes) min",
                since: since, at: now)
        case .closed: return resolved(at: now)
        }
    }

    /// The alert's end when the worker stops while it is open; nil when it isn't firing.
    func endIfFiring() -> Alert? { since.withLock { $0 } == nil ? nil : resolved(at: clock.date()) }

    private func resolved(at now: Date) -> Alert {
        let began = since.withLock { since in
            defer { since = nil }
            return since ?? now
        }
        return Alert(
            key: key, state: .resolved, severity: .critical, summary: "\(configuration.worker) takes work again", since: began,
            at: now)
    }
}
