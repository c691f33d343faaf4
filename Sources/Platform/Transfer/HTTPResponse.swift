/// A response whose headers are in and whose body is on its way.
public struct HTTPResponse: Sendable {
    /// The status code, 200 to 999.
    public let status: Int
    /// The headers of the final response; those of interim (1xx) responses are dropped.
    public let headers: HTTPHeaders
    /// The protocol that was spoken.
    public let version: HTTPVersion
    /// The body; dropping it unread ends the transfer.
    public let body: ResponseBody

    /// Makes a response, for implementations of `HTTPTransport`.
    public init(status: Int, headers: HTTPHeaders = [:], version: HTTPVersion = .http1, body: ResponseBody) {
        self.status = status
        self.headers = headers
        self.version = version
        self.body = body
    }

    /// Whether the status is 2xx.
    public var isSuccess: Bool { (200..<300).contains(status) }
}

/// The generation of HTTP that a response came over.
public enum HTTPVersion: Sendable, Equatable {
    /// HTTP/1.0 or HTTP/1.1.
    case http1
    /// HTTP/2.
    case http2
}
