import HTTPTypes
import NIOCore

/// The simulated vendor behind its two addresses; knows nothing of sockets and faults.
struct GenesysServices: Sendable {
    let store: ConversationStore
    let tokens: TokenIssuer
    let limiter: RateLimiter
    let listings: ListingTable
    let directory: DirectoryListings
    let users: UserDetailsStore
    let jobs: DetailsJobStore
    let quality: QualityService
    let privacy: PrivacyRequestBook
    /// Records that paging reaches; nil for any number.
    let depthLimit: Int?
    /// Whether the tokens of an OAuth client share one allowance.
    let countsClients: Bool
    /// What is too wide for the vendor's backend.
    let width: QueryWidth

    static let queryPath = "/api/v2/analytics/conversations/details/query"
    static let detailsPath = "/api/v2/analytics/conversations/details"
    private static let conversations = "/api/v2/analytics/conversations/"
    private static let maximumIdentifiers = 50

    // MARK: Login

    /// Answers at the login host.
    func login(_ question: Question) -> Answer {
        guard question.path == "/oauth/token" else {
            return Answer(status: 404, body: PlatformError.login(error: "not_found", description: "no such resource"))
        }
        guard question.method == "POST" else {
            return Answer(status: 405, body: PlatformError.login(error: "invalid_request", description: "use POST"))
        }
        let grant = tokens.grant(
            authorization: question.authorization, contentType: question.contentType,
            body: String(decoding: question.body, as: UTF8.self))
        switch grant {
        case .token(let token, let lifetime):
            return Answer(json: #"{"access_token":"\#(token)","token_type":"bearer","expires_in":\#(lifetime)}"#)
        case .refused(let status, let error, let description):
            return Answer(status: status, body: PlatformError.login(error: error, description: description))
        }
    }

    // MARK: API

    /// Answers at the API host: first the token is checked, then the allowance, then the question.
    func api(_ question: Question, contextID: String) -> Answer {
        switch tokens.standing(question.authorization) {
        case .missing:
            return failure(
                401, "authentication.required", "No authentication bearer token specified in authorization header.", contextID)
        case .bad: return failure(401, "bad.credentials", "Invalid login credentials.", contextID)
        case .expired: return failure(401, "credentials.expired", "The supplied credentials have expired.", contextID)
        case .valid(let token):
            let counted = countsClients ? tokens.client(of: token) ?? token : token
            guard let verdict = limiter.count(token: counted) else { return resource(question, contextID) }
            var answer = verdict.isAllowed ? resource(question, contextID) : throttled(verdict, contextID)
            answer.headers[.rateLimitCount] = String(verdict.count)
            answer.headers[.rateLimitAllowed] = String(verdict.allowed)
            answer.headers[.rateLimitReset] = String(verdict.reset)
            return answer
        }
    }

    private func throttled(_ verdict: RateLimiter.Verdict, _ contextID: String) -> Answer {
        // Which of the two forms comes is not the client's choice; both are met.
        let fault =
            verdict.count % 2 == 0
            ? Fault.throttle(retryAfter: verdict.reset, reset: verdict.reset)
            : Fault.throttle(retryAfter: nil, reset: verdict.reset, wording: .older)
        return GenesysServices.throttle(fault, allowed: verdict.allowed, window: verdict.window, contextID: contextID)
    }

    /// The 429 of a fault or of a used-up allowance.
    static func throttle(_ fault: Fault, allowed: Int, window: Int, contextID: String) -> Answer {
        let body =
            switch fault.wording {
            case .current:
                PlatformError.body(
                    status: 429, code: "too.many.requests.retry.after",
                    message: "Rate limit exceeded the maximum. Retry the request in [\(fault.reset)] seconds",
                    contextID: contextID, limit: ("client.credentials.token.rate.per.minute", allowed))
            case .older:
                PlatformError.body(
                    status: 429, code: "too.many.requests",
                    message: "Rate limit exceeded the maximum [\(allowed)] requests within [\(window)] seconds",
                    contextID: contextID)
            }
        var answer = Answer(status: 429, body: body)
        answer.headers[.rateLimitCount] = String(allowed + 1)
        answer.headers[.rateLimitAllowed] = String(allowed)
        answer.headers[.rateLimitReset] = String(fault.reset)
        if let seconds = fault.retryAfter { answer.headers[.retryAfter] = String(seconds) }
        return answer
    }

    private func resource(_ question: Question, _ contextID: String) -> Answer {
        do {
            if let answer = try analytics(question, contextID) { return answer }
            switch (question.method, question.path) {
            case ("POST", GenesysServices.queryPath): return try details(question, contextID)
            case ("GET", GenesysServices.detailsPath): return try point(question)
            case ("GET", PrivacyRequestBook.path): return try privacy.page(query: question.query)
            case ("GET", let path) where path.hasPrefix(PrivacyRequestBook.path + "/"):
                return privacy.single(String(path.dropFirst(PrivacyRequestBook.path.count + 1)))
                    ?? failure(404, "not.found", "The requested resource was not found.", contextID)
            case ("GET", let path):
                if let answer = try quality.answer(question, contextID) { return answer }
                if let answer = try listings.answer(path: path, query: question.query) { return answer }
                if let answer = try directory.answer(path: path, query: question.query) { return answer }
                if path.hasPrefix(GenesysServices.conversations), path.hasSuffix("/details") {
                    return single(String(path.dropFirst(GenesysServices.conversations.count).dropLast(8)), contextID)
                }
                return failure(404, "not.found", "The requested resource was not found.", contextID)
            default:
                return failure(404, "not.found", "The requested resource was not found.", contextID)
            }
        } catch {
            return failure(400, "bad.request", error.message, contextID, field: error.field)
        }
    }

    private func details(_ question: Question, _ contextID: String) throws(QueryRejection) -> Answer {
        let mediaType = question.contentType?.split(separator: ";").first.map { $0.lowercased() }
        guard mediaType == "application/json" else {
            return failure(415, "unsupported.media.type", "The content type must be application/json.", contextID)
        }
        let query = try ConversationQuery(body: question.body, depthLimit: depthLimit)
        guard !width.isExceeded(by: query, store) else {
            return failure(504, "request.timeout", "The request timed out. Use a smaller interval.", contextID)
        }
        let page = store.page(query)
        guard !page.records.isEmpty else {
            var answer = Answer(json: #"{"totalHits":\#(page.totalHits)}"#)
            answer.page = query.pageNumber
            return answer
        }
        var bytes = RecordBytes(capacity: page.records.count * 3_500 + 100)
        // The order of an object's keys means nothing, and so it differs.
        let totalFirst = query.pageNumber % 7 == 3
        bytes.append("{")
        if totalFirst {
            bytes.append("\"totalHits\":")
            bytes.append(number: Int64(page.totalHits))
            bytes.append(",")
        }
        append(page.records, to: &bytes)
        if !totalFirst {
            bytes.append(",\"totalHits\":")
            bytes.append(number: Int64(page.totalHits))
        }
        bytes.append("}")
        var answer = Answer(body: bytes.buffer)
        answer.page = query.pageNumber
        return answer
    }

    private func point(_ question: Question) throws(QueryRejection) -> Answer {
        let ids = FormBody.fields(question.query).filter { $0.0 == "id" }.flatMap { $0.1.split(separator: ",") }
        guard !ids.isEmpty else { throw QueryRejection("At least one id is required.", field: "id") }
        guard ids.count <= GenesysServices.maximumIdentifiers else {
            throw QueryRejection("At most \(GenesysServices.maximumIdentifiers) ids may be given.", field: "id")
        }
        let found = ids.compactMap { ConversationID($0) }.compactMap { store.conversation($0) }
        guard !found.isEmpty else { return Answer(json: "{}") }
        var bytes = RecordBytes(capacity: found.count * 3_500 + 100)
        bytes.append("{")
        append(found, to: &bytes)
        bytes.append("}")
        return Answer(body: bytes.buffer)
    }

    private func single(_ text: String, _ contextID: String) -> Answer {
        guard let identifier = ConversationID(text), let version = store.conversation(identifier) else {
            return failure(404, "not.found", "The requested resource was not found.", contextID)
        }
        var bytes = RecordBytes(capacity: 8_192)
        store.append(version, to: &bytes)
        return Answer(body: bytes.buffer)
    }

    func append(_ records: [ConversationStore.Version], to bytes: inout RecordBytes) {
        bytes.append("\"conversations\":[")
        for (position, version) in records.enumerated() {
            if position > 0 { bytes.append(",") }
            store.append(version, to: &bytes)
        }
        bytes.append("]")
    }

    func failure(
        _ status: Int, _ code: String, _ message: String, _ contextID: String, field: String? = nil
    ) -> Answer {
        Answer(
            status: status,
            body: PlatformError.body(status: status, code: code, message: message, contextID: contextID, field: field))
    }
}

extension HTTPField.Name {
    static let rateLimitCount = HTTPField.Name(known: "inin-ratelimit-count")
    static let rateLimitAllowed = HTTPField.Name(known: "inin-ratelimit-allowed")
    static let rateLimitReset = HTTPField.Name(known: "inin-ratelimit-reset")
    static let correlation = HTTPField.Name(known: "ININ-Correlation-Id")

    /// A name that is known to be legal.
    private init(known name: StaticString) {
        guard let field = HTTPField.Name(name.description) else { preconditionFailure("\(name) is not a header's name") }
        self = field
    }
}
