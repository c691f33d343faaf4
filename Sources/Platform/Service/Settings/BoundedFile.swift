import SystemPackage

/// Reads small files whole.
enum BoundedFile {
    /// Returns the bytes of a file, at most one more than the limit, so that the caller can tell "too large".
    static func read(_ path: String, maximumBytes: Int) throws(Errno) -> [UInt8] {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly)
            return try file.closeAfter {
                var bytes: [UInt8] = []
                while bytes.count <= maximumBytes {
                    let wanted = min(64 * 1024, maximumBytes + 1 - bytes.count)
                    let chunk = try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                    }
                    if chunk.isEmpty { break }
                    bytes += chunk
                }
                return bytes
            }
        } catch let error as Errno {
            throw error
        } catch {
            throw Errno.ioError
        }
    }
}
