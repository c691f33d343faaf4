internal import Glibc

/// A client's connection and the one to the server behind the proxy; used on the proxy's thread only.
struct ProxyConnection {
    let client: Int32
    let server: Int32
    var toServer = ProxyStream()
    var toClient = ProxyStream()
    private var frames: HTTPRequestFrames?
    /// What becomes of the request whose head came last.
    private var request: HTTPFault?
    /// The client was answered by the proxy; what it still sends is thrown away until then.
    private(set) var closesAt: ContinuousClock.Instant?

    init(client: Int32, server: Int32, speaksHTTP: Bool) {
        self.client = client
        self.server = server
        if speaksHTTP { frames = HTTPRequestFrames() }
    }

    /// Whether both sides have ended and all is written.
    var isOver: Bool { toServer.isShut && toClient.isShut }

    /// Takes in bytes of the client.
    ///
    /// - Parameter choose: says what becomes of a request with this method; nil: it passes.
    mutating func received(fromClient bytes: [UInt8], due: ContinuousClock.Instant, choose: (String) -> HTTPFault?) {
        guard frames != nil else { return toServer.append(bytes, due: due) }
        for piece in frames?.feed(bytes) ?? [] {
            if closesAt != nil { return }
            switch piece {
            case .head(let method, let head):
                request = choose(method)
                switch request {
                case nil, .answerLost: toServer.append(head, due: due)
                case .silence: break
                case .status(let status): answer(status, due)
                case .outOfSpace: answer(507, due)
                }
            case .body(let bytes):
                if request == nil || request == .answerLost { toServer.append(bytes, due: due) }
            }
        }
    }

    /// Takes in bytes of the server.
    ///
    /// - Returns: false when the connection must break now.
    mutating func received(fromServer bytes: [UInt8], due: ContinuousClock.Instant) -> Bool {
        if request == .answerLost { return false }
        if closesAt == nil { toClient.append(bytes, due: due) }
        return true
    }

    private mutating func answer(_ status: Int, _ due: ContinuousClock.Instant) {
        let code = [503: "SlowDown", 507: "XMinioStorageFull"][status] ?? "InternalError"
        let reason = [500: "Internal Server Error", 503: "Service Unavailable", 507: "Insufficient Storage"][status] ?? "Fault"
        let body =
            #"<?xml version="1.0" encoding="UTF-8"?>"#
            + "<Error><Code>\(code)</Code><Message>injected by the proxy</Message><RequestId>0</RequestId></Error>"
        let head =
            "HTTP/1.1 \(status) \(reason)\r\nContent-Type: application/xml\r\nContent-Length: \(body.utf8.count)\r\n"
            + "Connection: close\r\n\r\n"
        toClient.append(Array((head + body).utf8), due: due)
        toClient.hasEnded = true
        closesAt = due.advanced(by: .seconds(2))
    }
}
