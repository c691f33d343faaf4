import Glibc

/// System calls on files, with errors in this module's words.
struct FileSystem: Sendable {
    /// The store's URL, for errors.
    let store: String

    /// Creates a file that must not exist.
    func create(_ path: String, key: String?) throws(ObjectStorageError) -> CInt {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw error(errno, "create a file", key: key) }
        return descriptor
    }

    /// Opens a regular file for reading; nil: there is none.
    func openForReading(_ path: String, key: String?) throws(ObjectStorageError) -> (descriptor: CInt, status: stat)? {
        // A FIFO in the tree must not hold the thread.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if Self.isAbsent(errno) { return nil }
            throw error(errno, "open the file", key: key)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw error(code, "look at the file", key: key)
        }
        guard Self.isRegular(status) else {
            close(descriptor)
            return nil
        }
        return (descriptor, status)
    }

    /// Writes all bytes.
    func write(_ descriptor: CInt, _ bytes: [UInt8], key: String?) throws(ObjectStorageError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw error(errno, "write", key: key) }
            done += count
        }
    }

    /// Reads up to so many bytes at an offset; empty: the end of the file.
    func read(_ descriptor: CInt, at offset: Int, upTo count: Int, key: String?) throws(ObjectStorageError) -> [UInt8] {
        var code: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var got = pread(descriptor, buffer.baseAddress, count, off_t(offset))
            while got < 0, errno == EINTR { got = pread(descriptor, buffer.baseAddress, count, off_t(offset)) }
            if got < 0 { code = errno }
            filled = max(0, got)
        }
        if code != 0 { throw error(code, "read", key: key) }
        return bytes
    }

    /// Makes what was written to a file survive a power failure.
    func synchronize(_ descriptor: CInt, key: String?) throws(ObjectStorageError) {
        guard fsync(descriptor) == 0 else { throw error(errno, "synchronise the file", key: key) }
    }

    /// Makes the names in a directory survive a power failure.
    func synchronizeDirectory(_ path: String) throws(ObjectStorageError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw error(errno, "open the directory", key: nil) }
        defer { close(descriptor) }
        // Some file systems can't synchronise directories, and need not.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw error(errno, "synchronise the directory", key: nil) }
    }

    /// Creates a directory; true: it didn't exist.
    func createDirectory(_ path: String, key: String?) throws(ObjectStorageError) -> Bool {
        if mkdir(path, 0o755) == 0 { return true }
        guard errno == EEXIST else { throw error(errno, "create a directory", key: key) }
        return false
    }

    /// Looks at a path; nil: nothing is there.
    func status(_ path: String, key: String?) throws(ObjectStorageError) -> stat? {
        var status = stat()
        if stat(path, &status) == 0 { return status }
        if Self.isAbsent(errno) { return nil }
        throw error(errno, "look at the file", key: key)
    }

    /// The names in a directory; empty: there is none.
    func names(in path: String) throws(ObjectStorageError) -> [(name: [UInt8], type: UInt8)] {
        guard let directory = opendir(path) else {
            if Self.isAbsent(errno) { return [] }
            throw error(errno, "list the directory", key: nil)
        }
        defer { closedir(directory) }
        var names: [(name: [UInt8], type: UInt8)] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [0x2e], name != [0x2e, 0x2e] { names.append((name, entry.pointee.d_type)) }
        }
        if errno != 0 { throw error(errno, "list the directory", key: nil) }
        return names
    }

    /// Gives a finished file its name; false: the name is taken and must not be overwritten.
    func rename(_ from: String, to target: String, ifAbsent: Bool, key: String?) throws(ObjectStorageError) -> Bool {
        guard ifAbsent else {
            guard Glibc.rename(from, target) == 0 else { throw error(errno, "name the file", key: key) }
            return true
        }
        // A second name fails when it is taken, which a renaming doesn't.
        guard link(from, target) == 0 else {
            if errno == EEXIST { return false }
            throw error(errno, "name the file without overwriting", key: key)
        }
        unlink(from)
        return true
    }

    /// Puts `errno` into words.
    func error(_ code: CInt, _ action: String, key: String?) -> ObjectStorageError {
        let reason = String(cString: strerror(code))
        let (kind, advice): (ObjectStorageError.Kind, String) =
            switch code {
            case ENOSPC, EDQUOT, EFBIG: (.noSpace, "free some space, or raise the quota")
            case EACCES, EPERM, EROFS: (.accessDenied, "give the program's user the right to write here")
            case ENOTDIR, EISDIR, EEXIST:
                (.invalidKey, "a key can't be both an object and the beginning of others in a directory")
            case ENAMETOOLONG: (.invalidKey, "a segment of a key has at most 255 bytes in a directory")
            case ENOTSUP, EMLINK: (.unsupported, "the file system must allow a second name for a file")
            case EILSEQ, EINVAL: (.invalidKey, "the file system doesn't take this name")
            case EMFILE, ENFILE: (.unavailable, "raise the limit of open files")
            case ENOENT: (.noSuchRoot, "a directory is gone; is the root mounted?")
            default: (.unavailable, "look at the disk and the system's log")
            }
        return ObjectStorageError(kind, store: store, key: key, message: "could not \(action): \(reason); \(advice)")
    }

    static func isAbsent(_ code: CInt) -> Bool { code == ENOENT || code == ENOTDIR || code == ENAMETOOLONG }

    static func isRegular(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFREG }

    static func isDirectory(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFDIR }
}
