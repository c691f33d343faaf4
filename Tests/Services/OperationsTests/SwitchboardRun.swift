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
        // Files take more than a pipe holds, and nobody has to read meanwhile.
        let folder = FileManager.default.temporaryDirectory.appending(path: "switchboard-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = ["output", "errors"].map { folder.appending(path: $0) }
        for file in files { try Data().write(to: file) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        let code = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                continuation.resume(throwing: error)
            }
        }
        return SwitchboardRun(
            arguments: arguments, code: code, output: try String(contentsOf: files[0], encoding: .utf8),
            errors: try String(contentsOf: files[1], encoding: .utf8))
    }

    /// A document that it printed.
    func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(output.utf8)) }
}
