/// The body of a request.
public enum RequestBody: Sendable {
    /// Bytes in memory.
    case bytes([UInt8])
    /// Bytes that are produced while they are sent, `length` of them, or sent with chunked encoding when the length is nil.
    ///
    /// The closure starts the body from its first byte. It is called once for each time that the request is put on the wire: a
    /// second time when a kept-alive connection turned out to be closed.
    case stream(length: Int?, @Sendable () async throws -> BodyProducer)

    /// UTF-8 text.
    public static func text(_ text: String) -> RequestBody { .bytes(Array(text.utf8)) }
}

/// One run through a streamed request body.
public struct BodyProducer: Sendable {
    let next: @Sendable () async throws -> [UInt8]?

    /// Takes a closure that returns the next chunk, or nil after the last; it is called by one task, one call at a time, and only
    /// when the chunk before is on its way.
    public init(_ next: @escaping @Sendable () async throws -> [UInt8]?) {
        self.next = next
    }
}
