import Synchronization

/// A response body that is in memory already.
final class ChunkSource: ResponseBodySource {
    private let left: Mutex<[UInt8]?>
    let host = "stand-in"

    init(_ bytes: [UInt8]) { left = Mutex(bytes.isEmpty ? nil : bytes) }

    func next() async throws(TransferError) -> [UInt8]? {
        left.withLock { left in
            defer { left = nil }
            return left
        }
    }

    func abandon() { left.withLock { $0 = nil } }
}
