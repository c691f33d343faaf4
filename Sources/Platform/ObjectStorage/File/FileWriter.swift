import Glibc
import Synchronization

/// A file under a temporary name; the name goes with the last reference unless `keep` was called.
final class TemporaryFile: Sendable {
    let path: String
    let descriptor: CInt
    private let isKept = Mutex(false)

    init(path: String, descriptor: CInt) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
        // Unlinking is short, and there is nobody to report to: what can't be removed is found by `removeAbandoned`.
        if !isKept.withLock({ $0 }) { unlink(path) }
    }

    func keep() { isKept.withLock { $0 = true } }
}

/// A put into a directory.
///
/// Small writes are gathered, so that not each of them is a trip to the threads for blocking work.
final class FileWriter: ObjectWriter {
    private struct State {
        /// Nil while one call works on the file, and after the put is over.
        var file: TemporaryFile?
        var isOver = false
        var gathered: [UInt8] = []
        var hash = ContentHash()
        var bytes = 0
    }

    /// The number of bytes that are gathered before they are written.
    private static let gatheredBytes = 256 * 1024

    private let store: FileObjectStore
    private let key: ObjectKey
    private let options: PutOptions
    private let state: Mutex<State>

    init(store: FileObjectStore, key: ObjectKey, options: PutOptions, file: TemporaryFile) {
        self.store = store
        self.key = key
        self.options = options
        state = Mutex(State(file: file))
    }

    func write(_ bytes: [UInt8]) async throws(ObjectStorageError) {
        try checkCancellation()
        let (isOpen, isFull) = state.withLock { state in
            guard state.file != nil else { return (false, false) }
            state.gathered.append(contentsOf: bytes)
            return (true, state.gathered.count >= Self.gatheredBytes)
        }
        guard isOpen else { throw misuse }
        if isFull { try await withFile { (file) throws(ObjectStorageError) in try self.drain(into: file) } }
    }

    func finish() async throws(ObjectStorageError) -> PutResult {
        try checkCancellation()
        let result = try await withFile { (file) throws(ObjectStorageError) -> PutResult in
            try self.drain(into: file)
            if self.options.outlivesMachine { try self.store.files.synchronize(file.descriptor, key: self.key.text) }
            try self.name(file)
            file.keep()
            return self.state.withLock { PutResult(bytes: $0.bytes, sha256: $0.hash.finalize()) }
        }
        end()
        return result
    }

    func abandon() async { end() }

    // MARK: on the threads for blocking work

    private func drain(into file: TemporaryFile) throws(ObjectStorageError) {
        let bytes = state.withLock { state in
            let bytes = state.gathered
            state.gathered = []
            state.hash.update(bytes)
            state.bytes += bytes.count
            return bytes
        }
        try store.files.write(file.descriptor, bytes, key: key.text)
    }

    /// Gives the file its name and makes that durable.
    private func name(_ file: TemporaryFile) throws(ObjectStorageError) {
        let target = store.path(key.text)
        // A delete of the last other object may remove a directory between its making and the renaming.
        for attempt in 1...10 {
            try makeDirectories()
            do throws(ObjectStorageError) {
                guard try store.files.rename(file.path, to: target, ifAbsent: options.ifAbsent, key: key.text) else {
                    throw ObjectStorageError(
                        .alreadyExists, store: store.location, key: key.text, message: "the object exists already")
                }
                break
            } catch  where error.kind == .noSuchRoot && attempt < 10 {
                continue
            }
        }
        guard options.outlivesMachine else { return }
        let directory = key.segments.dropLast().joined(separator: "/")
        try store.files.synchronizeDirectory(directory.isEmpty ? store.root : store.path(directory))
    }

    private func makeDirectories() throws(ObjectStorageError) {
        var parent = store.root
        var path = ""
        for segment in key.segments.dropLast() {
            path += (path.isEmpty ? "" : "/") + segment
            do throws(ObjectStorageError) {
                if try store.files.createDirectory(store.path(path), key: key.text) {
                    try store.files.synchronizeDirectory(parent)
                }
            } catch  where error.kind == .noSuchRoot && parent != store.root {
                // The same race with a delete: `name` tries again.
                return
            }
            parent = store.path(path)
        }
    }

    // MARK: one call at a time

    /// Takes the file, works with it on a thread for blocking work, and puts it back; after an error the put is over.
    private func withFile<Value: Sendable>(
        _ work: @Sendable (TemporaryFile) throws(ObjectStorageError) -> Value
    ) async throws(ObjectStorageError) -> Value {
        let taken = state.withLock { state in
            defer { state.file = nil }
            return state.file
        }
        guard let file = taken else { throw misuse }
        do throws(ObjectStorageError) {
            let value = try await blocking { () throws(ObjectStorageError) in try work(file) }
            state.withLock { state in
                if !state.isOver { state.file = file }
            }
            return value
        } catch {
            end()
            throw error
        }
    }

    private func end() {
        // The file goes outside of the lock, with this reference.
        let file = state.withLock { state in
            state.isOver = true
            state.gathered = []
            defer { state.file = nil }
            return state.file
        }
        _ = file
    }

    private func checkCancellation() throws(ObjectStorageError) {
        do throws(ObjectStorageError) {
            try store.checkCancellation(key)
        } catch {
            end()
            throw error
        }
    }

    private var misuse: ObjectStorageError {
        ObjectStorageError(
            .misuse, store: store.location, key: key.text, message: "the put is over already, or used by two tasks at once")
    }
}
