import Foundation
import FoundationNetworking

@testable import VendorSimulator

/// A plain HTTP client of Foundation's, which shares no code with the one that the product uses.
struct ProbeClient: Sendable {
    struct Reply: Sendable, CustomStringConvertible {
        var description: String { "\(status) \(headers) \(text.prefix(200))" }

        var status: Int
        var headers: [String: String]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    private let session: URLSession

    init() {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = 30
        session = URLSession(configuration: configuration)
    }

    func send(
        _ method: String, _ url: String, headers: [String: String] = [:], body: String? = nil
    ) async throws -> Reply {
        guard let target = URL(string: url) else { throw URLError(.badURL) }
        var request = URLRequest(url: target)
        request.httpMethod = method
        request.httpBody = body.map { Data($0.utf8) }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await session.data(for: request)
        guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        var lowered: [String: String] = [:]
        for (name, value) in response.allHeaderFields { lowered["\(name)".lowercased()] = "\(value)" }
        return Reply(status: response.statusCode, headers: lowered, body: Array(data))
    }

    func token(_ addresses: SimulatorAddresses) async throws -> Reply {
        try await send(
            "POST", addresses.login + "/oauth/token",
            headers: [
                "Authorization": "Basic " + Data("simulator:simulator-secret".utf8).base64EncodedString(),
                "Content-Type": "application/x-www-form-urlencoded",
            ],
            body: "grant_type=client_credentials")
    }

    /// The `Authorization` header of a fresh token.
    func authorization(_ addresses: SimulatorAddresses) async throws -> [String: String] {
        struct Grant: Decodable {
            var access_token: String
        }
        let grant = try JSONDecoder().decode(Grant.self, from: Data(try await token(addresses).body))
        return ["Authorization": "Bearer " + grant.access_token]
    }

    func page(
        _ addresses: SimulatorAddresses, _ headers: [String: String], page: Int, size: Int = 25
    ) async throws -> Reply {
        let body = #"{"interval":"\#(SimulatedDay.interval)","paging":{"pageSize":\#(size),"pageNumber":\#(page)}}"#
        return try await send(
            "POST", addresses.api + "/api/v2/analytics/conversations/details/query",
            headers: headers.merging(["Content-Type": "application/json"]) { $1 }, body: body)
    }
}
