/// Decides whether and when a failed attempt is repeated: exponential backoff with jitter.
///
/// The decision is a pure function. `run` applies it with a clock and random numbers that tests replace.
public struct RetryPolicy: Sendable, Equatable {
    /// The number of attempts in all, the first included.
    public var maximumAttempts: Int
    /// The delay after the first attempt, before jitter.
    public var firstDelay: Duration
    /// What each further delay is multiplied with.
    public var multiplier: Double
    /// The largest delay that backoff asks for.
    public var maximumDelay: Duration
    /// The share of a delay that is random, 0 to 1: with 0.5 a delay of 4 s becomes 2 to 4 s.
    public var jitter: Double
    /// The largest `Retry-After` that is waited for; a longer one ends the attempts.
    public var maximumRetryAfter: Duration

    /// Makes a policy: 5 attempts, 200 ms doubling up to 20 s, half of it random, `Retry-After` up to 60 s, unless said otherwise.
    public init(
        maximumAttempts: Int = 5, firstDelay: Duration = .milliseconds(200), multiplier: Double = 2,
        maximumDelay: Duration = .seconds(20), jitter: Double = 0.5, maximumRetryAfter: Duration = .seconds(60)
    ) {
        self.maximumAttempts = maximumAttempts
        self.firstDelay = firstDelay
        self.multiplier = multiplier
        self.maximumDelay = maximumDelay
        self.jitter = jitter
        self.maximumRetryAfter = maximumRetryAfter
    }

    /// Never repeats.
    public static let never = RetryPolicy(maximumAttempts: 1)

    /// What a failure says about trying again.
    public enum Verdict: Sendable, Equatable {
        /// Trying again may help, not before `after` if the server named a time.
        case transient(after: Duration? = nil)
        /// Trying again won't help, or would do harm.
        case permanent
    }

    /// What to do after a failed attempt.
    public enum Decision: Sendable, Equatable {
        /// Try again after this delay.
        case retry(after: Duration)
        /// Report the failure.
        case giveUp
    }

    /// Decides what to do after attempt number `attempt`, counted from 1.
    ///
    /// - Parameter random: a number from 0 up to but not including 1.
    public func decide(afterAttempt attempt: Int, _ verdict: Verdict, random: Double) -> Decision {
        guard case .transient(let named) = verdict, attempt < maximumAttempts else { return .giveUp }
        let share = 1 - min(max(jitter, 0), 1) * min(max(random, 0), 1)
        let backoff = delay(afterAttempt: attempt) * share
        guard let named else { return .retry(after: backoff) }
        guard named <= maximumRetryAfter else { return .giveUp }
        // Jitter is added to the server's time, never taken from it: all clients were told the same.
        return .retry(after: max(named, .zero) + firstDelay * (1 - share))
    }

    /// Runs an operation until it succeeds, fails for good, or the attempts are used up; then throws its last error.
    ///
    /// - Parameters:
    ///   - judge: says what an error means for trying again.
    ///   - operation: the operation; it gets the attempt's number, counted from 1.
    public func run<Value: Sendable, Failure: Error>(
        clock: any Clock<Duration> = ContinuousClock(), random: @Sendable () -> Double = { Double.random(in: 0..<1) },
        judge: (Failure) -> Verdict, _ operation: (Int) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        var attempt = 1
        while true {
            do throws(Failure) {
                return try await operation(attempt)
            } catch {
                guard case .retry(let delay) = decide(afterAttempt: attempt, judge(error), random: random()), !Task.isCancelled,
                    await sleep(delay, clock)
                else { throw error }
                attempt += 1
            }
        }
    }

    private func delay(afterAttempt attempt: Int) -> Duration {
        var delay = firstDelay
        for _ in 1..<max(attempt, 1) where delay < maximumDelay { delay = delay * multiplier }
        return min(delay, maximumDelay)
    }

    /// Sleeps; false: the task was cancelled.
    private func sleep(_ delay: Duration, _ clock: any Clock<Duration>) async -> Bool {
        do {
            try await clock.sleep(for: delay)
            return true
        } catch {
            return false
        }
    }
}

extension RetryPolicy.Verdict {
    /// The usual meaning of a transfer's failure for a request that may be sent twice.
    public init(_ error: TransferError) { self = error.isRetriable ? .transient() : .permanent }

    /// The usual meaning of an error status for a request that may be sent twice: 408, 425, 429, 500, 502, 503 and 504 pass.
    ///
    /// - Parameter now: seconds since 1970 UTC, for a `Retry-After` that names a date.
    public init(status: Int, headers: HTTPHeaders, now: Int) {
        switch status {
        case 408, 425, 429, 500, 502, 503, 504:
            self = .transient(after: headers["Retry-After"].flatMap { RetryAfter.parse($0, now: now) })
        default: self = .permanent
        }
    }
}
