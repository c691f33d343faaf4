public import Foundation

/// Where a worker gets its time: a monotonic instant for timeouts, a date for what is written.
public struct WorkerClock: Sendable {
    /// A monotonic instant.
    public typealias Instant = ContinuousClock.Instant

    /// The monotonic time.
    public var now: @Sendable () -> Instant
    /// The time of day.
    public var date: @Sendable () -> Date

    /// A clock.
    public init(now: @escaping @Sendable () -> Instant, date: @escaping @Sendable () -> Date) {
        self.now = now
        self.date = date
    }

    /// The machine's clocks.
    public static let system = WorkerClock(now: { ContinuousClock.now }, date: { Date() })
}
