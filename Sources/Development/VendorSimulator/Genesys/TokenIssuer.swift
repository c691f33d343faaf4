import Foundation
import Synchronization

/// Issues and checks access tokens by the rules of the client credentials grant.
final class TokenIssuer: Sendable {
    private struct Token {
        let client: String
        var expires: Duration
        var isRevoked = false
    }

    private struct State {
        var tokens: [String: Token] = [:]
        var issued: UInt64 = 0
    }

    private let clients: [String: String]
    private let lifetime: Int
    private let clock: SimulatorClock
    private let seed: UInt64
    private let state = Mutex(State())
    private static let keptTokens = 10_000

    /// - Parameter lifetime: seconds that a token is valid and that `expires_in` states.
    init(clients: [String: String], lifetime: Int, clock: SimulatorClock, seed: UInt64) {
        self.clients = clients
        self.lifetime = lifetime
        self.clock = clock
        self.seed = seed
    }

    /// The answer to a token request.
    enum Grant: Equatable {
        case token(String, lifetime: Int)
        /// The parts of the login host's error.
        case refused(status: Int, error: String, description: String)
    }

    /// Decides about a token request.
    ///
    /// - Parameters:
    ///   - authorization: the request's header; credentials may stand there or in the form.
    ///   - contentType: must be that of a form; a JSON body is refused.
    func grant(authorization: String?, contentType: String?, body: String) -> Grant {
        let mediaType = contentType?.split(separator: ";").first?.trimmingCharacters(in: .whitespaces).lowercased()
        guard mediaType == "application/x-www-form-urlencoded" else {
            return .refused(status: 400, error: "invalid_request", description: "the body must be a form: invalid_request")
        }
        let form = FormBody.parse(body)
        guard form["grant_type"] == "client_credentials" else {
            return .refused(
                status: 400, error: "unsupported_grant_type", description: "grant type not supported: unsupported_grant_type")
        }
        let identifier: String
        let secret: String
        if let authorization {
            guard let pair = TokenIssuer.basicCredentials(authorization) else {
                return .refused(status: 400, error: "invalid_request", description: "malformed credentials: invalid_request")
            }
            (identifier, secret) = pair
        } else {
            (identifier, secret) = (form["client_id"] ?? "", form["client_secret"] ?? "")
        }
        guard let expected = clients[identifier] else {
            return .refused(status: 400, error: "invalid_client", description: "client not found: invalid_client")
        }
        guard expected == secret else {
            return .refused(status: 401, error: "invalid_client", description: "authentication failed: invalid_client")
        }
        return state.withLock { state in
            let now = clock.uptime
            if state.tokens.count >= TokenIssuer.keptTokens { state.tokens = state.tokens.filter { $0.value.expires > now } }
            state.issued += 1
            let words = [0, 1, 2].map { Mixing.combine(seed &+ $0, state.issued) }
            let token = words.map { String($0, radix: 36) }.joined(separator: "-")
            state.tokens[token] = Token(client: identifier, expires: now + .seconds(lifetime))
            return .token(token, lifetime: lifetime)
        }
    }

    /// The OAuth client that a token was issued to.
    func client(of token: String) -> String? { state.withLock { $0.tokens[token]?.client } }

    /// What a request's credentials are worth.
    enum Standing: Equatable {
        case valid(String)
        case missing
        case bad
        case expired
    }

    /// Checks the `Authorization` header of an API request.
    func standing(_ authorization: String?) -> Standing {
        guard let token = TokenIssuer.bearer(authorization) else { return .missing }
        return state.withLock { state in
            guard let known = state.tokens[token], !known.isRevoked else { return .bad }
            return known.expires > clock.uptime ? .valid(token) : .expired
        }
    }

    /// Revokes the token that a request carries.
    func revoke(authorization: String?) {
        guard let token = TokenIssuer.bearer(authorization) else { return }
        state.withLock { $0.tokens[token]?.isRevoked = true }
    }

    /// Revokes every token issued so far and says how many were still valid.
    func revokeAll() -> Int {
        state.withLock { state in
            let now = clock.uptime
            var count = 0
            for (token, known) in state.tokens where !known.isRevoked && known.expires > now {
                state.tokens[token]?.isRevoked = true
                count += 1
            }
            return count
        }
    }

    private static func bearer(_ authorization: String?) -> String? {
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else { return nil }
        let token = authorization.dropFirst(7).trimmingCharacters(in: .whitespaces)
        return token.isEmpty ? nil : token
    }

    private static func basicCredentials(_ authorization: String) -> (String, String)? {
        guard authorization.lowercased().hasPrefix("basic "),
            let data = Data(base64Encoded: authorization.dropFirst(6).trimmingCharacters(in: .whitespaces)),
            let text = String(data: data, encoding: .utf8), let colon = text.firstIndex(of: ":")
        else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }
}

/// Reads `application/x-www-form-urlencoded`, of bodies and of queries.
enum FormBody {
    /// The last value of every name.
    static func parse(_ text: some StringProtocol) -> [String: String] {
        Dictionary(fields(text), uniquingKeysWith: { $1 })
    }

    /// All names and values in order.
    static func fields(_ text: some StringProtocol) -> [(String, String)] {
        text.split(separator: "&").map { field in
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decode(parts[0]), parts.count > 1 ? decode(parts[1]) : "")
        }
    }

    private static func decode(_ text: some StringProtocol) -> String {
        let spaced = String(text.map { $0 == "+" ? " " : $0 })
        return spaced.removingPercentEncoding ?? spaced
    }
}
