/// A transfer that didn't get a complete response.
///
/// A response with an error status isn't an error here: it is an `HTTPResponse`.
public struct TransferError: Error, Sendable, CustomStringConvertible {
    /// What failed.
    public enum Kind: Sendable, Equatable {
        /// The request can't be sent as it stands: URL, header, method or configured file.
        case unusable
        /// The host name, or the proxy's, has no address.
        case couldNotResolve
        /// No TCP connection came about.
        case couldNotConnect
        /// The proxy answered CONNECT with this status.
        case proxyRefused(status: Int)
        /// TLS failed: certificate, host name, protocol version or the client's own certificate.
        case tls
        /// A limit of time passed.
        case timedOut(TimeLimit)
        /// No byte moved for `TransferLimits.stall`.
        case stalled
        /// The connection ended, or broke its framing, before the response was complete.
        case connectionLost
        /// The response headers were larger than configured.
        case headersTooLarge
        /// The body was larger than the caller allows.
        case bodyTooLarge
        /// The response can't be understood: not HTTP, an unknown content coding, too many redirects.
        case badResponse
        /// The producer of the request body threw, or produced another number of bytes than announced.
        case requestBodyFailed
        /// The task was cancelled or the body abandoned.
        case cancelled
        /// The client has been shut down.
        case clientShutDown
        /// Anything else that libcurl reported; see `curlCode`.
        case other
    }

    /// Which limit of time passed.
    public enum TimeLimit: Sendable, Equatable {
        /// `TransferLimits.connect`.
        case connect
        /// `TransferLimits.total`.
        case total
    }

    /// What failed.
    public let kind: Kind
    /// Host and port of the server, never the rest of the URL.
    public let host: String
    /// libcurl's number of the error, where it was libcurl that reported it.
    public let curlCode: Int?
    /// What happened, and what to do about it where that is known.
    public let message: String
    /// The error that the request body's producer threw.
    public let underlying: (any Error)?

    /// Makes an error, for implementations of `HTTPTransport`.
    public init(_ kind: Kind, host: String, message: String, curlCode: Int? = nil, underlying: (any Error)? = nil) {
        self.kind = kind
        self.host = host
        self.message = message
        self.curlCode = curlCode
        self.underlying = underlying
    }

    /// Whether the same request may succeed when it is sent again.
    ///
    /// It says nothing about whether sending it again is harmless: for that see `HTTPMethod.isIdempotent`.
    public var isRetriable: Bool {
        switch kind {
        case .couldNotResolve, .couldNotConnect, .timedOut, .stalled, .connectionLost: true
        case .proxyRefused(let status): status == 429 || status >= 500
        // The peer hung up during the handshake (35); a refused certificate stays refused.
        case .tls: curlCode == 35
        case .unusable, .headersTooLarge, .bodyTooLarge, .badResponse, .requestBodyFailed, .cancelled, .clientShutDown, .other:
            false
        }
    }

    /// One line: host and message.
    public var description: String { "\(host): \(message)" }
}
