import Synchronization
import Transfer

/// A service whose answers are scripted.
final class ScriptedService: HTTPTransport {
    /// A request as it was sent.
    struct Request: Sendable {
        let method: HTTPMethod
        let url: String
        let headers: HTTPHeaders
        let bytes: [UInt8]
        /// The requests before this one.
        let sentBefore: [Request]
    }

    enum Answer: Sendable {
        case response(Int, HTTPHeaders, String)
        /// A body that breaks off with a lost connection.
        case broken(Int, HTTPHeaders, [UInt8], isBroken: Bool)
        case failure(TransferError.Kind)
    }

    private let script: @Sendable (Request, Int) -> Answer
    private let sent = Mutex<[Request]>([])

    /// Makes a service; the script gets a request and its number, counted from 1.
    init(_ script: @escaping @Sendable (Request, Int) -> Answer) { self.script = script }

    var requests: [Request] { sent.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws(TransferError) -> HTTPResponse {
        var bytes: [UInt8] = []
        if case .bytes(let body) = request.body { bytes = body }
        let (seen, number) = sent.withLock { sent in
            let seen = Request(method: request.method, url: request.url, headers: request.headers, bytes: bytes, sentBefore: sent)
            sent.append(seen)
            return (seen, sent.count)
        }
        switch script(seen, number) {
        case .response(let status, let headers, let text):
            return HTTPResponse(status: status, headers: headers, body: ResponseBody(bytes: Array(text.utf8)))
        case .broken(let status, let headers, let bytes, let isBroken):
            let isRead = Shared(Mutex(bytes.isEmpty))
            let body = ResponseBody { () throws(TransferError) in
                let isFirst = isRead.value.withLock { isRead in
                    defer { isRead = true }
                    return !isRead
                }
                if isFirst { return bytes }
                if isBroken { throw TransferError(.connectionLost, host: "service", message: "scripted") }
                return nil
            }
            return HTTPResponse(status: status, headers: headers, body: body)
        case .failure(let kind):
            throw TransferError(kind, host: "service", message: "scripted")
        }
    }
}

/// A value that can't be copied, shared by closures.
private final class Shared<Value: ~Copyable & Sendable>: Sendable {
    let value: Value

    init(_ value: consuming Value) { self.value = value }
}
