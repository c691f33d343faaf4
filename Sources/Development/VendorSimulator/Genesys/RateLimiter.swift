import Synchronization

/// Counts the requests of every token in windows, as the vendor does.
final class RateLimiter: Sendable {
    /// How many requests a token may make.
    struct Allowance: Sendable, Codable, Equatable {
        /// Requests a window; nil for no limit and no headers.
        var requests: Int?
        /// Seconds that a window lasts.
        var window: Int
    }

    struct Verdict: Sendable, Equatable {
        /// Requests of this window, this one included.
        var count: Int
        var allowed: Int
        /// Whole seconds until the window ends, rounded up.
        var reset: Int
        var window: Int

        var isAllowed: Bool { count <= allowed }
    }

    private struct Window {
        var start: Duration
        var count: Int
    }

    private struct State {
        var allowance: Allowance
        var windows: [String: Window] = [:]
    }

    private let clock: SimulatorClock
    private let state: Mutex<State>
    private static let keptWindows = 10_000

    init(_ allowance: Allowance, clock: SimulatorClock) {
        self.clock = clock
        state = Mutex(State(allowance: allowance))
    }

    /// The allowance, which may be changed while the simulator runs.
    var allowance: Allowance {
        get { state.withLock { $0.allowance } }
        set {
            state.withLock {
                $0.allowance = newValue
                $0.windows.removeAll()
            }
        }
    }

    /// Counts a request; nil when there is no limit.
    func count(token: String) -> Verdict? {
        state.withLock { state in
            guard let allowed = state.allowance.requests else { return nil }
            let now = clock.uptime
            let length = Duration.seconds(state.allowance.window)
            if state.windows.count >= RateLimiter.keptWindows {
                state.windows = state.windows.filter { now < $0.value.start + length }
            }
            var window = state.windows[token] ?? Window(start: now, count: 0)
            if now >= window.start + length { window = Window(start: now, count: 0) }
            window.count += 1
            state.windows[token] = window
            let rest = (window.start + length - now).milliseconds
            return Verdict(
                count: window.count, allowed: allowed, reset: Int((rest + 999) / 1_000), window: state.allowance.window)
        }
    }
}
