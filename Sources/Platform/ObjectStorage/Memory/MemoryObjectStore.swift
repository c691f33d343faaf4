import Foundation
import Synchronization

/// A store in memory, for tests and for trying things out; it keeps the promises of the others.
public final class MemoryObjectStore: ObjectStore {
    /// What is about to be done to a key.
    public enum Operation: Sendable, Equatable {
        /// A put starts.
        case put
        /// Bytes are written.
        case write
        /// A put finishes.
        case finish
        /// An object is read.
        case get
        /// Facts are asked for.
        case head
        /// An object is deleted.
        case delete
    }

    fileprivate struct Entry: Sendable {
        let bytes: [UInt8]
        let info: ObjectInfo
    }

    /// `memory:`.
    public let location = "memory:"
    private let entries = Mutex<[ObjectKey: Entry]>([:])
    private let open = Mutex(0)
    fileprivate let fault: @Sendable (Operation, ObjectKey) -> ObjectStorageError?

    /// Makes an empty store.
    ///
    /// - Parameter fault: asked before each operation; what it returns is thrown.
    public init(fault: @escaping @Sendable (Operation, ObjectKey) -> ObjectStorageError? = { _, _ in nil }) {
        self.fault = fault
    }

    /// The number of puts that are neither finished nor abandoned.
    public var openPuts: Int { open.withLock { $0 } }

    /// Starts a new object.
    public func put(_ key: ObjectKey, options: PutOptions) async throws(ObjectStorageError) -> any ObjectWriter {
        try enter(.put, key)
        open.withLock { $0 += 1 }
        return MemoryWriter(store: self, key: key, options: options)
    }

    /// Reads an object.
    public func get(_ key: ObjectKey, range: Range<Int>?) async throws(ObjectStorageError) -> ObjectBody {
        try enter(.get, key)
        guard let entry = entries.withLock({ $0[key] }) else {
            throw ObjectStorageError(.notFound, store: location, key: key.text, message: "there is no such object")
        }
        let range = (range ?? 0..<entry.bytes.count).clamped(to: 0..<entry.bytes.count)
        let rest = Mutex(entry.bytes[range])
        let chunks = SendableBox(rest)
        return ObjectBody(size: range.count, store: location, key: key.text) { [location] () throws(ObjectStorageError) in
            if Task.isCancelled { throw ObjectStorageError(.cancelled, store: location, message: "the task was cancelled") }
            return chunks.value.withLock { rest in
                guard !rest.isEmpty else { return nil }
                defer { rest = rest.dropFirst(65_536) }
                return Array(rest.prefix(65_536))
            }
        }
    }

    /// Returns facts about an object.
    public func head(_ key: ObjectKey) async throws(ObjectStorageError) -> ObjectInfo? {
        try enter(.head, key)
        return entries.withLock { $0[key]?.info }
    }

    /// Lists objects as they are when the listing starts.
    public func list(prefix: String) -> ObjectListing {
        ObjectListing { [self] in
            let found = entries.withLock { entries in
                entries.values.map(\.info).filter { $0.key.text.utf8.starts(with: prefix.utf8) }.sorted { $0.key < $1.key }
            }
            let pages = SendableBox(Mutex(found[...]))
            return { () throws(ObjectStorageError) in
                pages.value.withLock { rest in
                    guard !rest.isEmpty else { return nil }
                    defer { rest = rest.dropFirst(1000) }
                    return Array(rest.prefix(1000))
                }
            }
        }
    }

    /// Deletes an object.
    public func delete(_ key: ObjectKey) async throws(ObjectStorageError) {
        try enter(.delete, key)
        entries.withLock { $0[key] = nil }
    }

    /// Isn't supported.
    public func signedURL(
        _ key: ObjectKey, method: SignedURLMethod, expires: Duration
    ) async throws(ObjectStorageError) -> String {
        throw ObjectStorageError(.unsupported, store: location, key: key.text, message: "memory has no signed URLs")
    }

    /// Finds nothing: memory keeps nothing of killed puts.
    public func removeAbandoned(olderThan age: Duration) async throws(ObjectStorageError) -> Int { 0 }

    /// Succeeds.
    public func check() async throws(ObjectStorageError) {}

    fileprivate func enter(_ operation: Operation, _ key: ObjectKey) throws(ObjectStorageError) {
        if Task.isCancelled {
            throw ObjectStorageError(.cancelled, store: location, key: key.text, message: "the task was cancelled")
        }
        if let error = fault(operation, key) { throw error }
    }

    fileprivate func close() { open.withLock { $0 -= 1 } }

    /// Stores a finished object; false: there is one already.
    fileprivate func store(_ entry: Entry, ifAbsent: Bool) -> Bool {
        entries.withLock { entries in
            if ifAbsent, entries[entry.info.key] != nil { return false }
            entries[entry.info.key] = entry
            return true
        }
    }
}

/// A put into memory.
private final class MemoryWriter: ObjectWriter {
    private let store: MemoryObjectStore
    private let key: ObjectKey
    private let options: PutOptions
    private let bytes = Mutex<[UInt8]?>([])

    init(store: MemoryObjectStore, key: ObjectKey, options: PutOptions) {
        self.store = store
        self.key = key
        self.options = options
    }

    deinit { giveUp() }

    func write(_ bytes: [UInt8]) async throws(ObjectStorageError) {
        try enter(.write)
        let isOpen = self.bytes.withLock { written in
            written?.append(contentsOf: bytes)
            return written != nil
        }
        if !isOpen { throw misuse }
    }

    func finish() async throws(ObjectStorageError) -> PutResult {
        try enter(.finish)
        guard let bytes = take() else { throw misuse }
        let hash = ContentHash.of(bytes)
        let info = ObjectInfo(key: key, size: bytes.count, etag: hash, modified: Date(), sha256: hash)
        guard store.store(MemoryObjectStore.Entry(bytes: bytes, info: info), ifAbsent: options.ifAbsent) else {
            throw ObjectStorageError(.alreadyExists, store: store.location, key: key.text, message: "the object exists already")
        }
        return PutResult(bytes: bytes.count, sha256: hash)
    }

    func abandon() async { giveUp() }

    private var misuse: ObjectStorageError {
        ObjectStorageError(.misuse, store: store.location, key: key.text, message: "the put is over already")
    }

    private func enter(_ operation: MemoryObjectStore.Operation) throws(ObjectStorageError) {
        do throws(ObjectStorageError) {
            try store.enter(operation, key)
        } catch {
            giveUp()
            throw error
        }
    }

    private func giveUp() { _ = take() }

    private func take() -> [UInt8]? {
        let taken = bytes.withLock { bytes in
            defer { bytes = nil }
            return bytes
        }
        if taken != nil { store.close() }
        return taken
    }
}
