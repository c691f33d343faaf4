import Foundation
import UnixSignals

/// A signal asked us to stop, and everything was stopped.
struct Interruption: Error {
    /// Runs the body; SIGINT, SIGTERM and SIGHUP cancel it, a second one ends this process and with it all that it started.
    static func cancelling<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        let work = Task { try await body() }
        let watcher = Task {
            var isFirst = true
            for await _ in signals {
                guard isFirst else { _exit(130) }
                isFirst = false
                FileHandle.standardError.write(Data("\nstopping everything …\n".utf8))
                work.cancel()
            }
        }
        defer { watcher.cancel() }
        let result = await work.result
        if work.isCancelled { throw Interruption() }
        return try result.get()
    }
}
