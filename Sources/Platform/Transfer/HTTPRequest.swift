/// A request: method, URL, headers, body and limits.
public struct HTTPRequest: Sendable, CustomStringConvertible {
    /// The method.
    public var method: HTTPMethod
    /// The absolute `http` or `https` URL, already percent-encoded; it is sent as it stands, dot segments included.
    ///
    /// User information (`user:password@`) is refused: it belongs in a header.
    public var url: String
    /// The headers; `Host`, `Content-Length` and `Transfer-Encoding` are added as needed.
    public var headers: HTTPHeaders
    /// The body; nil: none.
    public var body: RequestBody?
    /// Limits of time and size.
    public var limits: TransferLimits
    /// Whether the server may compress the response; the body is decoded then and isn't the bytes that were on the wire.
    public var acceptsCompression: Bool

    /// Makes a request.
    public init(
        _ method: HTTPMethod = .get, _ url: String, headers: HTTPHeaders = [:], body: RequestBody? = nil,
        limits: TransferLimits = .standard, acceptsCompression: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.limits = limits
        self.acceptsCompression = acceptsCompression
    }

    /// Method and host: the rest of the URL may hold a signature.
    public var description: String { "\(method) \(RequestTarget.host(of: url))" }
}
