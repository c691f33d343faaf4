import ObjectStorage
import Synchronization

/// A store in memory that notes how it is written to.
final class WatchedStore: ObjectStore {
    private struct Notes {
        var writers = 0
        var mostWriters = 0
        var writes: [Int] = []
    }

    private let store = MemoryObjectStore()
    private let notes = Mutex(Notes())

    var mostWriters: Int { notes.withLock { $0.mostWriters } }
    var largestWrite: Int { notes.withLock { $0.writes.max() ?? 0 } }
    var medianWrite: Int { notes.withLock { $0.writes.sorted()[$0.writes.count / 2] } }

    var location: String { store.location }

    func put(_ key: ObjectKey, options: PutOptions) async throws(ObjectStorageError) -> any ObjectWriter {
        let writer = try await store.put(key, options: options)
        notes.withLock { notes in
            notes.writers += 1
            notes.mostWriters = max(notes.mostWriters, notes.writers)
        }
        return Writer(writer: writer, store: self)
    }

    fileprivate func wrote(_ bytes: Int) { notes.withLock { $0.writes.append(bytes) } }
    fileprivate func ended() { notes.withLock { $0.writers -= 1 } }

    func get(_ key: ObjectKey, range: Range<Int>?) async throws(ObjectStorageError) -> ObjectBody {
        try await store.get(key, range: range)
    }
    func head(_ key: ObjectKey) async throws(ObjectStorageError) -> ObjectInfo? { try await store.head(key) }
    func list(prefix: String) -> ObjectListing { store.list(prefix: prefix) }
    func delete(_ key: ObjectKey) async throws(ObjectStorageError) { try await store.delete(key) }
    func check() async throws(ObjectStorageError) {}

    func signedURL(_ key: ObjectKey, method: SignedURLMethod, expires: Duration) async throws(ObjectStorageError) -> String {
        try await store.signedURL(key, method: method, expires: expires)
    }

    func removeAbandoned(olderThan age: Duration) async throws(ObjectStorageError) -> Int {
        try await store.removeAbandoned(olderThan: age)
    }

    private struct Writer: ObjectWriter {
        let writer: any ObjectWriter
        let store: WatchedStore

        func write(_ bytes: [UInt8]) async throws(ObjectStorageError) {
            store.wrote(bytes.count)
            try await writer.write(bytes)
        }

        func finish() async throws(ObjectStorageError) -> PutResult {
            store.ended()
            return try await writer.finish()
        }

        func abandon() async {
            store.ended()
            await writer.abandon()
        }
    }
}
