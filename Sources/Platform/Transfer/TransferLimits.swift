/// How long a transfer may take and how much it may bring.
public struct TransferLimits: Sendable, Equatable {
    /// The time for name resolution, TCP and TLS together.
    public var connect: Duration
    /// The time from `send` to the last byte of the response, waiting for a free connection and for a slow reader included;
    /// nil: unlimited.
    public var total: Duration?
    /// The time without a byte in either direction while this side is ready to read and write; nil: unlimited.
    ///
    /// It starts when the connection stands, so it also bounds the wait for a server's first byte. Time in which the transfer
    /// waits for the reader of the response or the producer of the request body doesn't count.
    public var stall: Duration?
    /// The largest response body in bytes, after decoding; nil: unlimited.
    public var maximumResponseBytes: Int?

    /// Makes limits: 10 s to connect, no total, 60 s of stall, any size, unless said otherwise.
    public init(
        connect: Duration = .seconds(10), total: Duration? = nil, stall: Duration? = .seconds(60),
        maximumResponseBytes: Int? = nil
    ) {
        self.connect = connect
        self.total = total
        self.stall = stall
        self.maximumResponseBytes = maximumResponseBytes
    }

    /// The limits of a request that says nothing else.
    public static let standard = TransferLimits()
}
