import ArgumentParser
import Foundation
import UnixSignals

/// SIGINT and SIGTERM as cancellation: what a command has begun is brought to an orderly end; a second signal ends it at once.
enum Interruption {
    /// Runs the body in a task that the signals cancel.
    ///
    /// - Returns: what the body returns, and whether a signal came: a body that tells where it stopped returns normally.
    static func cancelling<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> (result: Result, wasInterrupted: Bool) {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let work = Task { try await body() }
        let watcher = Task {
            var isFirst = true
            for await _ in signals {
                guard isFirst else { _exit(130) }
                isFirst = false
                work.cancel()
            }
        }
        defer { watcher.cancel() }
        do {
            let result = try await work.value
            return (result, work.isCancelled)
        } catch is CancellationError where work.isCancelled {
            throw Ending.interrupted
        }
    }
}
