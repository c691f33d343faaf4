import Synchronization

/// Spreads requests over time as a server allows: so many per window, shared by all that call the same account.
///
/// The allowance starts from configuration and is corrected by what the server says: its own count of the window, and pauses after
/// a 429. Where other processes call the same account, a `RequestBudget` says how much of it is for this one. Invariants:
///   1. Callers are served in the order in which they came.
///   2. Within one window at most `allowed` callers pass, less those that the server counted from elsewhere, and at most as many
///      as the budget says.
///   3. During a pause nobody passes; callers that passed before are not called back.
///   4. A cancelled caller throws `CancellationError` and takes nothing from the allowance.
public final class RateLimiter: Sendable {
    /// So many requests in so much time.
    public struct Allowance: Sendable, Equatable {
        /// The number of requests in a window.
        public var requests: Int
        /// The length of a window.
        public var window: Duration

        /// Makes an allowance.
        public init(requests: Int, per window: Duration) {
            self.requests = max(1, requests)
            self.window = window
        }
    }

    private struct State {
        var allowance: Allowance
        var left: Int
        var passed = 0
        var isCounted = false
        var windowEnd: Duration
        /// The longest time to a window's end that the server has said: what is configured may not be its window's length.
        var statedWindow: Duration?
        var pausedUntil = Duration.zero
        /// Tickets of those who wait, first come first.
        var queue: [UInt64] = []
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        /// Tickets that were woken before they waited.
        var woken: Set<UInt64> = []
        var lastTicket: UInt64 = 0
    }

    /// No server's window is longer than this, whatever it says.
    private static let longestWindow: Duration = .seconds(3600)

    private enum Step {
        case pass
        case waitForTurn
        case sleep(Duration)
    }

    private let state: Mutex<State>
    private let clock: ElapsedClock
    private let budget: (any RequestBudget)?

    /// Makes a limiter whose first window starts now.
    ///
    /// - Parameter budget: what of the allowance is for this process; all of it without one.
    public init(
        _ allowance: Allowance, clock: any Clock<Duration> = ContinuousClock(), budget: (any RequestBudget)? = nil
    ) {
        let elapsed = ElapsedClock(clock)
        self.clock = elapsed
        self.budget = budget
        state = Mutex(State(allowance: allowance, left: allowance.requests, windowEnd: elapsed.now() + allowance.window))
    }

    /// Waits until a request may be sent.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func acquire() async throws(CancellationError) {
        let ticket = state.withLock { state -> UInt64 in
            state.lastTicket += 1
            state.queue.append(state.lastTicket)
            return state.lastTicket
        }
        while true {
            if Task.isCancelled {
                leave(ticket)
                throw CancellationError()
            }
            switch step(of: ticket) {
            case .pass: return
            case .waitForTurn: await turn(of: ticket)
            case .sleep(let time): await turn(of: ticket, within: time)
            }
        }
    }

    /// Takes over what the server says of its current window.
    ///
    /// - Parameters:
    ///   - counted: the number of requests that the server has counted in the window.
    ///   - allowed: the number that it allows in a window.
    ///   - resetsIn: the time until its window ends, as servers tell it: in whole seconds, the rest perhaps cut off. So up to a
    ///     second is added, but no more than a sixtieth of the longest window that was told.
    public func update(counted: Int, allowed: Int, resetsIn: Duration) {
        guard resetsIn >= .zero, allowed > 0 else { return }
        let now = clock.now()
        let head = state.withLock { state -> UInt64? in
            let length = max(state.statedWindow ?? .zero, min(resetsIn, Self.longestWindow))
            // Zero says something only to those who know how long the server's windows are.
            guard length > .zero else { return nil }
            state.statedWindow = length
            state.allowance.requests = allowed
            let end = now + resetsIn + min(.seconds(1), length / 60)
            let left = max(0, allowed - max(0, counted))
            // Servers count in whole seconds. An end that is later than that explains is the end of a new window; in the same
            // window the server may not have seen yet what was let through here, so the smaller number counts.
            let tolerance = min(.seconds(2), state.allowance.window / 2)
            let isNewWindow = end > state.windowEnd + tolerance
            state.left = isNewWindow ? left : min(state.left, left)
            if isNewWindow { state.passed = min(state.passed, counted) }
            state.isCounted = true
            state.windowEnd = end
            return state.queue.first
        }
        wake(head)
    }

    /// Lets nobody pass for some time, as after a 429; a longer pause that is on already stays.
    public func pause(for time: Duration) {
        let now = clock.now()
        let refused = state.withLock { state -> RequestWindow? in
            guard now + time > state.pausedUntil else { return nil }
            // Requests that were under way together are refused together: that is one refusal.
            let refused = now >= state.pausedUntil ? Self.window(state, at: now) : nil
            state.pausedUntil = now + time
            // The server has said when it counts anew.
            state.windowEnd = state.pausedUntil
            state.left = 0
            return refused
        }
        if let refused { budget?.throttled(in: refused) }
    }

    /// The number of callers that wait.
    public var waiting: Int { state.withLock { $0.queue.count } }

    private func step(of ticket: UInt64) -> Step {
        let now = clock.now()
        let (step, next) = state.withLock { state -> (Step, UInt64?) in
            guard state.queue.first == ticket else { return (.waitForTurn, nil) }
            if now < state.pausedUntil { return (.sleep(state.pausedUntil - now), nil) }
            if now >= state.windowEnd {
                state.left = state.allowance.requests
                state.windowEnd = now + state.allowance.window
                state.passed = 0
                state.isCounted = false
            }
            guard state.left > 0 else { return (.sleep(state.windowEnd - now), nil) }
            if let budget, state.passed >= budget.allowance(in: Self.window(state, at: now)) {
                // The budget may grow within the window: with a rebalance, or as the window goes on.
                return (.sleep(min(state.windowEnd - now, state.allowance.window / 60)), nil)
            }
            state.left -= 1
            state.passed += 1
            state.queue.removeFirst()
            state.woken.remove(ticket)
            return (.pass, state.queue.first)
        }
        wake(next)
        return step
    }

    private static func window(_ state: State, at now: Duration) -> RequestWindow {
        let length = state.statedWindow ?? state.allowance.window
        let elapsed = length > .zero ? min(max(1 - (state.windowEnd - now) / length, 0), 1) : 1
        return RequestWindow(
            allowed: state.allowance.requests, left: state.left, passed: state.passed, isCounted: state.isCounted,
            length: length, elapsed: elapsed, time: now)
    }

    private func leave(_ ticket: UInt64) {
        let next = state.withLock { state -> UInt64? in
            let wasFirst = state.queue.first == ticket
            state.queue.removeAll { $0 == ticket }
            state.woken.remove(ticket)
            return wasFirst ? state.queue.first : nil
        }
        wake(next)
    }

    /// Waits until the ticket is woken or its task is cancelled.
    private func turn(of ticket: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isWoken = state.withLock { state in
                    if state.woken.remove(ticket) != nil { return true }
                    state.waiters[ticket] = continuation
                    return false
                }
                if isWoken { continuation.resume() }
            }
        } onCancel: {
            wake(ticket)
        }
    }

    /// Waits until the ticket is woken, its task is cancelled, or the time is over.
    private func turn(of ticket: UInt64, within time: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [clock] in
                // Cancelled means that the ticket was woken by something else.
                guard (try? await clock.sleep(time)) != nil else { return }
                self.wake(ticket)
            }
            await turn(of: ticket)
            group.cancelAll()
        }
    }

    private func wake(_ ticket: UInt64?) {
        guard let ticket else { return }
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if let waiter = state.waiters.removeValue(forKey: ticket) { return waiter }
            if state.queue.contains(ticket) { state.woken.insert(ticket) }
            return nil
        }
        waiter?.resume()
    }
}
