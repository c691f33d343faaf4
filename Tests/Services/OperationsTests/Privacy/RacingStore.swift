import ObjectStorage
import Synchronization

/// A store in which somebody else writes an object just after the second one of ours below `_switchboard/gdpr/pending/`.
final class RacingStore: ObjectStore {
    private let store: any ObjectStore
    private let key: ObjectKey
    private let bytes: [UInt8]
    private let announcements = Mutex(0)

    init(_ store: any ObjectStore, key: ObjectKey, bytes: [UInt8]) {
        self.store = store
        self.key = key
        self.bytes = bytes
    }

    var location: String { store.location }

    func put(_ key: ObjectKey, options: PutOptions) async throws(ObjectStorageError) -> any ObjectWriter {
        let isSecond = announcements.withLock { count in
            if key.text.contains("/pending/") { count += 1 }
            return key.text.contains("/pending/") && count == 2
        }
        if isSecond { try await store.put(self.key, bytes: bytes) }
        return try await store.put(key, options: options)
    }

    func get(_ key: ObjectKey, range: Range<Int>?) async throws(ObjectStorageError) -> ObjectBody {
        try await store.get(key, range: range)
    }

    func head(_ key: ObjectKey) async throws(ObjectStorageError) -> ObjectInfo? { try await store.head(key) }
    func list(prefix: String) -> ObjectListing { store.list(prefix: prefix) }
    func delete(_ key: ObjectKey) async throws(ObjectStorageError) { try await store.delete(key) }
    func check() async throws(ObjectStorageError) { try await store.check() }

    func signedURL(
        _ key: ObjectKey, method: SignedURLMethod, expires: Duration
    ) async throws(ObjectStorageError) -> String { try await store.signedURL(key, method: method, expires: expires) }

    func removeAbandoned(olderThan age: Duration) async throws(ObjectStorageError) -> Int {
        try await store.removeAbandoned(olderThan: age)
    }
}
