import Foundation
import TestSupport

/// Runs the development environment's Python.
enum Python {
    struct Failure: Error {
        var status: Int32
        var output: String
    }

    static func run(_ script: String, input: Data) async throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("simulator-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = ["input", "output", "errors"].map { folder.appendingPathComponent($0) }
        for file in files { try input.write(to: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Repository.python)
        process.arguments = ["-c", script]
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        for file in files[1...] { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        guard process.terminationStatus == 0 else {
            throw Failure(status: process.terminationStatus, output: try String(contentsOf: files[2], encoding: .utf8))
        }
        return try String(contentsOf: files[1], encoding: .utf8)
    }
}
