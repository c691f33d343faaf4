import HTTPTypes
import Hummingbird
import NIOCore

/// What a simulated service answers, before faults change it.
struct Answer: Sendable {
    var status: Int
    var headers: HTTPFields = [:]
    var body: ByteBuffer
    /// The page that a conversation query asked for; for the log.
    var page: Int?

    init(status: Int = 200, contentType: String = "application/json", body: ByteBuffer) {
        self.status = status
        self.body = body
        headers[.contentType] = contentType
    }

    init(status: Int = 200, json: String) {
        self.init(status: status, body: ByteBuffer(string: json))
    }

    var response: Response {
        Response(status: HTTPResponse.Status(code: status), headers: headers, body: ResponseBody(byteBuffer: body))
    }
}

/// A request with its whole body, as the services see it.
struct Question: Sendable {
    let method: String
    /// Without the query.
    let path: String
    let query: String
    let authorization: String?
    let contentType: String?
    let body: [UInt8]

    /// The largest request that the vendor accepts, in bytes [C].
    static let maximumBody = 512_000

    init(
        method: String, path: String, query: String, authorization: String?, contentType: String?, body: [UInt8]
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.authorization = authorization
        self.contentType = contentType
        self.body = body
    }

    init(_ request: Request) async throws {
        method = request.method.rawValue
        path = request.uri.path
        query = request.uri.query ?? ""
        authorization = request.headers[.authorization]
        contentType = request.headers[.contentType]
        body = Array(buffer: try await request.body.collect(upTo: Question.maximumBody))
    }

    /// The same for the same request made again, with whatever token.
    var fingerprint: UInt64 {
        // Not the standard library's hasher: its seed differs from run to run.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in [Array(method.utf8), Array(path.utf8), Array(query.utf8), body].joined(separator: [0]) {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        return hash
    }
}
