import Contracts
import Foundation
import ObjectStorage
import Synchronization
import Testing

@testable import Monitor

@Suite("Tags")
struct TagWriterTests {
    private let lake = Lake()

    private var success: String { "\(Lake.folder)/_SUCCESS" }
    private var failure: String { "\(Lake.folder)/_FAILURE" }

    @Test("the content of _SUCCESS is the manifest's bytes, and writing it again gives the same", arguments: [true, false])
    func succeeds(readsObjects: Bool) async throws {
        let manifest = try await lake.write("a", ["one\n", "two\ntwo\n"])
        let writer = lake.writer(readsObjects: readsObjects)
        try await writer.succeed(theDay, manifests: [manifest])
        let first = try await lake.bytes(success)
        #expect(first == (try await lake.bytes(manifest)))
        try await writer.succeed(theDay, manifests: [manifest])
        #expect(try await lake.bytes(success) == first)
        #expect(try await lake.bytes(failure) == nil)
    }

    @Test("the tag of a day of several jobs names all their objects, whatever is written first")
    func merges() async throws {
        let manifests = [try await lake.write("b", ["three\n"]), try await lake.write("a", ["one\n", "two\n"])].sorted()
        let writer = lake.writer()
        try await writer.succeed(theDay, manifests: manifests)
        let tag = try Manifest.decode(try #require(try await lake.bytes(success)))
        #expect(tag.objects.map(\.key) == ["\(Lake.folder)/a_1.json", "\(Lake.folder)/a_2.json", "\(Lake.folder)/b_1.json"])
        #expect(tag.records == 3 && tag.bytes == 14 && tag.job == "a")
    }

    @Test("a rerun of a part of a day that is known from its tag alone keeps the other parts, and only what is still there")
    func keepsEarlier() async throws {
        let a = try await lake.write("a", ["one\n", "two\n", "three\n"])
        let b = try await lake.write("b", ["four\n"])
        let c = try await lake.write("c", ["five\n"])
        let writer = lake.writer()
        try await writer.succeed(theDay, manifests: [a, b, c])
        // The rerun has one object less, and one is another.
        try await lake.store.delete(ObjectKey("\(Lake.folder)/a_3.json"))
        _ = try await lake.write("a", ["one\n", "2\n"])
        try await lake.store.delete(ObjectKey("\(Lake.folder)/c_1.json"))
        try await writer.succeed(theDay, manifests: [a], keepsEarlier: true)
        let tag = try Manifest.decode(try #require(try await lake.bytes(success)))
        #expect(tag.objects.map(\.key) == ["a_1", "a_2", "b_1"].map { "\(Lake.folder)/\($0).json" })
        #expect(tag.records == 3 && tag.bytes == 11)
        try await writer.succeed(theDay, manifests: [a], keepsEarlier: true)
        #expect(try Manifest.decode(try #require(try await lake.bytes(success))) == tag)
        // Without an earlier tag there is nothing to keep.
        try await writer.reopen(theDay)
        try await writer.succeed(theDay, manifests: [a], keepsEarlier: true)
        #expect(try Manifest.decode(try #require(try await lake.bytes(success))).objects.count == 2)
        // What an earlier tag names may not have changed since.
        try await writer.succeed(theDay, manifests: [b])
        try await lake.put("\(Lake.folder)/b_1.json", "lie!\n")
        await #expect(throws: TagWriter.Mismatch.self) {
            try await writer.succeed(theDay, manifests: [a], keepsEarlier: true)
        }
    }

    @Test("a day without objects is complete too: its manifest says so")
    func emptyDay() async throws {
        let manifest = try await lake.write("a", [])
        try await lake.writer().succeed(theDay, manifests: [manifest])
        #expect(try Manifest.decode(try #require(try await lake.bytes(success))).objects.isEmpty)
    }

    /// What may be wrong with a day that says it is complete.
    enum Damage: String, CaseIterable {
        case object, size, content, manifest, unreadableManifest, otherDay, noManifests, hostileManifestName, hostileObjectName,
            endlessManifest
    }

    @Test("a day that is not what its manifests say gets no _SUCCESS, and says why", arguments: Damage.allCases)
    func mismatches(_ damage: Damage) async throws {
        let manifest = try await lake.write("a", ["one\n", "two\n"])
        let object = "\(Lake.folder)/a_1.json"
        var manifests = [manifest]
        let words: String
        switch damage {
        case .object:
            try await lake.store.delete(ObjectKey(object))
            words = "\(object) is named by \(manifest) and does not exist"
        case .size:
            try await lake.put(object, "one")
            words = "has 3 bytes, its manifest says 4"
        case .content:
            try await lake.put(object, "One\n")
            words = "its SHA-256 is"
        case .manifest:
            try await lake.store.delete(ObjectKey(manifest))
            words = "does not exist"
        case .unreadableManifest:
            try await lake.put(manifest, "{\"version\":1")
            words = "can't be read"
        case .otherDay:
            manifests = [try await lake.write("z", ["x\n"], day: "2026-03-02")]
            words = "another source, data set or day"
        case .noManifests:
            manifests = []
            words = "named no manifest"
        case .hostileManifestName:
            manifests = ["../../etc/passwd"]
            words = "a manifest's name can't be one"
        case .hostileObjectName:
            let wrong = Manifest(
                of: lake.job("a"), objects: [Manifest.Object(key: "/etc/passwd", records: 1, bytes: 1, sha256: "")])
            try await lake.put(manifest, String(decoding: wrong.encoded(), as: UTF8.self))
            words = "names an object that can't exist"
        case .endlessManifest:
            _ = try await lake.store.put(ObjectKey(manifest), bytes: [UInt8](repeating: 32, count: Manifest.maximumBytes + 1))
            words = "larger than"
        }
        let mismatch = await #expect(throws: TagWriter.Mismatch.self) {
            try await lake.writer().succeed(theDay, manifests: manifests)
        }
        #expect(mismatch?.failure.message.contains(words) == true, "\(mismatch?.failure.message ?? "none")")
        #expect(mismatch?.failure.advice != nil)
        #expect(try await lake.bytes(success) == nil)
    }

    @Test("comparing sizes only, changed content is not seen: that is what the setting means")
    func sizesOnly() async throws {
        let manifest = try await lake.write("a", ["one\n"])
        try await lake.put("\(Lake.folder)/a_1.json", "One\n")
        try await lake.writer(readsObjects: false).succeed(theDay, manifests: [manifest])
        #expect(try await lake.bytes(success) != nil)
    }

    @Test("the lake's own failures are no mismatch: they pass")
    func lakeFails() async throws {
        let manifest = try await lake.write("a", ["one\n"])
        lake.failing.withLock { $0 = true }
        let error = await #expect(throws: ObjectStorageError.self) {
            try await lake.writer().succeed(theDay, manifests: [manifest])
        }
        #expect(error?.kind == .unavailable)
    }

    @Test("_FAILURE says why, since when and what to do, always in the same bytes")
    func fails() async throws {
        let reason = JobEvent.Failure(reason: "vendor-permission", message: "403 \"no\"", advice: "give the role")
        try await lake.writer().fail(theDay, reason, since: History.at(7))
        let golden = #"""
            {
              "advice" : "give the role",
              "dataset" : "conversations",
              "day" : "2026-03-01",
              "message" : "403 \"no\"",
              "reason" : "vendor-permission",
              "since" : "2026-03-01T16:00:07.000Z",
              "source" : "genesys/main",
              "version" : 1
            }

            """#
        #expect(try await lake.bytes(failure).map { String(decoding: $0, as: UTF8.self) } == golden)
    }

    @Test("never both tags, at no moment: what is no longer so goes first")
    func neverBoth() async throws {
        let manifest = try await lake.write("a", ["one\n"])
        let reason = JobEvent.Failure(reason: "r", message: "m")
        let writer = lake.writer()
        for _ in 0..<3 {
            try await writer.succeed(theDay, manifests: [manifest])
            #expect(try await lake.tags() == ["_SUCCESS"])
            try await writer.fail(theDay, reason, since: History.start)
            #expect(try await lake.tags() == ["_FAILURE"])
        }
        try await writer.reopen(theDay)
        #expect(try await lake.tags() == [])
        let steps = lake.steps.withLock { $0 }
        var present: Set<String> = []
        for step in steps {
            if step.operation == .delete { present.remove(step.name) }
            if step.operation == .finish { present.insert(step.name) }
            #expect(present.count <= 1, "\(steps)")
        }
        #expect(steps.count == 6 * 2 + 2)
    }

    @Test("a failure in the middle leaves no tag rather than a wrong one")
    func interrupted() async throws {
        let manifest = try await lake.write("a", ["one\n"])
        let writer = lake.writer()
        try await writer.succeed(theDay, manifests: [manifest])
        lake.refusingTags.withLock { $0 = true }
        await #expect(throws: ObjectStorageError.self) {
            try await writer.fail(theDay, JobEvent.Failure(reason: "r", message: "m"), since: History.start)
        }
        #expect(try await lake.tags() == [])
        #expect(lake.store.openPuts == 0)
    }
}

/// A lake in memory whose tag operations are noted and that can fail.
final class Lake: Sendable {
    struct Step: Sendable {
        let operation: MemoryObjectStore.Operation
        let name: String
    }

    static let folder = "genesys/conversations/2026/03/01"
    let store: MemoryObjectStore
    /// Finished puts and deletions of tags.
    let steps: NotedSteps
    let failing: Switch
    let refusingTags: Switch

    typealias NotedSteps = Noted<[Step]>
    typealias Switch = Noted<Bool>

    /// A value behind a lock.
    final class Noted<Value: Sendable>: Sendable {
        private let value: Mutex<Value>

        init(_ value: Value) { self.value = Mutex(value) }

        func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { value.withLock { body(&$0) } }
    }

    init() {
        let steps = NotedSteps([])
        let failing = Switch(false)
        let refusingTags = Switch(false)
        store = MemoryObjectStore { operation, key in
            let name = String(key.segments.last ?? "")
            let isTag = name == "_SUCCESS" || name == "_FAILURE"
            let fails = failing.withLock { $0 } || (isTag && operation == .finish && refusingTags.withLock { $0 })
            if fails { return ObjectStorageError(.unavailable, store: "memory:", key: key.text, message: "out of order") }
            if isTag, operation == .finish || operation == .delete {
                steps.withLock { $0.append(Step(operation: operation, name: name)) }
            }
            return nil
        }
        self.steps = steps
        self.failing = failing
        self.refusingTags = refusingTags
    }

    func writer(readsObjects: Bool = true) -> TagWriter { TagWriter(store: store, layout: .standard, readsObjects: readsObjects) }

    func job(_ id: String, day: String = "2026-03-01") -> Job {
        Job(
            id: id, kind: "conversation", source: "genesys/main", dataset: "conversations", day: day, createdAt: History.start)
    }

    /// Writes a job's objects and manifest; returns the manifest's key.
    @discardableResult
    func write(_ id: String, _ contents: [String], day: String = "2026-03-01") async throws -> String {
        let folder = LakeLayout.standard.folder(source: "genesys/main", dataset: "conversations", day: day)
        var objects: [Manifest.Object] = []
        for (index, content) in contents.enumerated() {
            let key = "\(folder)/\(id)_\(index + 1).json"
            let result = try await store.put(ObjectKey(key), bytes: Array(content.utf8))
            objects.append(
                Manifest.Object(key: key, records: content.count { $0 == "\n" }, bytes: result.bytes, sha256: result.sha256))
        }
        let manifest = LakeLayout.manifest(of: id, in: folder)
        _ = try await store.put(ObjectKey(manifest), bytes: Manifest(of: job(id, day: day), objects: objects).encoded())
        return manifest
    }

    func put(_ key: String, _ content: String) async throws {
        _ = try await store.put(ObjectKey(key), bytes: Array(content.utf8))
    }

    func bytes(_ key: String) async throws -> [UInt8]? {
        guard try await store.head(ObjectKey(key)) != nil else { return nil }
        return try await store.read(ObjectKey(key), upTo: 1 << 20)
    }

    func tags(in folder: String = Lake.folder) async throws -> [String] {
        try await store.list(prefix: "\(folder)/_").collect().compactMap { $0.key.segments.last.map(String.init) }
            .filter { !$0.hasPrefix("_manifest") }
    }
}
