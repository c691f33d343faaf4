public import Logging

/// Waiting at the start for something outside that isn't there yet, instead of ending and being restarted.
///
/// 1. The program is alive but not ready meanwhile; `/readyz` says what it waits for and why.
/// 2. The log says so once, and then every minute until it's there.
/// 3. Attempts are made after 1, 2, 4, 8 and then every 15 seconds.
/// 4. What waiting doesn't mend, and cancellation, end the wait at once.
public struct StartWait: Sendable {
    private static let longestPause = Duration.seconds(15)
    private static let reminder = Duration.seconds(60)

    private let subject: String
    private let readiness: HealthIndicator
    private let logger: Logger
    private let sleep: @Sendable (Duration) async throws -> Void

    /// A wait for one thing.
    ///
    /// - Parameters:
    ///   - subject: What is awaited, for the log, such as `kafka` or `the lake`.
    ///   - readiness: Says why the program isn't ready; left failing until the caller sets it.
    ///   - logger: Where the waiting is told.
    ///   - sleep: Makes the pauses.
    public init(
        for subject: String, readiness: HealthIndicator, logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.subject = subject
        self.readiness = readiness
        self.logger = logger
        self.sleep = sleep
    }

    /// Repeats a step until it succeeds.
    ///
    /// - Parameters:
    ///   - reason: Why the step failed, in one line without secrets, if waiting may mend that; nil if it doesn't.
    ///   - step: What is tried.
    /// - Returns: What the step returned.
    /// - Throws: The first error of the step without a `reason`, or `CancellationError`.
    public func until<Value>(
        reason: (any Error) -> String?, _ step: () async throws -> Value
    ) async throws -> Value {
        var pause = Duration.seconds(1)
        var waited = Duration.zero
        var nextTold = Duration.zero
        while true {
            do {
                let value = try await step()
                if nextTold > .zero {
                    logger.info("no longer waiting for \(subject)", metadata: ["waited-seconds": "\(waited.components.seconds)"])
                }
                return value
            } catch {
                try Task.checkCancellation()
                guard let reason = reason(error) else { throw error }
                readiness.set(.failing("waiting for \(subject): \(reason)"))
                if waited >= nextTold {
                    logger.warning(
                        "waiting for \(subject)",
                        metadata: ["error": "\(reason)", "waited-seconds": "\(waited.components.seconds)"])
                    nextTold = waited + Self.reminder
                }
                try await sleep(pause)
                waited += pause
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }
}
