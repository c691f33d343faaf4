import Contracts
import DevelopmentStack
import Foundation
import ObjectStorage
import Testing

/// Whether the tests run on a broker of somebody else's, which is then Apache Kafka.
let isOnKafka = !(ProcessInfo.processInfo.environment["BROKER"] ?? "").isEmpty

/// Runs a body with a stack of its own, prepared but not started; afterwards nothing of it is left.
///
/// After a failure the stack's directory stays, and its path is part of what is reported.
func withStack(
    _ configure: (inout StackOptions) throws -> Void = { _ in }, _ body: (DevelopmentStack) async throws -> Void
) async throws {
    try await withDirectory { directory in
        var options = StackOptions(directory: directory)
        try configure(&options)
        let stack = try await DevelopmentStack.prepare(options, installation: try .current())
        do {
            try await body(stack)
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }
}

/// Runs a body with a directory of its own, which is removed unless the body throws.
func withDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory
        .appending(path: "switchboard-\(UUID().uuidString.prefix(8).lowercased())", directoryHint: .notDirectory)
        .path(percentEncoded: false)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    do {
        try await body(directory)
    } catch {
        // Testing shows the error; the logs show the cause.
        FileHandle.standardError.write(Data("system test: the logs are below \(directory)\n".utf8))
        throw error
    }
    try FileManager.default.removeItem(atPath: directory)
}

/// Something that was waited for and didn't come.
struct NeverHappened: Error, CustomStringConvertible {
    let description: String
}

/// Waits until a condition holds, looking again and again.
func until(
    _ what: String, within limit: Duration = .seconds(180), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(description: "not within \(limit.components.seconds) s: \(what)")
        }
        try await Task.sleep(for: .milliseconds(50))
    }
}

extension DevelopmentStack {
    /// Waits until every day has its `_SUCCESS`.
    nonisolated func awaitSuccess(within limit: Duration = .seconds(240)) async throws {
        for day in days.days {
            let folder = try folder(of: day)
            try await until("_SUCCESS of \(day)", within: limit) {
                if let failure = try await folder.failure() {
                    throw NeverHappened(description: "_FAILURE instead of _SUCCESS: \(failure)")
                }
                return try await folder.success() != nil
            }
        }
    }

    /// Asserts that the lake holds exactly what the vendor has, and the tags say so.
    func expectTruth(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for day in days.days {
            let folder = try folder(of: day)
            let truth = try await truth(of: day)
            let lake = try await folder.digest()
            #expect(lake == truth, "records of \(day)", sourceLocation: sourceLocation)
            let manifest = try await folder.success()
            #expect(manifest?.records == truth.records, sourceLocation: sourceLocation)
            #expect(try await folder.failure() == nil, sourceLocation: sourceLocation)
            // What is there is what the manifest names, and the manifest is that of a whole day.
            let pages = try await folder.pages().map(\.key.text)
            #expect(manifest?.objects.map(\.key).sorted() == pages.sorted(), sourceLocation: sourceLocation)
            #expect(manifest?.interval == days.interval(of: day), sourceLocation: sourceLocation)
        }
        #expect(try await overview().alerts.isEmpty, sourceLocation: sourceLocation)
    }

    /// The log of a program.
    nonisolated func logText(of member: StackMember) throws -> String {
        try String(contentsOfFile: log(of: member), encoding: .utf8)
    }
}
