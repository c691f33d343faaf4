import Foundation
import Glibc
import Synchronization

/// A store in a directory: each object is a file whose path below the root is its key.
///
/// A put writes `.tmp-<random>` in the root, synchronises it, renames it to its place and synchronises the directory. Invariants:
///   1. A file whose name doesn't begin with `.tmp-` is complete.
///   2. Blocking calls run on `BlockingExecutor`.
///   3. Directories are made when the first object needs them and removed with the last.
public final class FileObjectStore: ObjectStore {
    /// `file://` and the directory.
    public let location: String
    let root: String
    let files: FileSystem

    /// Opens the store in a directory, which must exist; `check` looks.
    ///
    /// - Parameter directory: an absolute path.
    public init(directory: String) throws(ObjectStorageError) {
        location = "file://" + directory
        guard directory.utf8.first == UInt8(ascii: "/"), !directory.utf8.contains(0) else {
            throw ObjectStorageError(.misconfigured, store: location, message: "the directory is not an absolute path")
        }
        var root = directory
        while root.count > 1, root.hasSuffix("/") { root.removeLast() }
        self.root = root
        files = FileSystem(store: location)
    }

    /// Starts a new object.
    public func put(_ key: ObjectKey, options: PutOptions) async throws(ObjectStorageError) -> any ObjectWriter {
        try checkCancellation(key)
        if let long = key.segments.first(where: { $0.utf8.count > 255 }) {
            throw files.error(ENAMETOOLONG, "put \(long.prefix(20))…", key: key.text)
        }
        let temporary = path(temporaryName())
        let descriptor = try await blocking { () throws(ObjectStorageError) in
            do throws(ObjectStorageError) {
                return try files.create(temporary, key: key.text)
            } catch  where error.kind == .noSuchRoot {
                throw self.noSuchRoot
            }
        }
        return FileWriter(store: self, key: key, options: options, file: TemporaryFile(path: temporary, descriptor: descriptor))
    }

    /// Reads an object.
    public func get(_ key: ObjectKey, range: Range<Int>?) async throws(ObjectStorageError) -> ObjectBody {
        try checkCancellation(key)
        let reader = try await blocking { () throws(ObjectStorageError) -> FileReader in
            guard let (descriptor, status) = try files.openForReading(path(key.text), key: key.text) else {
                throw ObjectStorageError(.notFound, store: location, key: key.text, message: "there is no such object")
            }
            let size = Int(status.st_size)
            return FileReader(
                descriptor: descriptor, range: (range ?? 0..<size).clamped(to: 0..<size), files: files, key: key.text)
        }
        return ObjectBody(size: reader.size, store: location, key: key.text) { () throws(ObjectStorageError) in
            try await reader.next()
        }
    }

    /// Returns facts about an object.
    public func head(_ key: ObjectKey) async throws(ObjectStorageError) -> ObjectInfo? {
        try checkCancellation(key)
        return try await blocking { () throws(ObjectStorageError) in
            guard let status = try files.status(path(key.text), key: key.text), FileSystem.isRegular(status) else { return nil }
            return Self.info(key, status)
        }
    }

    /// Lists objects; what is put or deleted meanwhile may or may not show.
    public func list(prefix: String) -> ObjectListing {
        ObjectListing { [self] in
            let walk = SendableBox(Mutex(FileWalk(root: root, prefix: prefix, files: files)))
            return { () throws(ObjectStorageError) in
                if Task.isCancelled {
                    throw ObjectStorageError(.cancelled, store: self.location, message: "the task was cancelled")
                }
                return try await blocking { () throws(ObjectStorageError) in
                    try walk.value.withLock { walk throws(ObjectStorageError) in try walk.nextPage() }
                }
            }
        }
    }

    /// Deletes an object, and directories that it leaves empty.
    public func delete(_ key: ObjectKey) async throws(ObjectStorageError) {
        try checkCancellation(key)
        try await blocking { () throws(ObjectStorageError) in
            guard unlink(path(key.text)) == 0 else {
                // EISDIR and EPERM are what unlink says of a directory: the beginning of other keys is no object.
                if FileSystem.isAbsent(errno) || errno == EISDIR { return }
                throw files.error(errno, "delete the file", key: key.text)
            }
            var segments = key.segments.dropLast()
            while !segments.isEmpty, rmdir(path(segments.joined(separator: "/"))) == 0 { segments = segments.dropLast() }
            let rest = segments.joined(separator: "/")
            do throws(ObjectStorageError) {
                try files.synchronizeDirectory(rest.isEmpty ? root : path(rest))
            } catch  where error.kind == .noSuchRoot {
                // Somebody else deleted the last object below it.
            }
        }
    }

    /// Isn't supported: whoever can read a directory needs no signature.
    public func signedURL(
        _ key: ObjectKey, method: SignedURLMethod, expires: Duration
    ) async throws(ObjectStorageError) -> String {
        throw ObjectStorageError(.unsupported, store: location, key: key.text, message: "a directory has no signed URLs")
    }

    /// Removes temporary files that have not been written to for `age`.
    public func removeAbandoned(olderThan age: Duration) async throws(ObjectStorageError) -> Int {
        try await blocking { () throws(ObjectStorageError) in
            let limit = time(nil) - time_t(age.components.seconds)
            var removed = 0
            for (name, _) in try files.names(in: root) where name.starts(with: ObjectKey.reservedPrefix.utf8) {
                let path = path(String(decoding: name, as: UTF8.self))
                guard let status = try files.status(path, key: nil), FileSystem.isRegular(status), status.st_mtim.tv_sec <= limit
                else { continue }
                if unlink(path) == 0 { removed += 1 }
            }
            return removed
        }
    }

    /// Checks that the directory exists and that a file can be written in it.
    public func check() async throws(ObjectStorageError) {
        try await blocking { () throws(ObjectStorageError) in
            guard let status = try files.status(root, key: nil) else { throw noSuchRoot }
            guard FileSystem.isDirectory(status) else {
                throw ObjectStorageError(.misconfigured, store: location, message: "the root is not a directory")
            }
            let probe = path(temporaryName())
            let descriptor = try files.create(probe, key: nil)
            defer {
                close(descriptor)
                unlink(probe)
            }
            try files.write(descriptor, [0x0a], key: nil)
            try files.synchronize(descriptor, key: nil)
        }
    }

    func path(_ relative: String) -> String { root == "/" ? "/" + relative : root + "/" + relative }

    func checkCancellation(_ key: ObjectKey) throws(ObjectStorageError) {
        if Task.isCancelled {
            throw ObjectStorageError(.cancelled, store: location, key: key.text, message: "the task was cancelled")
        }
    }

    private var noSuchRoot: ObjectStorageError {
        ObjectStorageError(
            .noSuchRoot, store: location, message: "the root directory does not exist: create it, mount it or correct the path")
    }

    private func temporaryName() -> String { ObjectKey.reservedPrefix + String(UInt64.random(in: .min ... .max), radix: 36) }

    static func info(_ key: ObjectKey, _ status: stat) -> ObjectInfo {
        let (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        return ObjectInfo(
            key: key, size: Int(status.st_size),
            etag: "\(String(status.st_ino, radix: 36))-\(status.st_size)-\(seconds).\(nanoseconds)",
            modified: Date(timeIntervalSince1970: Double(seconds) + Double(nanoseconds) / 1e9))
    }
}
