public import Foundation

/// Where a worker gets its time: a monotonic instant for timeouts, a date for what is written, and pauses.
public struct WorkerClock: Sendable {
    /// A monotonic instant.
    public typealias Instant = ContinuousClock.Instant

    /// The monotonic time.
    public var now: @Sendable () -> Instant
    /// The time of day.
    public var date: @Sendable () -> Date
    /// Waits; throws `CancellationError` when the task is cancelled.
    public var sleep: @Sendable (Duration) async throws -> Void

    /// A clock; its pauses are the machine's unless said otherwise.
    public init(
        now: @escaping @Sendable () -> Instant, date: @escaping @Sendable () -> Date,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.now = now
        self.date = date
        self.sleep = sleep
    }

    /// The machine's clocks.
    public static let system = WorkerClock(now: { ContinuousClock.now }, date: { Date() })
}
