import Contracts
import Foundation
import ObjectStorage
import Synchronization
import Testing
import WorkerKit

@testable import Extraction

@Suite("What a job leaves in the lake")
struct JobOutputTests {
    private static let folder = "genesys/conversations/2026/03/02"

    private static func job(_ id: String = "daily", revision: Int = 0) -> Job {
        Job(
            id: id, kind: "conversation", source: "genesys/main", dataset: "conversations", day: "2026-03-02", revision: revision,
            createdAt: .distantPast)
    }

    private static func output(_ store: any ObjectStore, revision: Int = 0) throws -> JobOutput {
        try JobOutput(
            store: store, job: job(revision: revision), folder: folder, prefix: "\(folder)/genesys_conversations_20260302_")
    }

    private func write(_ store: MemoryObjectStore, _ count: Int, text: String = "x\n") async throws -> [Manifest.Object] {
        var objects: [Manifest.Object] = []
        for number in 1...count {
            let key = "\(Self.folder)/genesys_conversations_20260302_\(number).json"
            let result = try await store.put(ObjectKey(key), bytes: Array(text.utf8))
            objects.append(Manifest.Object(key: key, records: 1, bytes: result.bytes, sha256: result.sha256))
        }
        return objects
    }

    private func names(_ store: MemoryObjectStore) async throws -> [String] {
        try await store.list(prefix: "genesys/").collect().compactMap { $0.key.segments.last.map(String.init) }
    }

    @Test("the manifest is the last write; what it doesn't name goes after it")
    func order() async throws {
        let steps = Mutex<[String]>([])
        let store = MemoryObjectStore { operation, key in
            if operation == .finish || operation == .delete {
                steps.withLock { $0.append("\(operation) \(key.segments.last ?? "")") }
            }
            return nil
        }
        let objects = try await write(store, 3)
        try await Self.output(store).publish(Array(objects.prefix(2)), after: nil)
        let note = try ManifestSwitch.key(of: try Self.output(store).manifestKey).segments.last ?? ""
        #expect(
            steps.withLock { Array($0.suffix(3)) } == [
                "finish _manifest.daily.json", "delete \(note)", "delete genesys_conversations_20260302_3.json",
            ])
        #expect(try await Self.output(store).present()?.objects == Array(objects.prefix(2)))
    }

    @Test("a correction finds the old manifest untouched, writes beside it, and the old objects go when the new ones stand")
    func correction() async throws {
        let store = MemoryObjectStore()
        let old = try await write(store, 3)
        try await Self.output(store).publish(old, after: nil)
        let output = try Self.output(store, revision: 1)
        let found = try #require(try await output.find())
        #expect(!found.isCurrent && found.manifest.objects == old)
        #expect(try await store.head(output.manifestKey) != nil)
        #expect(output.firstFreeNumber(after: found.manifest) == 100_001)
        let key = "\(Self.folder)/genesys_conversations_20260302_100001.json"
        let result = try await store.put(ObjectKey(key), bytes: Array("y\n".utf8))
        try await output.publish(
            [Manifest.Object(key: key, records: 1, bytes: result.bytes, sha256: result.sha256)], after: found.manifest)
        #expect(try await names(store).sorted() == ["_manifest.daily.json", "genesys_conversations_20260302_100001.json"])
        #expect(try await output.find()?.isCurrent == true)
    }

    @Test("what a job takes back is gone, and nothing else")
    func discard() async throws {
        let store = MemoryObjectStore()
        try await Self.output(store).publish(try await write(store, 3), after: nil)
        try await store.put(ObjectKey("\(Self.folder)/_manifest.daily2.json"), bytes: [1])
        try await Self.output(store).discard()
        #expect(try await names(store) == ["_manifest.daily2.json"])
        #expect(try await Self.output(store).find() == nil)
    }

    @Test("a rerun that yields fewer objects leaves none behind, and touches nothing of anybody else")
    func fewer() async throws {
        let store = MemoryObjectStore()
        let foreign = [
            "_SUCCESS", "_FAILURE", "_manifest.other.json", "genesys_conversations_20260301_3.json",
            "genesys_conversations_202603020_3.json",
            "genesys_conversations_20260302T040000Z_1.json", "notes.txt",
        ]
        for name in foreign { _ = try await store.put(ObjectKey("\(Self.folder)/\(name)"), bytes: [1]) }
        let former = try await Self.output(store).publish(try await write(store, 12), after: nil)
        let rerun = try Self.output(store, revision: 1)
        #expect(try await rerun.present() == nil)
        #expect(try await names(store).contains("_manifest.daily.json"), "readers see the old result until there is a new one")
        try await rerun.publish(try await write(store, 2), after: former)
        let own = ["_manifest.daily.json", "genesys_conversations_20260302_1.json", "genesys_conversations_20260302_2.json"]
        #expect(try await names(store).sorted() == (foreign + own).sorted())
    }

    @Test("a crash between manifest and removal is made good by the next run, which writes nothing")
    func crash() async throws {
        let isBroken = Mutex(true)
        let store = MemoryObjectStore { operation, _ in
            operation == .delete && isBroken.withLock { $0 }
                ? ObjectStorageError(.unavailable, store: "memory:", message: "crash") : nil
        }
        let objects = try await write(store, 3)
        let output = try Self.output(store)
        await #expect(throws: ObjectStorageError.self) { try await output.publish(Array(objects.prefix(1)), after: nil) }
        #expect(try await names(store).count == 4)
        isBroken.withLock { $0 = false }
        #expect(try await output.present()?.objects == Array(objects.prefix(1)))
        #expect(try await names(store) == ["_manifest.daily.json", "genesys_conversations_20260302_1.json"])
    }

    @Test("an older revision finds the newer result and leaves it")
    func older() async throws {
        let store = MemoryObjectStore()
        let objects = try await write(store, 1)
        try await Self.output(store, revision: 3).publish(objects, after: nil)
        #expect(try await Self.output(store, revision: 2).present()?.revision == 3)
    }

    @Test("a manifest that can't be read is none: the next result takes its place")
    func unreadable() async throws {
        let store = MemoryObjectStore()
        let output = try Self.output(store)
        _ = try await store.put(output.manifestKey, bytes: Array("{\"version\":1,".utf8))
        #expect(try await output.present() == nil)
        try await output.publish([], after: nil)
        #expect(try await output.present()?.objects == [])
    }

    @Test("no two revisions give the same number, and each goes on behind what it has named already")
    func numbers() async throws {
        let store = MemoryObjectStore()
        let own = Manifest.Object(
            key: "\(Self.folder)/genesys_conversations_20260302_100007.json", records: 1, bytes: 1, sha256: "")
        let later = Manifest.Object(
            key: "\(Self.folder)/genesys_conversations_20260302_300001.json", records: 1, bytes: 1, sha256: "")
        let manifest = Manifest(of: Self.job(revision: 1), objects: [own, later])
        #expect(try Self.output(store).firstFreeNumber(after: manifest) == 1)
        #expect(try Self.output(store, revision: 1).firstFreeNumber(after: manifest) == 100_008)
        #expect(try Self.output(store, revision: 2).firstFreeNumber(after: manifest) == 200_001)
        #expect(try Self.output(store, revision: 1000).firstFreeNumber(after: nil) == 100_000_001)
    }

    @Test("an earlier revision that comes late removes nothing of a correction that is still being written")
    func laterStays() async throws {
        let store = MemoryObjectStore()
        let objects = try await write(store, 2)
        let former = try await Self.output(store).publish(objects, after: nil)
        let correction = try Self.output(store, revision: 1000)
        let key = "\(Self.folder)/genesys_conversations_20260302_\(correction.firstFreeNumber(after: former)).json"
        let result = try await store.put(ObjectKey(key), bytes: Array("new\n".utf8))
        // A copy of the first run, and a correction in between.
        #expect(try await Self.output(store).present() != nil)
        let between = try await Self.output(store, revision: 1).publish(objects, after: former)
        #expect(try await store.head(ObjectKey(key)) != nil)
        try await correction.publish(
            [Manifest.Object(key: key, records: 1, bytes: result.bytes, sha256: result.sha256)], after: between)
        #expect(try await names(store).sorted() == ["_manifest.daily.json", String(key.dropFirst(Self.folder.count + 1))])
    }

    @Test("of two runs that began from the same manifest one publishes, the other is told and leaves the result alone")
    func superseded() async throws {
        let store = MemoryObjectStore()
        let objects = try await write(store, 2)
        let former = try await Self.output(store).publish(objects, after: nil)
        try await Self.output(store, revision: 1000).publish(objects, after: former)
        let before = try await store.read(Self.output(store).manifestKey, upTo: 1 << 20)
        await #expect(throws: OutputSuperseded()) {
            try await Self.output(store, revision: 1).publish(Array(objects.prefix(1)), after: former)
        }
        #expect(try await store.read(Self.output(store).manifestKey, upTo: 1 << 20) == before)
        #expect(try await names(store).count == 3)
    }

    @Test(
        "while one run publishes no other does; one that died meanwhile is passed over when its note is old, or when it comes again"
    )
    func busy() async throws {
        let store = MemoryObjectStore()
        let objects = try await write(store, 1)
        let output = try Self.output(store)
        let manifest = try await output.publish(objects, after: nil)
        let died = ManifestSwitch(store: store, manifest: output.manifestKey, revision: 7)
        await #expect(throws: CancellationError.self) {
            try await died.run {
                do {
                    try await Self.output(store, revision: 1).publish(objects, after: manifest)
                    Issue.record("two runs were publishing at once")
                } catch is OutputSuperseded {
                    // As it should be.
                }
                // The same run, come again after a crash.
                try await Self.output(store, revision: 7).publish(objects, after: manifest)
                throw CancellationError()
            }
        }
        let key = try ManifestSwitch.key(of: output.manifestKey)
        #expect(try await store.head(key) == nil, "who fails keeps nobody waiting")
        _ = try await store.put(key, bytes: Array("{}".utf8))
        let later = ManifestSwitch(
            store: store, manifest: output.manifestKey, revision: 8, now: { Date().addingTimeInterval(3600) })
        let isThrough = Mutex(false)
        try await later.run { isThrough.withLock { $0 = true } }
        #expect(isThrough.withLock { $0 })
    }

    @Test("the same result gives the same manifest, byte for byte")
    func sameBytes() async throws {
        let store = MemoryObjectStore()
        let output = try Self.output(store)
        let objects = try await write(store, 3)
        try await output.publish(objects, after: nil)
        let first = try await store.read(output.manifestKey, upTo: 1 << 20)
        try await output.publish(objects.reversed(), after: try await output.find()?.manifest)
        #expect(try await store.read(output.manifestKey, upTo: 1 << 20) == first)
    }
}

@Suite("Names of objects")
struct ObjectNamesTests {
    private func names(_ start: String, _ end: String, dataset: String = "conversations") throws -> ObjectNames {
        let dates = try [start, end].map { try #require(Timestamp.date($0)) }
        let interval = try #require(Interval(start: dates[0], end: dates[1]))
        return ObjectNames(folder: "f", dataset: dataset, day: "2026-03-02", interval: interval)
    }

    @Test("a whole day's objects are called by the day, on days of 23 and 25 hours too")
    func wholeDay() throws {
        #expect(
            try names("2026-03-01T16:00:00Z", "2026-03-02T16:00:00Z").key(1).text == "f/genesys_conversations_20260302_1.json")
        #expect(
            try names("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z").key(12).text == "f/genesys_conversations_20260302_12.json")
        #expect(
            try names("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z").key(1).text == "f/genesys_conversations_20260302_1.json")
    }

    @Test("no two parts of a day, nor a part and the whole, can take each other's objects away")
    func parts() throws {
        let all = [
            try names("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"), try names("2026-03-02T00:00:00Z", "2026-03-02T12:00:00Z"),
            try names("2026-03-02T12:00:00Z", "2026-03-03T00:00:00Z"), try names("2026-03-02T00:30:00Z", "2026-03-02T01:00:00Z"),
        ]
        for (index, one) in all.enumerated() {
            for (otherIndex, other) in all.enumerated() where index != otherIndex {
                #expect(!(try other.key(1).text.hasPrefix(one.prefix)), "\(one.prefix)")
            }
        }
    }

    @Test("a data set's separators become part of a name")
    func dataset() throws {
        #expect(
            try names("2026-03-01T16:00:00Z", "2026-03-02T16:00:00Z", dataset: "a/b").key(3).text
                == "f/genesys_a_b_20260302_3.json")
    }
}
