import Foundation
import Records
import Transfer

/// What is done to one of the vendor's answers on its way.
enum Meddling: Sendable {
    /// This is the answer; the vendor isn't asked.
    case answer(Int, String)
    /// The vendor's answer, changed.
    case change(@Sendable (String) -> String)
    /// The vendor is asked this instead.
    case ask(String)

    /// An error as the platform answers it.
    static func refusal(_ status: Int, _ code: String) -> Meddling {
        .answer(status, #"{"message":"No.","code":"\#(code)","status":\#(status),"details":[],"errors":[]}"#)
    }

    /// The same answer with other elements in one of its arrays.
    static func edit(_ key: String, _ change: @escaping @Sendable ([String]) -> [String]) -> Meddling {
        .change { text in
            var whole = text
            let bytes = Array(text.utf8)
            bytes.withUnsafeBytes { buffer in
                guard let array = RecordScanner.value(of: key, in: buffer) else { return }
                var elements: [String] = []
                RecordScanner.forEachElement(of: array) { elements.append(String(decoding: $0, as: UTF8.self)) }
                let old = String(decoding: array, as: UTF8.self)
                whole = text.replacing(old, with: "[\(change(elements).joined(separator: ","))]")
            }
            return whole
        }
    }
}

/// A call on its way to the vendor.
struct Meddled: Sendable {
    /// Path and query.
    let target: String
    let body: String

    var isListing: Bool { target.contains("/quality/evaluations/query") }
    var isPointRead: Bool { target.contains("/quality/conversations/") }
    var isSearch: Bool { target.hasSuffix("/conversations/details/query") }

    /// The value of a query parameter, as it was sent.
    func parameter(_ name: String) -> String? {
        target.split(separator: "?").last?.split(separator: "&").first { $0.hasPrefix("\(name)=") }
            .map { String($0.dropFirst(name.count + 1)) }
    }
}

/// Stands between the client and the vendor: shows habits of vendors that the simulator doesn't have.
struct MeddlingTransport: HTTPTransport {
    let base: HTTPClient
    let meddle: @Sendable (Meddled) -> Meddling?

    func send(_ request: HTTPRequest) async throws(TransferError) -> HTTPResponse {
        var request = request
        let parts = request.url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true)
        var body = ""
        if case .bytes(let bytes)? = request.body { body = String(decoding: bytes, as: UTF8.self) }
        switch meddle(Meddled(target: parts.count > 2 ? "/\(parts[2])" : request.url, body: body)) {
        case nil: return try await base.send(request)
        case .answer(let status, let text):
            return HTTPResponse(
                status: status, headers: ["Content-Type": "application/json"], body: ResponseBody(bytes: Array(text.utf8)))
        case .change(let change):
            let response = try await base.send(request)
            let bytes = try await response.body.collect(upTo: 1 << 28)
            let text = change(String(decoding: bytes, as: UTF8.self))
            return HTTPResponse(status: response.status, headers: response.headers, body: ResponseBody(bytes: Array(text.utf8)))
        case .ask(let body):
            request.body = .text(body)
            return try await base.send(request)
        }
    }
}
