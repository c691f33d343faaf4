/// The bytes of an object as a stream of chunks, read once.
///
/// Bytes are fetched while they are read. Iteration throws `ObjectStorageError` and ends without an error only after the last byte.
public struct ObjectBody: AsyncSequence, Sendable {
    /// A chunk of at least one byte.
    public typealias Element = [UInt8]
    /// The error that iteration throws.
    public typealias Failure = ObjectStorageError

    /// The number of bytes that the body has.
    public let size: Int
    private let store: String
    private let key: String
    private let nextChunk: @Sendable () async throws(ObjectStorageError) -> [UInt8]?

    init(
        size: Int, store: String, key: String, _ nextChunk: @escaping @Sendable () async throws(ObjectStorageError) -> [UInt8]?
    ) {
        self.size = size
        self.store = store
        self.key = key
        self.nextChunk = nextChunk
    }

    /// Reads the body; a second iterator continues where the first stopped.
    public func makeAsyncIterator() -> Iterator { Iterator(nextChunk: nextChunk) }

    /// Reads the rest of the body into memory.
    ///
    /// - Throws: `ObjectStorageError`, of kind `.tooLarge` when there are more than `maximumBytes` bytes.
    public func collect(upTo maximumBytes: Int) async throws(ObjectStorageError) -> [UInt8] {
        let tooLarge = ObjectStorageError(
            .tooLarge, store: store, key: key, message: "the object is larger than \(maximumBytes) bytes")
        guard size <= maximumBytes else { throw tooLarge }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        while let chunk = try await nextChunk() {
            bytes.append(contentsOf: chunk)
            if bytes.count > maximumBytes { throw tooLarge }
        }
        return bytes
    }

    /// An iterator over the chunks.
    public struct Iterator: AsyncIteratorProtocol {
        let nextChunk: @Sendable () async throws(ObjectStorageError) -> [UInt8]?

        /// Returns the next chunk, or nil after the last.
        ///
        /// - Throws: `ObjectStorageError`.
        public mutating func next() async throws(ObjectStorageError) -> [UInt8]? { try await nextChunk() }

        /// Returns the next chunk, or nil after the last.
        ///
        /// - Throws: `ObjectStorageError`.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(ObjectStorageError) -> [UInt8]? {
            try await nextChunk()
        }
    }
}
