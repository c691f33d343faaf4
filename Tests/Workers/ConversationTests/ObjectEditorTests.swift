import Foundation
import ObjectStorage
import TestSupport
import Testing

@testable import Conversation

@Suite("Object editor")
struct ObjectEditorTests {
    private let store = MemoryObjectStore()

    private func remove(_ lines: Set<UInt32>, from content: String) async throws -> (text: String?, records: Int?) {
        let key = try ObjectKey("f/object.json")
        _ = try await store.put(key, bytes: Array(content.utf8))
        let edited = try await ObjectEditor(store: store).remove(lines, from: key, options: PutOptions())
        #expect(store.openPuts == 0)
        guard try await store.head(key) != nil else {
            #expect(edited == nil)
            return (nil, nil)
        }
        let bytes = try await store.read(key, upTo: 1 << 24)
        #expect(edited?.result.bytes == bytes.count)
        #expect(try await store.head(key)?.sha256 == edited?.result.sha256)
        return (String(decoding: bytes, as: UTF8.self), edited?.records)
    }

    @Test("the named lines go, all others stay byte for byte")
    func lines() async throws {
        #expect(try await remove([1], from: "a\nb\nc\n") == ("a\nc\n", 2))
        #expect(try await remove([0, 2], from: "a\nb\nc\n") == ("b\n", 1))
        #expect(try await remove([7], from: "a\n\nc\n") == ("a\n\nc\n", 3))
        #expect(try await remove([0], from: "a\nwithout end") == ("without end", 1))
    }

    @Test("an object without a line left is removed")
    func nothingLeft() async throws {
        #expect(try await remove([0, 1], from: "a\nb\n").text == nil)
    }

    @Test("lines longer than the store's chunks are edited as any other, against a plain filter", arguments: 1...10)
    func model(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let lines = (0..<Int.random(in: 1...40, using: &random)).map { number in
            "\(number)"
                + String(
                    repeating: "x", count: Int.random(in: 0...200_000, using: &random) * Int.random(in: 0...1, using: &random))
        }
        let dropped = Set(lines.indices.filter { _ in Int.random(in: 0..<3, using: &random) == 0 })
        let kept = lines.indices.filter { !dropped.contains($0) }.map { lines[$0] + "\n" }
        let edited = try await remove(Set(dropped.map { UInt32($0) }), from: lines.map { $0 + "\n" }.joined())
        #expect(edited.text == (kept.isEmpty ? nil : kept.joined()))
        #expect(edited.records == (kept.isEmpty ? nil : kept.count))
    }

    @Test("an edit that fails leaves the object as it was")
    func fails() async throws {
        let failing = MemoryObjectStore { operation, key in
            operation == .finish && key.text.hasSuffix("edited")
                ? ObjectStorageError(.unavailable, store: "memory:", message: "no") : nil
        }
        let key = try ObjectKey("f/edited")
        let plain = try ObjectKey("f/plain")
        _ = try await failing.put(plain, bytes: Array("a\nb\n".utf8))
        await #expect(throws: ObjectStorageError.self) {
            try await ObjectEditor(store: failing).remove([0], from: key, options: PutOptions())
        }
        #expect(failing.openPuts == 0)
        #expect(try await failing.read(plain, upTo: 100) == Array("a\nb\n".utf8))
    }
}
