import ObjectStorage
import Synchronization
import TestSupport

/// A store in memory whose puts can be held, failed and counted.
final class FaultyStore: ObjectStore {
    private struct State {
        var puts = 0
        var deletes = 0
        var isHeld = false
        var isDown = false
        var held: [CheckedContinuation<Void, Never>] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    let inner = MemoryObjectStore()
    private let state = Mutex(State())

    var location: String { inner.location }
    var puts: Int { state.withLock { $0.puts } }
    var deletes: Int { state.withLock { $0.deletes } }
    var isDown: Bool {
        get { state.withLock { $0.isDown } }
        set { state.withLock { $0.isDown = newValue } }
    }

    /// Lets no put finish until `release`.
    func hold() { state.withLock { $0.isHeld = true } }

    func release() {
        let held = state.withLock { state in
            state.isHeld = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Waits until so many puts have begun.
    func waitForPuts(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.puts < count { state.watchers.append((count, continuation)) }
                return state.puts >= count
            }
            if isReached { continuation.resume() }
        }
    }

    private func enter() async throws(ObjectStorageError) {
        let due = state.withLock { state in
            state.puts += 1
            let due = state.watchers.filter { $0.count <= state.puts }
            state.watchers.removeAll { $0.count <= state.puts }
            return due
        }
        for (_, continuation) in due { continuation.resume() }
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                if state.isHeld { state.held.append(continuation) }
                return state.isHeld
            }
            if !isHeld { continuation.resume() }
        }
        if isDown { throw ObjectStorageError(.unavailable, store: location, message: "down") }
    }

    func put(_ key: ObjectKey, options: PutOptions) async throws(ObjectStorageError) -> any ObjectWriter {
        try await enter()
        return try await inner.put(key, options: options)
    }

    func get(_ key: ObjectKey, range: Range<Int>?) async throws(ObjectStorageError) -> ObjectBody {
        if isDown { throw ObjectStorageError(.unavailable, store: location, message: "down") }
        return try await inner.get(key, range: range)
    }

    func head(_ key: ObjectKey) async throws(ObjectStorageError) -> ObjectInfo? { try await inner.head(key) }
    func list(prefix: String) -> ObjectListing { inner.list(prefix: prefix) }

    func delete(_ key: ObjectKey) async throws(ObjectStorageError) {
        state.withLock { $0.deletes += 1 }
        try await inner.delete(key)
    }

    func signedURL(_ key: ObjectKey, method: SignedURLMethod, expires: Duration) async throws(ObjectStorageError) -> String {
        try await inner.signedURL(key, method: method, expires: expires)
    }

    func removeAbandoned(olderThan age: Duration) async throws(ObjectStorageError) -> Int { 0 }
    func check() async throws(ObjectStorageError) {}
}
