public import Logging
import Metrics
import Records
public import Transfer

/// Calls the API on behalf of one OAuth client. One instance is shared by everything that uses the client.
///
/// A call waits for the allowance, carries the client's token and is repeated by this table, which is the vendor's:
///
/// | answer | what happens |
/// |---|---|
/// | 401 | once: a new token and the call again; twice: fails as credentials, unless the second token has worked already |
/// | 429 | all who share the limiter pause for `Retry-After`, else the seconds in the message, else the window's reset, else 60 s; where the limit is one of details jobs, the call alone |
/// | 408, 5xx but 501, no or half an answer | repeated with growing pauses, a bounded number of times; asked to wait longer than a call waits: fails as a snooze |
/// | other 4xx, 501 | fails at once |
public struct GenesysCloudClient: Sendable {
    private let configuration: GenesysCloudConfiguration
    private let transport: any HTTPTransport
    private let limiter: RateLimiter
    private let tokens: AccessTokens
    private let time: CallTime
    private let logger: Logger

    /// How often a call is sent again with another token, however well the refused ones had worked.
    private static let maximumRefusals = 5

    /// Creates a client.
    ///
    /// - Parameters:
    ///   - configuration: Region and credentials.
    ///   - transport: What sends requests.
    ///   - limiter: The allowance, shared with all other callers on behalf of the same OAuth client.
    ///   - clock: What pauses are measured with.
    ///   - random: A number from 0 up to but not including 1, for the jitter of pauses.
    ///   - logger: Where repeated attempts and renewals are told.
    public init(
        _ configuration: GenesysCloudConfiguration, transport: any HTTPTransport, limiter: RateLimiter,
        clock: any Clock<Duration> = ContinuousClock(), random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        logger: Logger = Logger(label: "genesys-cloud")
    ) {
        self.configuration = configuration
        self.transport = transport
        self.limiter = limiter
        self.logger = logger
        time = CallTime(clock: clock, random: random)
        tokens = AccessTokens(configuration, transport: transport, time: time, logger: logger)
    }

    /// Obtains an access token, to tell wrong credentials at start rather than with the first job.
    ///
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    public func check() async throws {
        _ = try await tokens.token()
    }

    /// Sends a call and has its answer consumed.
    ///
    /// - Parameters:
    ///   - request: The call.
    ///   - consume: Reads a successful answer's body and returns what came of it. It's run again from the beginning when the
    ///     body breaks off or turns out damaged (`TransferError`, `RecordError`), so it must start afresh each time; what else
    ///     it throws ends the call and is passed on.
    /// - Returns: What `consume` returned.
    /// - Throws: ``GenesysCloudError``, `CancellationError`, or what `consume` threw.
    public func call<Value: Sendable>(
        _ request: GenesysCloudRequest, consume: @Sendable (HTTPResponse) async throws -> Value
    ) async throws -> Value {
        var progress = CallProgress()
        while true {
            try await limiter.acquire()
            let token = try await tokens.token()
            let failure: AttemptFailure
            switch try await attempt(request, token: token, consume) {
            case .success(let value):
                count(request, "ok")
                return value
            case .failure(let error): failure = error
            }
            CallTally.current?.count(failure.error.kind, status: failure.error.status)
            if try await isReplayed(failure, request, token, &progress) { continue }
            count(request, failure.error.status.map { "\($0)" } ?? "no answer")
            var error = failure.error
            error.attempts = max(progress.attempts, 1)
            if let wait = failure.retryAfter, wait > configuration.retry.maximumRetryAfter { error.retryAfter = wait }
            throw error
        }
    }

    /// Decides on a failed attempt; returns, after the pause that is due, whether there's another one.
    private func isReplayed(
        _ failure: AttemptFailure, _ request: GenesysCloudRequest, _ token: String, _ progress: inout CallProgress
    ) async throws -> Bool {
        if failure.error.status == 401 {
            let hasWorked = await tokens.invalidate(token)
            progress.refusals += 1
            // A second token that never worked is the credentials' fault; one that did was ended meanwhile, as a busy token may be.
            let isReplayed = progress.refusals == 1 || (hasWorked && progress.refusals < Self.maximumRefusals)
            if isReplayed { logger.info("the access token was refused; asking for another one") }
            return isReplayed
        }
        if case .throttled(let wait) = failure.error.kind {
            let pause = wait + .seconds(time.random())
            // A longer pause is for the caller's schedule: others shall fail as throttled too rather than wait here for hours.
            let own = min(pause, configuration.maximumThrottleWait)
            progress.throttled += pause
            Counter(label: "genesys_cloud_throttled").increment()
            logger.warning(
                failure.concernsJobsAlone ? "too many details jobs; the call waits" : "throttled; all calls pause",
                metadata: ["operation": "\(request.operation)", "seconds": "\(pause.components.seconds)"])
            guard progress.throttled <= configuration.maximumThrottleWait else {
                if !failure.concernsJobsAlone { limiter.pause(for: own) }
                return false
            }
            if failure.concernsJobsAlone {
                // Reading the jobs that run makes room for others: only this call waits.
                try await time.clock.sleep(for: own)
            } else {
                limiter.pause(for: own)
            }
            return true
        }
        progress.attempts += 1
        if failure.error.status == 504 { progress.timeouts += 1 }
        if let most = request.maximumTimeouts, progress.timeouts >= most { return false }
        let verdict: RetryPolicy.Verdict =
            failure.error.disposition == .retry && request.isReplayable ? .transient(after: failure.retryAfter) : .permanent
        guard case .retry(let pause) = configuration.retry.decide(afterAttempt: progress.attempts, verdict, random: time.random())
        else { return false }
        logger.notice("trying again", metadata: ["error": "\(failure.error)", "attempt": "\(progress.attempts)"])
        try await time.clock.sleep(for: pause)
        return true
    }

    /// Waits by the client's clock.
    func sleep(for duration: Duration) async throws { try await time.clock.sleep(for: duration) }

    /// A number from 0 up to but not including 1.
    func random() -> Double { time.random() }

    private func attempt<Value: Sendable>(
        _ request: GenesysCloudRequest, token: String, _ consume: @Sendable (HTTPResponse) async throws -> Value
    ) async throws -> Result<Value, AttemptFailure> {
        var correlationID: String?
        do {
            let response = try await transport.send(httpRequest(request, token))
            correlationID = CorrelationID.of(response.headers)
            if let limit = RateLimitHeaders(response.headers) {
                limiter.update(counted: limit.count, allowed: limit.allowed, resetsIn: limit.reset)
            }
            if response.isSuccess {
                await tokens.accepted(token)
                return .success(try await consume(response))
            }
            let error = try await PlatformError.read(response, now: time.epochSeconds())
            return .failure(AttemptFailure(error, request))
        } catch let error as TransferError {
            try Task.checkCancellation()
            return .failure(
                AttemptFailure(error: GenesysCloudError(error, operation: request.operation, correlationID: correlationID)))
        } catch let error as RecordError {
            return .failure(AttemptFailure(error, request, correlationID))
        }
    }

    private func httpRequest(_ request: GenesysCloudRequest, _ token: String) -> HTTPRequest {
        var headers: HTTPHeaders = ["Authorization": "Bearer \(token)", "Accept": "application/json"]
        if request.body != nil { headers.set("Content-Type", "application/json") }
        return HTTPRequest(
            request.method, configuration.apiURL + request.path, headers: headers, body: request.body.map { .bytes($0) },
            limits: configuration.limits, acceptsCompression: true)
    }

    private func count(_ request: GenesysCloudRequest, _ outcome: String) {
        Counter(label: "genesys_cloud_calls", dimensions: [("operation", request.operation), ("outcome", outcome)]).increment()
    }
}

/// What has happened to a call so far.
private struct CallProgress {
    /// Failed attempts, refused tokens and throttling aside.
    var attempts = 0
    /// How often the vendor took too long.
    var timeouts = 0
    /// How often its token was refused.
    var refusals = 0
    /// How long it has waited because it was throttled.
    var throttled = Duration.zero
}

/// A failed attempt of a call.
private struct AttemptFailure: Error {
    let error: GenesysCloudError
    /// How long the server asks to wait, if it said so.
    var retryAfter: Duration?
    /// Whether the limit that was reached is one of details jobs, not of calls.
    var concernsJobsAlone = false
}

extension AttemptFailure {
    /// The meaning of an error answer (section 2.4 of the vendor's reference).
    init(_ answer: PlatformError, _ request: GenesysCloudRequest) {
        let kind: GenesysCloudError.Kind =
            switch answer.status {
            case 401: .credentials
            case 403: .permission(Permissions.named(in: answer.message) ?? request.permission.map { [$0] } ?? [])
            case 404: .notFound
            case 429: .throttled(retryAfter: answer.retryAfter ?? .seconds(60))
            case 408, 500, 502...599: .unavailable(status: answer.status)
            case 400..<500, 501: .badRequest(GenesysCloudError.BadRequest(answer.message))
            default: .badAnswer
            }
        error = GenesysCloudError(
            kind, operation: request.operation, status: answer.status, code: answer.code, message: answer.message,
            correlationID: answer.correlationID)
        retryAfter = answer.namesRetryAfter ? answer.retryAfter : nil
        concernsJobsAlone = answer.limit?.contains("details.jobs") ?? false
    }

    /// A successful answer whose body is no page.
    init(_ damage: RecordError, _ request: GenesysCloudRequest, _ correlationID: String?) {
        error = GenesysCloudError(
            .badAnswer, operation: request.operation, message: damage.description, correlationID: correlationID)
    }
}

extension GenesysCloudError.BadRequest {
    /// Recognises what a caller can do something about, by the vendor's wording.
    init(_ message: String) {
        if message.hasPrefix("Pagination may not exceed") {
            self = .paginationTooDeep
        } else if message.contains("search interval") && message.contains("does not exceed") {
            self = .intervalTooLong
        } else {
            self = .other
        }
    }
}

/// Names of permissions, `domain:entity:action`, in the vendor's messages.
enum Permissions {
    static func named(in message: String) -> [String]? {
        let words = message.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == ":" || $0 == "*")) }
        var names: [String] = []
        for word in words {
            let parts = word.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }), !names.contains(String(word)) else { continue }
            names.append(String(word))
        }
        return names.isEmpty ? nil : Array(names.prefix(8))
    }
}
