import Foundation
import TestSupport

/// One run of the program switchboard.
struct SwitchboardRun: CustomStringConvertible {
    let arguments: [String]
    let code: Int32
    let output: String
    let errors: String

    var description: String { "switchboard \(arguments.joined(separator: " ")) ended with \(code)\n\(output)\n\(errors)" }

    /// Runs the program beside the running tests, by default in a directory without configuration.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], directory: URL = FileManager.default.temporaryDirectory
    ) async throws -> SwitchboardRun {
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let process = Process()
        process.executableURL = tests.appending(path: "switchboard")
        process.arguments = arguments
        process.currentDirectoryURL = directory
        process.environment = environment
        let output = Pipe()
        let errors = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        let code = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                continuation.resume(throwing: error)
            }
        }
        // Both outputs are smaller than a pipe holds, so reading them after the end is safe.
        return SwitchboardRun(
            arguments: arguments, code: code,
            output: String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self),
            errors: String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
    }

    /// A document that it printed.
    func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(output.utf8)) }
}
