import Foundation
import Synchronization

/// The time of the simulated world, which tests move.
///
/// Data follow ``now``. Token lifetimes and rate limit windows follow ``uptime``, which always runs, so that they work
/// although the data stand still.
public final class SimulatorClock: Sendable {
    private struct State {
        /// Simulated time minus real time, while the clock runs; simulated time, while it is frozen.
        var base: Int64
        /// What calls of ``advance(by:)`` added up to.
        var advanced: Duration = .zero
    }

    private let state: Mutex<State>
    private let started = ContinuousClock.now
    /// Whether time passes only by ``advance(by:)`` and ``set(to:)``.
    public let isFrozen: Bool

    /// Makes a clock that shows `start`.
    public init(start: SimulatorInstant, isFrozen: Bool) {
        self.isFrozen = isFrozen
        state = Mutex(State(base: start.milliseconds))
    }

    private var elapsed: Int64 { isFrozen ? 0 : (ContinuousClock.now - started).milliseconds }

    /// The simulated time.
    public var now: SimulatorInstant {
        SimulatorInstant(milliseconds: state.withLock { $0.base } + elapsed)
    }

    /// The real time since the start plus everything the clock was advanced by.
    public var uptime: Duration {
        (ContinuousClock.now - started) + state.withLock { $0.advanced }
    }

    /// Moves simulated time and ``uptime`` forward; a negative duration moves simulated time back and leaves uptime alone.
    public func advance(by duration: Duration) {
        state.withLock {
            $0.base += duration.milliseconds
            $0.advanced += max(.zero, duration)
        }
    }

    /// Sets the simulated time.
    public func set(to instant: SimulatorInstant) {
        let elapsed = elapsed
        state.withLock { $0.base = instant.milliseconds - elapsed }
    }
}

extension Duration {
    /// Whole milliseconds, clamped to 64 bits.
    var milliseconds: Int64 {
        let (seconds, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000)
        if overflow { return components.seconds < 0 ? Int64.min / 4 : Int64.max / 4 }
        return seconds + components.attoseconds / 1_000_000_000_000_000
    }
}

extension SimulatorInstant {
    /// The real time.
    static var realTime: SimulatorInstant {
        SimulatorInstant(milliseconds: Int64((Date().timeIntervalSince1970 * 1_000).rounded(.down)))
    }
}
