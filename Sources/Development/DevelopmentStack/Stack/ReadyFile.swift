internal import Foundation

/// The file that a program writes, whole, once it is ready.
enum ReadyFile {
    /// Waits for the file and returns its text.
    ///
    /// - Throws: a ``DevelopmentError`` with the end of the process's log when it ends or takes too long.
    static func wait(for path: String, of process: ManagedProcess, limit: Duration) async throws -> String {
        let deadline = ContinuousClock.now + limit
        while true {
            if let text = try? String(contentsOfFile: path, encoding: .utf8) { return text }
            let name = process.command.name
            if let end = process.end {
                throw DevelopmentError("\(name) \(end) before it was ready:\n\(tail(of: process.command.output))")
            }
            if ContinuousClock.now > deadline {
                throw DevelopmentError(
                    "\(name) was not ready after \(limit.components.seconds) s:\n\(tail(of: process.command.output))")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The last lines of a log.
    static func tail(of path: String, lines: Int = 8) -> String {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return "(no log)" }
        return text.split(whereSeparator: \.isNewline).suffix(lines).map { "  \($0)" }.joined(separator: "\n")
    }
}
