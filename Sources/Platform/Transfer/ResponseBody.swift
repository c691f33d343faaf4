/// The body of a response: chunks of bytes in order, read once.
///
/// The transfer is paused while nobody reads and goes on when somebody does. Leaving the loop, dropping the body or cancelling the
/// task ends it. Iteration throws `TransferError`; it ends without an error only when the body is complete.
public struct ResponseBody: AsyncSequence, Sendable {
    /// A chunk of at least one byte.
    public typealias Element = [UInt8]
    /// The error that iteration throws.
    public typealias Failure = TransferError

    private let source: any ResponseBodySource

    init(_ source: any ResponseBodySource) { self.source = source }

    /// Makes a body from bytes in memory, for implementations of `HTTPTransport`.
    public init(bytes: [UInt8]) { source = ChunkSource(bytes) }

    /// Makes a body from a closure that returns the next chunk or nil at the end, for implementations of `HTTPTransport`.
    public init(_ next: @escaping @Sendable () async throws(TransferError) -> [UInt8]?) {
        source = ClosureSource(nextChunk: next)
    }

    /// Reads the body; a second iterator continues where the first stopped.
    public func makeAsyncIterator() -> Iterator { Iterator(source: source) }

    /// Reads the rest of the body into memory.
    ///
    /// - Parameter maximumBytes: the size in bytes past which the transfer is given up.
    /// - Throws: `TransferError`, of kind `.bodyTooLarge` when the body is larger than allowed.
    public func collect(upTo maximumBytes: Int) async throws(TransferError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = try await source.next() {
            guard bytes.count + chunk.count <= maximumBytes else {
                source.abandon()
                throw TransferError(
                    .bodyTooLarge, host: source.host, message: "the response body is larger than \(maximumBytes) bytes")
            }
            if bytes.isEmpty { bytes = chunk } else { bytes.append(contentsOf: chunk) }
        }
        return bytes
    }

    /// An iterator over the chunks.
    public struct Iterator: AsyncIteratorProtocol {
        let source: any ResponseBodySource

        /// Returns the next chunk, or nil after the last.
        ///
        /// - Throws: `TransferError` when the body breaks off, exceeds a limit, or the task is cancelled.
        public mutating func next() async throws(TransferError) -> [UInt8]? { try await source.next() }

        /// Returns the next chunk, or nil after the last.
        ///
        /// - Throws: `TransferError` when the body breaks off, exceeds a limit, or the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(TransferError) -> [UInt8]? {
            try await source.next()
        }
    }
}

/// Where the chunks of a `ResponseBody` come from; when the last reference goes, so does the transfer.
protocol ResponseBodySource: AnyObject, Sendable {
    var host: String { get }
    func next() async throws(TransferError) -> [UInt8]?
    func abandon()
}

/// The reader's hold on an exchange: the loop has its own, so the end of reading shows only here.
final class ExchangeReader: ResponseBodySource {
    private let exchange: Exchange
    var host: String { exchange.host }

    init(_ exchange: Exchange) { self.exchange = exchange }

    deinit { exchange.cancel() }

    func next() async throws(TransferError) -> [UInt8]? { try await exchange.nextChunk() }

    func abandon() { exchange.cancel() }
}

private final class ClosureSource: ResponseBodySource {
    let nextChunk: @Sendable () async throws(TransferError) -> [UInt8]?
    let host = "stand-in"

    init(nextChunk: @escaping @Sendable () async throws(TransferError) -> [UInt8]?) { self.nextChunk = nextChunk }

    func next() async throws(TransferError) -> [UInt8]? { try await nextChunk() }

    func abandon() {}
}
