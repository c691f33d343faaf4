import Foundation
import Synchronization

/// A helper process of the tests that never outlives them.
///
/// The kernel kills it when the thread that started it ends (PDEATHSIG), so a thread of its own starts it and waits for it.
public final class BackgroundProcess: Sendable {
    private let identifier = Mutex<Int32?>(nil)

    /// Starts a program; its output goes to a file.
    ///
    /// - Parameter program: the path of the program.
    public init(_ program: String, _ arguments: [String], environment: [String: String] = [:], output: String) throws {
        guard FileManager.default.createFile(atPath: output, contents: nil), let file = FileHandle(forWritingAtPath: output)
        else {
            throw CocoaError(.fileWriteUnknown)
        }
        let started = DispatchSemaphore(value: 0)
        let failure = Mutex<(any Error)?>(nil)
        let thread = Thread { [self] in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            process.arguments = ["--pdeathsig", "KILL", program] + arguments
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            process.standardOutput = file
            process.standardError = file
            do {
                try process.run()
                identifier.withLock { $0 = process.processIdentifier }
                started.signal()
                process.waitUntilExit()
            } catch {
                failure.withLock { $0 = error }
                started.signal()
            }
            identifier.withLock { $0 = nil }
        }
        thread.start()
        started.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    deinit { kill() }

    /// Whether the process runs.
    public var isRunning: Bool { identifier.withLock { $0 != nil } }

    /// Kills the process.
    public func kill() {
        identifier.withLock { identifier in
            if let identifier { _ = Foundation.kill(identifier, SIGKILL) }
        }
    }
}
