import Transfer

/// A call that failed for good, or as often as it was worth trying at once.
public struct GenesysCloudError: Error, Sendable, CustomStringConvertible {
    /// What went wrong.
    public enum Kind: Sendable, Equatable {
        /// The login service refuses the client, or the API refuses its fresh token.
        case credentials
        /// The client may not do this; the names of the permissions that the answer mentions.
        case permission([String])
        /// There's no such object.
        case notFound
        /// The request is wrong.
        case badRequest(BadRequest)
        /// The allowance is used up for at least this long.
        case throttled(retryAfter: Duration)
        /// The service failed; the status.
        case unavailable(status: Int)
        /// The answer is not what the API documents.
        case badAnswer
        /// No complete answer arrived; whether sending again may help.
        case transport(isRetriable: Bool)
    }

    /// Which wrong request it was.
    public enum BadRequest: Sendable, Equatable {
        /// The interval is longer than the vendor allows: ask for shorter ones.
        case intervalTooLong
        /// The page lies beyond the result cap (100,000 results): ask for shorter intervals.
        case paginationTooDeep
        /// Anything else.
        case other
    }

    /// What a caller should do with its work.
    public enum Disposition: Sendable, Equatable {
        /// Try again later.
        case retry
        /// Try again after this long; it's nobody's fault and no attempt should be counted.
        case snooze(for: Duration)
        /// Give up: only a person can change the outcome.
        case fatal
    }

    /// What went wrong.
    public let kind: Kind
    /// The call, such as `conversation details query`.
    public let operation: String
    /// The status of the last answer; nil without one.
    public let status: Int?
    /// The vendor's error code, such as `bad.request`.
    public let code: String?
    /// What happened: the vendor's words, bounded and on one line, or ours.
    public let message: String
    /// The id to quote to the vendor's support.
    public let correlationID: String?
    /// The number of attempts made.
    public internal(set) var attempts: Int
    /// How long the service asked to wait, where that is longer than a call waits.
    public internal(set) var retryAfter: Duration?

    init(
        _ kind: Kind, operation: String, status: Int? = nil, code: String? = nil, message: String, correlationID: String? = nil,
        attempts: Int = 1
    ) {
        self.kind = kind
        self.operation = operation
        self.status = status
        self.code = code
        self.message = message
        self.correlationID = correlationID
        self.attempts = attempts
    }

    /// Whether the vendor has understood the call and will not do it; another one may succeed.
    public var isRefusal: Bool {
        switch kind {
        case .badRequest, .notFound, .permission: true
        case .credentials, .throttled, .unavailable, .badAnswer, .transport: false
        }
    }

    /// What a caller should do with its work.
    public var disposition: Disposition {
        switch kind {
        case .credentials, .permission, .notFound, .badRequest, .transport(isRetriable: false): .fatal
        case .throttled(let wait): .snooze(for: wait)
        case .unavailable where retryAfter != nil: .snooze(for: retryAfter ?? .zero)
        case .unavailable, .badAnswer, .transport(isRetriable: true): .retry
        }
    }

    /// What a person can do, one sentence.
    public var advice: String {
        switch kind {
        case .credentials:
            "check the client's id and secret, that the OAuth client is active, and that the domain is the organisation's region"
        case .permission(let names) where names.isEmpty:
            "give the OAuth client's role the permission that this call needs, in every division"
        case .permission(let names): "give the OAuth client a role with \(names.joined(separator: " or ")), in every division"
        case .notFound: "check that the object exists in this organisation; objects just made can take a while to appear"
        case .badRequest(.intervalTooLong): "ask for shorter intervals"
        case .badRequest(.paginationTooDeep): "split the interval, so that each part has fewer than 100,000 results"
        case .badRequest(.other): "correct the request (filters of the configuration above all); the same one fails again"
        case .throttled: "wait; if it happens often, lower the concurrency or have the vendor raise the allowance"
        case .unavailable(504): "try again later; if it repeats, ask for shorter intervals or smaller pages"
        case .unavailable: "try again later; if it lasts, look at the vendor's status page"
        case .badAnswer: "try again later; if it repeats, check that no gateway changes the answers and tell the vendor"
        case .transport(isRetriable: true): "try again later; if it lasts, check name resolution, proxy and firewall"
        case .transport(isRetriable: false): "check the addresses, the proxy and the trust list of the configuration"
        }
    }

    /// One line: the call, what happened, what to do, and the id for the vendor's support.
    public var description: String {
        var text = "\(operation): "
        if let status { text += "\(status) " }
        if let code { text += "\(code) " }
        text += message
        if attempts > 1 { text += " (after \(attempts) attempts)" }
        text += "; \(advice)"
        if let correlationID { text += " [correlation id \(correlationID)]" }
        return text
    }
}

extension GenesysCloudError {
    /// The error of a transfer without a complete answer.
    init(_ error: TransferError, operation: String, correlationID: String? = nil) {
        // A damaged answer (framing, content coding) is an accident on the way: another attempt usually helps.
        let isRetriable = error.isRetriable || error.kind == .badResponse || error.kind == .cancelled
        self.init(
            .transport(isRetriable: isRetriable), operation: operation, message: VendorText.bounded(error.description),
            correlationID: correlationID)
    }
}
