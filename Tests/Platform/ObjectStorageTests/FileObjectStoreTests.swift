import Foundation
import ObjectStorage
import TestSupport
import Testing

@Suite("File object store")
struct FileObjectStoreTests {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "switchboard-file-\(UUID().uuidString)")

    private func store() throws -> FileObjectStore {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        return try FileObjectStore(directory: directory.path())
    }

    private func files() -> [String] { FileManager.default.subpaths(atPath: directory.path())?.sorted() ?? [] }

    @Test("an object is a plain file under its key, and nothing else is there")
    func layout() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try store()
        try await store.put(try ObjectKey("a/b/c.json"), bytes: Array("x\n".utf8))
        #expect(files() == ["a", "a/b", "a/b/c.json"])
        #expect(try Data(contentsOf: directory.appending(path: "a/b/c.json")) == Data("x\n".utf8))
        try await store.delete(try ObjectKey("a/b/c.json"))
        #expect(files() == [])
    }

    @Test("while a put is under way there is one file with a recognisable name in the root")
    func temporaryFile() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try store()
        let writer = try await store.put(try ObjectKey("a/b"))
        try await writer.write([UInt8](repeating: 0, count: 1 << 20))
        #expect(files().count == 1 && files()[0].hasPrefix(".tmp-"))
        await writer.abandon()
        #expect(files() == [])
    }

    @Test("files that killed puts have left are not listed, and removed when they are old enough")
    func abandoned() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try store()
        let old = directory.appending(path: ".tmp-old")
        try Data("x".utf8).write(to: old)
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: old.path())
        try Data("x".utf8).write(to: directory.appending(path: ".tmp-new"))
        try Data("x".utf8).write(to: directory.appending(path: "object"))
        #expect(try await store.list(prefix: "").collect().map(\.key.text) == ["object"])
        #expect(try await store.removeAbandoned(olderThan: .seconds(3600)) == 1)
        #expect(files() == [".tmp-new", "object"])
    }

    @Test("a missing root, a file in its place and one that can't be written are told apart at the check")
    func check() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let missing = try FileObjectStore(directory: directory.path() + "/missing")
        await expectError(.noSuchRoot) { try await missing.check() }
        await expectError(.noSuchRoot) { _ = try await missing.put(try ObjectKey("x")) }
        _ = try store()
        try Data().write(to: directory.appending(path: "file"))
        let file = try FileObjectStore(directory: directory.path() + "/file")
        await expectError(.misconfigured) { try await file.check() }
        // Root may write everywhere but here.
        let readOnly = try FileObjectStore(directory: getuid() == 0 ? "/proc/self" : "/usr")
        do throws(ObjectStorageError) {
            try await readOnly.check()
            Issue.record("it can be written")
        } catch {
            #expect([.accessDenied, .noSuchRoot].contains(error.kind), "\(error)")
        }
        #expect(throws: ObjectStorageError.self) { try FileObjectStore(directory: "relative") }
    }

    @Test("a full disk is a typed error, and nothing is left behind")
    func full() async throws {
        // The limit on a file's size stands in for the disk's: the write fails in the same place. It holds for a whole process.
        await #expect(processExitsWith: .success) {
            let directory = FileManager.default.temporaryDirectory.appending(path: "switchboard-full-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: directory) }
            let store = try FileObjectStore(directory: directory.path())
            try await store.put(try ObjectKey("object"), bytes: [1])
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            await expectError(.noSpace) {
                let writer = try await store.put(try ObjectKey("object"))
                for _ in 0..<20 { try await writer.write([UInt8](repeating: 7, count: 100_000)) }
                _ = try await writer.finish()
            }
            #expect(try await store.read(try ObjectKey("object"), upTo: 10) == [1])
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path()) == ["object"])
        }
    }

    @Test("a key that is the beginning of others can't be an object too, and both sides say so")
    func conflict() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try store()
        try await store.put(try ObjectKey("a/b"), bytes: [1])
        await expectError(.invalidKey) { try await store.put(try ObjectKey("a"), bytes: [2]) }
        await expectError(.invalidKey) { try await store.put(try ObjectKey("a/b/c"), bytes: [2]) }
        await expectError(.invalidKey) { try await store.put(try ObjectKey(String(repeating: "x", count: 256)), bytes: [2]) }
        #expect(files() == ["a", "a/b"])
    }

    @Test("a reader that has begun sees one object, also when it is replaced meanwhile")
    func stableReading() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try store()
        let key = try ObjectKey("object")
        try await store.put(key, bytes: [UInt8](repeating: 1, count: 3 << 20))
        var iterator = try await store.get(key).makeAsyncIterator()
        var bytes = try await iterator.next() ?? []
        try await store.put(key, bytes: [UInt8](repeating: 2, count: 100))
        try await store.delete(key)
        while let chunk = try await iterator.next() { bytes += chunk }
        #expect(bytes == [UInt8](repeating: 1, count: 3 << 20))
    }

    @Test("puts and deletes in the same directories don't get into each other's way")
    func racingDirectories() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try store()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for _ in 0..<100 {
                        let key = try ObjectKey("a/b/c/\(worker)")
                        try await store.put(key, bytes: [1])
                        try await store.delete(key)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(files() == [])
    }
}

@Suite("Object storage locations")
struct ObjectStorageLocationTests {
    @Test("a URL opens its store")
    func open() throws {
        #expect(try ObjectStorageLocation.open("file:///tmp/lake").location == "file:///tmp/lake")
        let settings = ObjectStorageSettings(credentials: S3Credentials(accessKey: "a", secretKey: "b"))
        #expect(
            try ObjectStorageLocation.open("s3://bucket/some/prefix/", settings: settings).location == "s3://bucket/some/prefix")
        #expect(try ObjectStorageLocation.open("s3://bucket", settings: settings).location == "s3://bucket")
    }

    @Test(
        "a directory's name may be percent-encoded, and may hold a space as it is",
        arguments: [
            ("file:///tmp/my lake", "file:///tmp/my lake"), ("file:///tmp/my%20lake", "file:///tmp/my lake"),
            ("file:///tmp/100%25", "file:///tmp/100%"), ("file:///tmp/l%C3%A5ke", "file:///tmp/låke"),
        ])
    func spelling(url: String, location: String) throws {
        #expect(try ObjectStorageLocation.open(url).location == location)
    }

    @Test(
        "a wrong location is refused with what is allowed, and never repeats a secret",
        arguments: [
            "", "lake", "/lake", "file://lake", "file:lake", "s3:/x", "s3://", "s3://B", "s3://Bucket/x", "s3://bucket/../x",
            "s3://bucket//x", "file:///tmp/100%", "file:///tmp/%2", "file:///tmp/%zz", "file:///tmp/%C3", "file:///a%00b",
            "gs://bucket", "https://user:secret@host/bucket", "s3://key:secret@bucket/x",
        ])
    func wrong(url: String) {
        let settings = ObjectStorageSettings(credentials: S3Credentials(accessKey: "a", secretKey: "b"))
        do throws(ObjectStorageError) {
            _ = try ObjectStorageLocation.open(url, settings: settings)
            Issue.record("\(url) was opened")
        } catch {
            #expect(error.kind == .misconfigured)
            #expect(!error.message.contains("secret"))
        }
    }

    @Test("a bucket without credentials is refused, and credentials come from the environment's names")
    func credentials() {
        #expect(throws: ObjectStorageError.self) { try ObjectStorageLocation.open("s3://bucket") }
        let environment = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": ""]
        #expect(S3Credentials(environment: environment) == S3Credentials(accessKey: "a", secretKey: "b"))
        #expect(S3Credentials(environment: ["AWS_ACCESS_KEY_ID": "a"]) == nil)
    }
}
