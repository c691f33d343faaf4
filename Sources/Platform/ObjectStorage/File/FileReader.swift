import Glibc
import Synchronization

/// An open file and how far it has been read.
final class FileReader: Sendable {
    private static let chunkBytes = 256 * 1024

    let size: Int
    private let descriptor: CInt
    private let range: Range<Int>
    private let files: FileSystem
    private let key: String
    private let offset: Mutex<Int>

    init(descriptor: CInt, range: Range<Int>, files: FileSystem, key: String) {
        self.descriptor = descriptor
        self.range = range
        self.files = files
        self.key = key
        size = range.count
        offset = Mutex(range.lowerBound)
    }

    deinit { close(descriptor) }

    func next() async throws(ObjectStorageError) -> [UInt8]? {
        if Task.isCancelled {
            throw ObjectStorageError(.cancelled, store: files.store, key: key, message: "the task was cancelled")
        }
        let (start, count) = offset.withLock { offset in
            let count = min(Self.chunkBytes, range.upperBound - offset)
            defer { offset += count }
            return (offset, count)
        }
        guard count > 0 else { return nil }
        return try await blocking { () throws(ObjectStorageError) in
            var bytes: [UInt8] = []
            while bytes.count < count {
                let more = try files.read(descriptor, at: start + bytes.count, upTo: count - bytes.count, key: key)
                guard !more.isEmpty else {
                    throw ObjectStorageError(
                        .corrupt, store: files.store, key: key, message: "the file became shorter while it was read")
                }
                if bytes.isEmpty { bytes = more } else { bytes += more }
            }
            return bytes
        }
    }
}
