internal import Foundation
internal import Transfer

/// Asks the programs of the stack over HTTP.
public final class LocalAPI: Sendable {
    private let client: HTTPClient

    /// A client for programs on this machine.
    public init() {
        client = HTTPClient(HTTPClientConfiguration())
    }

    /// An answer of any status.
    public struct Answer: Sendable {
        /// The status.
        public let status: Int
        /// The body.
        public let body: [UInt8]

        /// The body as text.
        public var text: String { String(decoding: body, as: UTF8.self) }

        /// The body as JSON.
        public func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try JSONDecoder().decode(type, from: Data(body))
        }
    }

    /// Asks for a path.
    public func get(_ url: String) async throws -> Answer { try await send(HTTPRequest(.get, url, limits: Self.limits)) }

    /// Sends JSON with this method.
    public func send(_ method: String, _ url: String, json: String) async throws -> Answer {
        try await send(
            HTTPRequest(
                HTTPMethod(rawValue: method), url, headers: ["Content-Type": "application/json"], body: .bytes(Array(json.utf8)),
                limits: Self.limits))
    }

    private static let limits = TransferLimits(connect: .seconds(5), total: .seconds(120))

    private func send(_ request: HTTPRequest) async throws -> Answer {
        let response = try await client.send(request)
        return Answer(status: response.status, body: try await response.body.collect(upTo: 1 << 30))
    }

    /// Closes all connections.
    public func close() async { await client.shutdown() }
}
