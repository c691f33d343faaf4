/// Something that goes wrong with a request.
public struct Fault: Sendable, Codable, Equatable {
    /// What goes wrong.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// 429, although the allowance isn't used up.
        case throttle
        /// An error status; see ``Fault/status`` and ``Fault/body``.
        case status
        /// The connection is reset before any header is sent.
        case reset
        /// The connection ends after a part of the body; the `Content-Length` was that of the whole.
        case truncate
        /// The answer comes late; see ``Fault/milliseconds``.
        case slow
        /// The body comes in pieces with pauses that add up to ``Fault/milliseconds``.
        case trickle
        /// The token of the request is revoked, and so the answer is 401.
        case revoke

        /// Whether the client has to ask again.
        var isFailure: Bool { self != .slow && self != .trickle }
    }

    /// The body of an error status.
    public enum Body: String, Sendable, Codable, CaseIterable {
        case json, html, empty
    }

    /// The wording of a 429.
    public enum Wording: String, Sendable, Codable, CaseIterable {
        /// Code `too.many.requests.retry.after`; the message names the seconds to wait.
        case current
        /// Code `too.many.requests`; the message names the allowance and the window.
        case older
    }

    /// What goes wrong.
    public var kind: Kind
    /// The status of kind `status`, 400 to 599.
    public var status = 503
    /// The body of kind `status`.
    public var body = Body.json
    /// Seconds to wait in the header `Retry-After` of the kinds `throttle` and `status`; nil for no header.
    public var retryAfter: Int?
    /// Seconds to wait that the message and `inin-ratelimit-reset` of kind `throttle` name; those of `retryAfter`, else 1.
    public var reset = 1
    /// The wording of kind `throttle`.
    public var wording = Wording.current
    /// The part of the body that kind `truncate` sends, 0 to 1.
    public var keep = 0.5
    /// The delay of the kinds `slow` and `trickle`.
    public var milliseconds = 200

    /// Makes a fault of a kind with the usual figures.
    public init(_ kind: Kind) {
        self.kind = kind
    }

    /// A 429 with or without `Retry-After`, in seconds.
    public static func throttle(retryAfter: Int?, reset: Int? = nil, wording: Wording = .current) -> Fault {
        var fault = Fault(.throttle)
        fault.retryAfter = retryAfter
        fault.reset = reset ?? retryAfter ?? fault.reset
        fault.wording = wording
        return fault
    }

    /// An error status, with or without `Retry-After`, in seconds.
    public static func status(_ status: Int, body: Body, retryAfter: Int? = nil) -> Fault {
        var fault = Fault(.status)
        fault.status = status
        fault.body = body
        fault.retryAfter = retryAfter
        return fault
    }

    /// A connection that ends after a part of the body.
    public static func truncate(keep: Double) -> Fault {
        var fault = Fault(.truncate)
        fault.keep = keep
        return fault
    }

    /// An answer that comes late, all at once (`slow`) or in pieces (`trickle`).
    public static func delay(_ kind: Kind, milliseconds: Int) -> Fault {
        var fault = Fault(kind)
        fault.milliseconds = milliseconds
        return fault
    }

    /// Reads a fault.
    public init(from decoder: any Decoder) throws {
        try KnownKeys.check(
            decoder, ["kind", "status", "body", "retryAfter", "reset", "wording", "keep", "milliseconds"], in: "a fault")
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try values.decode(Kind.self, forKey: .kind))
        status = try values.decodeIfPresent(Int.self, forKey: .status) ?? status
        body = try values.decodeIfPresent(Body.self, forKey: .body) ?? body
        retryAfter = try values.decodeIfPresent(Int.self, forKey: .retryAfter)
        reset = try values.decodeIfPresent(Int.self, forKey: .reset) ?? retryAfter ?? reset
        wording = try values.decodeIfPresent(Wording.self, forKey: .wording) ?? wording
        keep = try values.decodeIfPresent(Double.self, forKey: .keep) ?? keep
        milliseconds = try values.decodeIfPresent(Int.self, forKey: .milliseconds) ?? milliseconds
        guard (400...599).contains(status) else { throw FaultPlanError(reason: "status must be 400 to 599, not \(status)") }
        guard (0...1).contains(keep) else { throw FaultPlanError(reason: "keep must be 0 to 1, not \(keep)") }
        guard (0...600_000).contains(milliseconds) else {
            throw FaultPlanError(reason: "milliseconds must be 0 to 600000, not \(milliseconds)")
        }
        guard (retryAfter ?? 0) >= 0, reset >= 0 else { throw FaultPlanError(reason: "retryAfter and reset cannot be negative") }
    }
}

extension FaultPlan {
    /// Everything at once: about one request in five fails or is slow, the waits are short.
    public static let hostile: FaultPlan = {
        let query = "/api/v2/analytics/conversations/details"
        return FaultPlan(
            seed: 20_260_301, mercy: 3,
            rules: [
                FaultRule(path: "/oauth/token", requests: [1], fault: .status(503, body: .html)),
                FaultRule(path: "/oauth/token", requests: [3], fault: Fault(.reset)),
                FaultRule(path: query, requests: [4, 40, 400], fault: Fault(.revoke)),
                FaultRule(path: query, requests: [2], fault: .truncate(keep: 0.7)),
                FaultRule(path: query, requests: [7], fault: .throttle(retryAfter: nil, wording: .older)),
                FaultRule(path: "/api/", probability: 0.02, fault: .throttle(retryAfter: 1)),
                FaultRule(path: "/api/", probability: 0.01, fault: .throttle(retryAfter: nil)),
                FaultRule(path: "/api/", probability: 0.005, fault: .throttle(retryAfter: nil, wording: .older)),
                FaultRule(path: "/api/", probability: 0.01, fault: .status(500, body: .json)),
                FaultRule(path: "/api/", probability: 0.015, fault: .status(502, body: .html)),
                FaultRule(path: "/api/", probability: 0.015, fault: .status(503, body: .empty)),
                FaultRule(path: "/api/", probability: 0.01, fault: .status(504, body: .html)),
                FaultRule(path: "/api/", probability: 0.01, fault: .status(504, body: .json)),
                FaultRule(path: "/api/", probability: 0.02, fault: Fault(.reset)),
                FaultRule(path: "/api/", probability: 0.03, fault: .truncate(keep: 0.5)),
                FaultRule(path: "/api/", probability: 0.01, fault: .truncate(keep: 0)),
                FaultRule(path: "/api/", probability: 0.03, fault: .delay(.slow, milliseconds: 400)),
                FaultRule(path: "/api/", probability: 0.03, fault: .delay(.trickle, milliseconds: 400)),
            ])
    }()
}
