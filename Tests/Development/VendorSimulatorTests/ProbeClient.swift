import Foundation
import Transfer

@testable import VendorSimulator

/// Asks the simulator as a client would.
struct ProbeClient: Sendable {
    struct Reply: Sendable, CustomStringConvertible {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }

        /// Short, for failed expectations.
        var description: String { "\(status) \(text.prefix(200))" }
    }

    private let client = HTTPClient()

    func send(
        _ method: HTTPMethod, _ url: String, headers: HTTPHeaders = [:], body: String? = nil
    ) async throws(TransferError) -> Reply {
        let request = HTTPRequest(method, url, headers: headers, body: body.map { .text($0) })
        let response = try await client.send(request)
        return Reply(
            status: response.status, headers: response.headers, body: try await response.body.collect(upTo: 100_000_000))
    }

    func token(_ addresses: SimulatorAddresses) async throws -> Reply {
        try await send(
            .post, addresses.login + "/oauth/token",
            headers: [
                "Authorization": "Basic " + Data("simulator:simulator-secret".utf8).base64EncodedString(),
                "Content-Type": "application/x-www-form-urlencoded",
            ],
            body: "grant_type=client_credentials")
    }

    /// The `Authorization` header of a fresh token.
    func authorization(_ addresses: SimulatorAddresses) async throws -> HTTPHeaders {
        struct Grant: Decodable {
            var access_token: String
        }
        let grant = try JSONDecoder().decode(Grant.self, from: Data(try await token(addresses).body))
        return ["Authorization": "Bearer " + grant.access_token]
    }

    func page(
        _ addresses: SimulatorAddresses, _ headers: HTTPHeaders, page: Int = 1, size: Int = 25,
        interval: String = SimulatedDay.interval
    ) async throws(TransferError) -> Reply {
        let body = #"{"interval":"\#(interval)","paging":{"pageSize":\#(size),"pageNumber":\#(page)}}"#
        var headers = headers
        headers.set("Content-Type", "application/json")
        return try await send(
            .post, addresses.api + "/api/v2/analytics/conversations/details/query", headers: headers, body: body)
    }
}
