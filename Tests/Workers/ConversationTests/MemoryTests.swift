import Contracts
import Foundation
import ObjectStorage
import Testing
import VendorSimulator
import WorkerKit

@testable import Conversation

@Suite("Memory of a conversation day", .timeLimit(.minutes(5)))
struct MemoryTests {
    @Test("memory doesn't grow with the day: ten times as many conversations take no more")
    func flat() async {
        // In a process of its own: others in this one use memory too.
        await #expect(processExitsWith: .success) {
            _ = try await Self.peak(conversations: 1500)
            let small = try await Self.peak(conversations: 1500)
            let large = try await Self.peak(conversations: 15_000)
            // Some 60 MB of records went through.
            #expect(large - small < 12 << 20, "\(small >> 20) MB became \(large >> 20) MB")
        }
    }

    /// The largest resident memory while a day is extracted into nothing, bytes.
    private static func peak(conversations: Int) async throws -> Int {
        try Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        var day = SimulatedDay(conversationsPerDay: conversations)
        day.store = DiscardingStore()
        try await day.run { running in
            let result = try await running.done()
            #expect((result.figures["records"] ?? 0) > conversations / 2)
        }
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM") })
        return try #require(line.split(separator: " ").compactMap { Int($0) }.first) * 1024
    }
}

/// A store that keeps manifests only.
private final class DiscardingStore: ObjectStore {
    private let manifests = MemoryObjectStore()

    var location: String { "nowhere:" }

    func put(_ key: ObjectKey, options: PutOptions) async throws(ObjectStorageError) -> any ObjectWriter {
        key.text.contains("_manifest.") ? try await manifests.put(key, options: options) : Writer()
    }

    func get(_ key: ObjectKey, range: Range<Int>?) async throws(ObjectStorageError) -> ObjectBody {
        try await manifests.get(key, range: range)
    }
    func head(_ key: ObjectKey) async throws(ObjectStorageError) -> ObjectInfo? { try await manifests.head(key) }
    func list(prefix: String) -> ObjectListing { manifests.list(prefix: prefix) }
    func delete(_ key: ObjectKey) async throws(ObjectStorageError) { try await manifests.delete(key) }
    func check() async throws(ObjectStorageError) {}

    func signedURL(_ key: ObjectKey, method: SignedURLMethod, expires: Duration) async throws(ObjectStorageError) -> String {
        try await manifests.signedURL(key, method: method, expires: expires)
    }

    func removeAbandoned(olderThan age: Duration) async throws(ObjectStorageError) -> Int { 0 }

    private struct Writer: ObjectWriter {
        func write(_ bytes: [UInt8]) async throws(ObjectStorageError) {}
        func finish() async throws(ObjectStorageError) -> PutResult { PutResult(bytes: 0, sha256: "") }
        func abandon() async {}
    }
}
