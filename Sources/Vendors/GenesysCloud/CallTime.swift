import Foundation

/// Time and chance, so that tests can replace both.
struct CallTime: Sendable {
    let clock: any Clock<Duration>
    /// Time since some fixed moment of the clock.
    let now: @Sendable () -> Duration
    /// A number from 0 up to but not including 1.
    let random: @Sendable () -> Double
    /// Seconds since 1970 UTC, for headers that name a date.
    let epochSeconds: @Sendable () -> Int

    init(clock: any Clock<Duration>, random: @escaping @Sendable () -> Double) {
        self.clock = clock
        now = Self.elapsed(clock)
        self.random = random
        epochSeconds = { Int(Date().timeIntervalSince1970) }
    }

    private static func elapsed(_ clock: some Clock<Duration>) -> @Sendable () -> Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }
}
