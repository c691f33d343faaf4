/// A request after its checks, in the form that libcurl takes.
struct RequestPlan: Sendable {
    let url: String
    let host: String
    let method: String
    /// Lines for `CURLOPT_HTTPHEADER`.
    let headerLines: [String]
    /// Whether libcurl asks for a body, and of which length; a length of nil is chunked encoding.
    let upload: Upload
    let limits: TransferLimits
    let acceptsCompression: Bool
    /// Asks for a connection of its own instead of a kept-alive one.
    var needsFreshConnection = false

    enum Upload: Sendable, Equatable {
        case none
        case known(Int)
        case unknown
    }

    init(_ request: HTTPRequest, userAgent: String) throws(TransferError) {
        let host = RequestTarget.host(of: request.url)
        func unusable(_ message: String) -> TransferError { TransferError(.unusable, host: host, message: message) }

        if let problem = RequestTarget.problem(in: request.url) { throw unusable(problem) }
        method = request.method.rawValue
        guard Self.isToken(method) else { throw unusable("the method is not an HTTP token") }
        if method == "HEAD", request.body != nil { throw unusable("a HEAD request has no body") }

        var lines: [String] = []
        for field in request.headers.fields {
            guard Self.isToken(field.name) else { throw unusable("a header name is not an HTTP token") }
            guard field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                throw unusable("the value of header \(field.name) holds a control character")
            }
            if ["content-length", "transfer-encoding"].contains(field.name.lowercased()) {
                throw unusable("header \(field.name) follows from the body: leave it out")
            }
            // libcurl reads `Name:` as "don't send Name"; `Name;` is its way to send an empty value.
            lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        if request.headers["User-Agent"] == nil, !userAgent.isEmpty { lines.append("User-Agent: \(userAgent)") }
        // libcurl would wait a second for `100 Continue` before each larger body; who wants that sets the header.
        if request.headers["Expect"] == nil { lines.append("Expect:") }

        switch request.body {
        case .bytes(let bytes): upload = .known(bytes.count)
        case .stream(let length?, _):
            guard length >= 0 else { throw unusable("the length of the body is negative") }
            upload = .known(length)
        case .stream(nil, _): upload = .unknown
        case nil: upload = ["POST", "PUT", "PATCH"].contains(method) ? .known(0) : .none
        }
        self.host = host
        url = request.url
        headerLines = lines
        limits = request.limits
        acceptsCompression = request.acceptsCompression
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
