import Crypto
import Foundation
import ObjectStorage
import TestSupport
import Testing
import Transfer

/// The stores that keep the same promises.
enum Backend: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, file, s3, s3OverTLS

    var testDescription: String { rawValue }

    /// What a listing gave, in the order that it must have; SeaweedFS sorts each level of a tree by itself.
    func sorted(_ names: [String]) -> [String] {
        self == .memory || self == .file ? names : names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// An empty store of its own, and what tells whether anything is left behind in it.
    func open() async throws -> OpenStore {
        switch self {
        case .memory:
            let store = MemoryObjectStore()
            return OpenStore(store: store) { store.openPuts }
        case .file:
            let directory = FileManager.default.temporaryDirectory.appending(path: "switchboard-lake-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            let store = try FileObjectStore(directory: directory.path())
            return OpenStore(store: store, cleanUp: { try FileManager.default.removeItem(at: directory) }) {
                try FileManager.default.contentsOfDirectory(atPath: directory.path()).filter { $0.hasPrefix(".tmp-") }.count
            }
        case .s3, .s3OverTLS:
            let server = try await SeaweedServer.shared.running()
            var client = HTTPClientConfiguration()
            client.trustList = server.trustList
            let endpoint = self == .s3 ? server.endpoint : server.secureEndpoint
            let store = try S3ObjectStore(
                S3Configuration(
                    bucket: server.bucket, prefix: "tests/\(UUID().uuidString)", endpoint: endpoint, partBytes: 5 << 20),
                credentials: { server.credentials }, transport: HTTPClient(client))
            return OpenStore(store: store) { try await store.removeAbandoned(olderThan: .seconds(-60)) }
        }
    }
}

/// A store in a test.
struct OpenStore: Sendable {
    let store: any ObjectStore
    var cleanUp: @Sendable () throws -> Void = {}
    /// How many puts have left something behind.
    let leftovers: @Sendable () async throws -> Int
}

@Suite("Every object store keeps the same promises")
struct ObjectStoreConformance {
    private func with(_ backend: Backend, _ body: (OpenStore) async throws -> Void) async throws {
        let open = try await backend.open()
        defer { #expect(throws: Never.self) { try open.cleanUp() } }
        try await body(open)
    }

    private func sha256(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined() }

    @Test("what was put is read, with its size and hash", arguments: Backend.allCases)
    func roundTrip(backend: Backend) async throws {
        try await with(backend) { open in
            let key = try ObjectKey("a/b/c.bin")
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let result = try await open.store.put(key, bytes: bytes, options: PutOptions(contentType: "application/x-test"))
            #expect(result == PutResult(bytes: bytes.count, sha256: sha256(bytes)))
            #expect(try await open.store.read(key, upTo: 100_000) == bytes)
            let info = try #require(try await open.store.head(key))
            #expect(info.key == key && info.size == bytes.count)
            #expect(abs(info.modified?.timeIntervalSinceNow ?? 1000) < 60)
            #expect(info.sha256 == nil || info.sha256 == result.sha256)
            await #expect(throws: ObjectStorageError.self) { try await open.store.read(key, upTo: 99_999) }
        }
    }

    @Test("an empty object exists", arguments: Backend.allCases)
    func empty(backend: Backend) async throws {
        try await with(backend) { open in
            let key = try ObjectKey("_SUCCESS")
            #expect(try await open.store.put(key, bytes: []) == PutResult(bytes: 0, sha256: sha256([])))
            #expect(try await open.store.read(key, upTo: 0).isEmpty)
            #expect(try await open.store.head(key)?.size == 0)
            #expect(try await open.store.list(prefix: "").collect().map(\.key) == [key])
        }
    }

    @Test("a put is atomic: nothing is visible before it is finished, then all of it is", arguments: Backend.allCases)
    func atomic(backend: Backend) async throws {
        try await with(backend) { open in
            let key = try ObjectKey("day/object")
            let writer = try await open.store.put(key)
            for _ in 0..<12 { try await writer.write([UInt8](repeating: 7, count: 1 << 20)) }
            #expect(try await open.store.head(key) == nil)
            #expect(try await open.store.list(prefix: "").collect().isEmpty)
            #expect(try await writer.finish().bytes == 12 << 20)
            #expect(try await open.store.head(key)?.size == 12 << 20)
        }
    }

    @Test("an overwrite replaces the whole object, and readers see the old one until then", arguments: Backend.allCases)
    func overwrite(backend: Backend) async throws {
        try await with(backend) { open in
            let key = try ObjectKey("object")
            try await open.store.put(key, bytes: Array("the old, longer content".utf8))
            let writer = try await open.store.put(key)
            try await writer.write(Array("new".utf8))
            #expect(try await open.store.read(key, upTo: 100) == Array("the old, longer content".utf8))
            _ = try await writer.finish()
            #expect(try await open.store.read(key, upTo: 100) == Array("new".utf8))
        }
    }

    @Test("a put that is abandoned or dropped leaves what was there before", arguments: Backend.allCases, [100, 12 << 20])
    func abandon(backend: Backend, size: Int) async throws {
        try await with(backend) { open in
            let key = try ObjectKey("x/object")
            try await open.store.put(key, bytes: [1])
            let writer = try await open.store.put(key)
            try await writer.write([UInt8](repeating: 7, count: size))
            await writer.abandon()
            await writer.abandon()
            #expect(try await open.leftovers() == 0)
            await #expect(throws: ObjectStorageError.self) { try await writer.write([1]) }
            await #expect(throws: ObjectStorageError.self) { try await writer.finish() }
            do {
                let dropped = try await open.store.put(key)
                try await dropped.write([UInt8](repeating: 7, count: size))
            }
            // Dropping can't wait for the store: what it started comes to its end a moment later.
            try await waitUntil { try await open.store.head(key)?.size == 1 }
            #expect(try await open.store.read(key, upTo: 10) == [1])
            #expect(try await open.store.list(prefix: "").collect().count == 1)
        }
    }

    @Test("a task that is cancelled in mid-put leaves nothing", arguments: Backend.allCases, [100, 12 << 20])
    func cancel(backend: Backend, size: Int) async throws {
        try await with(backend) { open in
            let key = try ObjectKey("x/object")
            let (written, cancelled) = (Signal(), Signal())
            let task = Task { () async throws -> ObjectStorageError? in
                let writer = try await open.store.put(key)
                try await writer.write([UInt8](repeating: 7, count: size))
                written.set()
                await cancelled.wait()
                do throws(ObjectStorageError) {
                    try await writer.write([UInt8](repeating: 7, count: size))
                    _ = try await writer.finish()
                    return nil
                } catch {
                    return error
                }
            }
            await written.wait()
            task.cancel()
            cancelled.set()
            #expect(try await task.value?.kind == .cancelled)
            #expect(try await open.leftovers() == 0)
            #expect(try await open.store.head(key) == nil)
        }
    }

    @Test("20 MiB of unknown length arrive whole", arguments: Backend.allCases)
    func large(backend: Backend) async throws {
        try await with(backend) { open in
            let key = try ObjectKey("large")
            let writer = try await open.store.put(key)
            var hash = SHA256()
            var random = SystemRandomNumberGenerator()
            var left = 20 << 20
            while left > 0 {
                let count = min(left, Int.random(in: 1...700_000, using: &random))
                let chunk = (0..<((count + 7) / 8)).flatMap { _ in
                    withUnsafeBytes(of: UInt64.random(in: .min ... .max)) { Array($0) }
                }
                .prefix(count)
                hash.update(data: chunk)
                try await writer.write(Array(chunk))
                left -= count
            }
            let result = try await writer.finish()
            let expected = hash.finalize().map { String(format: "%02x", $0) }.joined()
            #expect(result == PutResult(bytes: 20 << 20, sha256: expected))
            var readHash = SHA256()
            var size = 0
            let body = try await open.store.get(key)
            #expect(body.size == 20 << 20)
            for try await chunk in body {
                readHash.update(data: chunk)
                size += chunk.count
            }
            #expect(size == 20 << 20)
            #expect(readHash.finalize().map { String(format: "%02x", $0) }.joined() == expected)
        }
    }

    @Test("ranges are cut to the object", arguments: Backend.allCases)
    func ranges(backend: Backend) async throws {
        try await with(backend) { open in
            let key = try ObjectKey("object")
            try await open.store.put(key, bytes: Array(0..<100))
            let empty = try ObjectKey("empty")
            try await open.store.put(empty, bytes: [])
            for (range, expected) in [
                (0..<100, 0..<100), (0..<1, 0..<1), (99..<100, 99..<100), (10..<20, 10..<20), (90..<1000, 90..<100),
                (100..<200, 0..<0),
                (500..<600, 0..<0), (50..<50, 0..<0), (0..<Int.max, 0..<100),
            ] {
                let body = try await open.store.get(key, range: range)
                #expect(body.size == expected.count, "\(range)")
                #expect(try await body.collect(upTo: 100) == expected.map { UInt8($0) }, "\(range)")
            }
            #expect(try await open.store.get(empty, range: 0..<10).collect(upTo: 10).isEmpty)
            for range in [nil, 0..<10, 5..<5] {
                await expectError(.notFound) { _ = try await open.store.get(try ObjectKey("absent"), range: range) }
            }
        }
    }

    @Test("what is absent: head is nil, get is notFound, delete is fine", arguments: Backend.allCases)
    func absent(backend: Backend) async throws {
        try await with(backend) { open in
            try await open.store.put(try ObjectKey("a/b"), bytes: [1])
            for name in ["x", "a/x", "a", "a/b/c", "x/y/z"] {
                let key = try ObjectKey(name)
                #expect(try await open.store.head(key) == nil, "\(name)")
                await expectError(.notFound) { _ = try await open.store.get(key) }
                try await open.store.delete(key)
            }
            #expect(try await open.store.head(try ObjectKey("a/b")) != nil)
        }
    }

    @Test("a deleted object is gone, and its neighbours are not", arguments: Backend.allCases)
    func delete(backend: Backend) async throws {
        try await with(backend) { open in
            for name in ["a/b/c", "a/b/d", "e/f/g"] { try await open.store.put(try ObjectKey(name), bytes: [1]) }
            try await open.store.delete(try ObjectKey("a/b/c"))
            try await open.store.delete(try ObjectKey("a/b/c"))
            try await open.store.delete(try ObjectKey("e/f/g"))
            #expect(try await open.store.list(prefix: "").collect().map(\.key.text) == ["a/b/d"])
            try await open.store.put(try ObjectKey("e/f/g"), bytes: [2])
            #expect(try await open.store.read(try ObjectKey("e/f/g"), upTo: 1) == [2])
        }
    }

    @Test("listings have every key once, in the order of their bytes, below their prefix", arguments: Backend.allCases)
    func list(backend: Backend) async throws {
        try await with(backend) { open in
            // In a directory a key can't be an object and the beginning of others: no "a" beside "a/1".
            let names = [
                "a-b/c", "a.b", "a/1", "a0", "b/a", "b/a-", "b/ab/c", "b/b", "B/x", "z/ä", "z/z", "z/é/1", "_manifest.x.json",
            ]
            for name in names.shuffled() { try await open.store.put(try ObjectKey(name), bytes: Array(name.utf8)) }
            let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for prefix in [
                "", "a", "a/", "a-", "b/a", "b/ab", "b/ab/", "b/ab/c", "b/ab/cd", "z/", "z/\u{e9}", "x", "b/a/x/y", "../", "/",
                "./",
            ] {
                let listed = try await open.store.list(prefix: prefix).collect()
                let names = backend.sorted(listed.map(\.key.text))
                #expect(names == sorted.filter { $0.utf8.starts(with: prefix.utf8) }, "\(prefix)")
                #expect(listed.allSatisfy { $0.size == $0.key.text.utf8.count })
            }
        }
    }

    @Test("listings go on past a page of 1000", arguments: Backend.allCases)
    func paging(backend: Backend) async throws {
        try await with(backend) { open in
            let names = (0..<(backend == .s3OverTLS ? 20 : 2100)).map { "p/\($0 % 7)/\($0)" }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for part in 0..<8 {
                    group.addTask {
                        for index in stride(from: part, to: names.count, by: 8) {
                            try await open.store.put(try ObjectKey(names[index]), bytes: [])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            var listed: [String] = []
            for try await object in open.store.list(prefix: "p/") { listed.append(object.key.text) }
            #expect(listed == sorted)
            // A listing that is left early is no error, and another starts anew.
            for try await object in open.store.list(prefix: "p/") {
                #expect(object.key.text == sorted[0])
                break
            }
        }
    }

    @Test("awkward keys are keys like others", arguments: Backend.allCases)
    func awkward(backend: Backend) async throws {
        try await with(backend) { open in
            let names = [
                "a b/c d.txt", "plus+plus/1+1", "100%/%41%2F", "ünï/cödé/日本語/😀", "quote\"/single'/back`tick", "a&b=c;d,e",
                "q?x=1#f",
                "<tag>&amp;", "dots.../.hidden/..a", "trailing./ space ", "star*[x]{y}|$@!:~^",
                "e\u{301}/combining",
                "\u{301}leading", "(1)/-_", String(repeating: "x", count: 200),
            ]
            for name in names { try await open.store.put(try ObjectKey(name), bytes: Array(name.utf8)) }
            let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            let listed = backend.sorted(try await open.store.list(prefix: "").collect().map(\.key.text))
            #expect(listed.map { Array($0.utf8) } == sorted.map { Array($0.utf8) }, "\(Set(listed).symmetricDifference(sorted))")
            for name in names {
                let key = try ObjectKey(name)
                #expect(try await open.store.read(key, upTo: 1000) == Array(name.utf8), "\(name)")
                #expect(try await open.store.head(key)?.size == name.utf8.count, "\(name)")
                #expect(try await open.store.list(prefix: name).collect().map(\.key) == [key], "list \(name)")
                try await open.store.delete(key)
            }
            #expect(try await open.store.list(prefix: "").collect().isEmpty)
        }
    }

    @Test("a large put with ifAbsent fails when it finds an object at its end", arguments: Backend.allCases)
    func ifAbsentLarge(backend: Backend) async throws {
        try await with(backend) { open in
            let key = try ObjectKey("lock/object")
            let writer = try await open.store.put(key, options: PutOptions(ifAbsent: true))
            try await writer.write([UInt8](repeating: 7, count: 6 << 20))
            try await open.store.put(key, bytes: [1])
            await expectError(.alreadyExists) { _ = try await writer.finish() }
            #expect(try await open.store.read(key, upTo: 10) == [1])
            #expect(try await open.leftovers() == 0)
        }
    }

    @Test("of ten puts with ifAbsent one wins, small or large", arguments: Backend.allCases, [1, 6 << 20])
    func ifAbsent(backend: Backend, size: Int) async throws {
        // SeaweedFS looks first and completes then: for uploads in parts several may win.
        if size > 1, backend == .s3 || backend == .s3OverTLS { return }
        try await with(backend) { open in
            let key = try ObjectKey("lock/object")
            let winners = try await withThrowingTaskGroup(of: Int?.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        do throws(ObjectStorageError) {
                            try await open.store.put(
                                key, bytes: [UInt8](repeating: UInt8(number), count: size), options: PutOptions(ifAbsent: true))
                            return number
                        } catch {
                            #expect(error.kind == .alreadyExists, "\(error)")
                            return nil
                        }
                    }
                }
                return try await group.reduce(into: [Int]()) { if let number = $1 { $0.append(number) } }
            }
            #expect(winners.count == 1)
            let stored = try await open.store.read(key, upTo: size)
            #expect(stored == [UInt8](repeating: UInt8(winners.first ?? 255), count: size))
            #expect(try await open.leftovers() == 0)
            await expectError(.alreadyExists) { try await open.store.put(key, bytes: [1], options: PutOptions(ifAbsent: true)) }
            try await open.store.delete(key)
            try await open.store.put(key, bytes: [1], options: PutOptions(ifAbsent: true))
        }
    }

    @Test("100 puts at once all arrive", arguments: Backend.allCases)
    func parallel(backend: Backend) async throws {
        try await with(backend) { open in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        try await open.store.put(try ObjectKey("p/\(number % 3)/\(number)"), bytes: Array("\(number)".utf8))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await open.store.list(prefix: "p/").collect().count == 100)
            #expect(try await open.store.read(try ObjectKey("p/2/98"), upTo: 10) == Array("98".utf8))
        }
    }

    @Test("a good store passes its check and keeps nothing of it", arguments: Backend.allCases)
    func check(backend: Backend) async throws {
        try await with(backend) { open in
            try await open.store.check()
            #expect(try await open.store.list(prefix: "").collect().isEmpty)
            #expect(try await open.leftovers() == 0)
        }
    }
}

/// Expects an error of a kind.
func expectError(
    _ kind: ObjectStorageError.Kind, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("no error", sourceLocation: sourceLocation)
    } catch let error as ObjectStorageError {
        #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("another error: \(error)", sourceLocation: sourceLocation)
    }
}

/// Waits for something that happens soon, but not at a moment that can be seen.
func waitUntil(_ condition: () async throws -> Bool) async throws {
    for _ in 0..<500 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("it did not happen")
}
