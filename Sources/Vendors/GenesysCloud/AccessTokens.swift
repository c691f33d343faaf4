import Foundation
import Logging
import Metrics
import Records
import Transfer

/// The access token of one OAuth client, shared by everyone who calls on its behalf.
///
/// 1. However many callers need a new token, one request is made; the others wait for it and share its failure.
/// 2. A token is renewed when 90 % of the life that the vendor gave it are over. While it lives, nobody waits for the
///    renewal but the caller that does it, and a failed renewal hurts nobody.
/// 3. A caller that is cancelled while it renews hands the renewal to one that waits.
actor AccessTokens {
    private struct Token: CustomStringConvertible, CustomReflectable {
        let value: String
        let renewal: Duration
        let expiry: Duration

        var description: String { "(access token)" }
        var customMirror: Mirror { Mirror(self, children: [:]) }
    }

    private enum Signal: Sendable { case ready, failed(GenesysCloudError), takeOver }

    static let operation = "access token"
    /// How long a failed early renewal is left alone, while the old token lives.
    private static let renewalPause = Duration.seconds(15)
    /// The largest token answer, in bytes.
    private static let maximumBytes = 64 * 1024

    private let configuration: GenesysCloudConfiguration
    private let transport: any HTTPTransport
    private let time: CallTime
    private let logger: Logger
    private var current: Token?
    /// The hashes of the last tokens with which a call succeeded: tokens themselves are kept nowhere where they may be shown.
    private var worked: [Int] = []
    private var isRenewing = false
    private var quietUntil = Duration.zero
    private var waiters: [(id: Int, continuation: CheckedContinuation<Signal, Never>)] = []
    private var lastWaiter = 0

    init(_ configuration: GenesysCloudConfiguration, transport: any HTTPTransport, time: CallTime, logger: Logger) {
        self.configuration = configuration
        self.transport = transport
        self.time = time
        self.logger = logger
    }

    /// Returns a token that lives.
    ///
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    func token() async throws -> String {
        while true {
            try Task.checkCancellation()
            let now = time.now()
            if let current, now < current.renewal || (now < current.expiry && (isRenewing || now < quietUntil)) {
                return current.value
            }
            guard isRenewing else { return try await renew() }
            switch await nextSignal() {
            case .ready, .takeOver: continue
            case .failed(let error): throw error
            }
        }
    }

    /// Notes that a call succeeded with a token.
    func accepted(_ value: String) {
        guard !worked.contains(value.hashValue) else { return }
        worked.append(value.hashValue)
        if worked.count > 8 { worked.removeFirst() }
    }

    /// Forgets a token that the API refused; another one, obtained meanwhile, stays.
    ///
    /// - Returns: Whether a call has succeeded with it: then it has ended, and the credentials are right.
    func invalidate(_ value: String) -> Bool {
        if current?.value == value { current = nil }
        return worked.contains(value.hashValue)
    }

    private func renew() async throws -> String {
        isRenewing = true
        do {
            let token = try await configuration.retry.run(clock: time.clock, random: time.random, judge: Self.judge) {
                @Sendable attempt in
                try await self.request(attempt: attempt)
            }
            current = token
            quietUntil = .zero
            end(.ready)
            return token.value
        } catch let error as GenesysCloudError {
            if Task.isCancelled {
                // Its pause between attempts ended early: the failure is no verdict for those who wait.
                end(.takeOver)
                throw CancellationError()
            }
            if let current, time.now() < current.expiry {
                quietUntil = time.now() + Self.renewalPause
                logger.warning("cannot renew the access token early; the old one is still valid", metadata: ["error": "\(error)"])
                end(.ready)
                return current.value
            }
            end(.failed(error))
            throw error
        } catch {
            // Cancelled: the work is left to one of those who wait.
            end(.takeOver)
            throw error
        }
    }

    private func end(_ signal: Signal) {
        isRenewing = false
        let ready = waiters
        waiters = []
        for waiter in ready { waiter.continuation.resume(returning: signal) }
    }

    /// Waits for the end of the renewal that is under way, or for the caller's cancellation.
    private func nextSignal() async -> Signal {
        lastWaiter += 1
        let id = lastWaiter
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(returning: .ready)
                } else {
                    waiters.append((id, continuation))
                }
            }
        } onCancel: {
            Task { await self.release(id) }
        }
    }

    private func release(_ id: Int) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        waiters.remove(at: index).continuation.resume(returning: .ready)
    }

    private static func judge(_ error: any Error) -> RetryPolicy.Verdict {
        guard let error = error as? GenesysCloudError else { return .permanent }
        switch error.disposition {
        case .retry: return .transient()
        case .snooze(let wait): return .transient(after: wait)
        case .fatal: return .permanent
        }
    }

    private nonisolated func request(attempt: Int) async throws -> Token {
        let secret = try await secret()
        let basic = Data("\(configuration.clientID):\(secret)".utf8).base64EncodedString()
        var limits = configuration.limits
        limits.maximumResponseBytes = Self.maximumBytes
        let request = HTTPRequest(
            .post, configuration.loginURL + "/oauth/token",
            headers: [
                "Authorization": "Basic \(basic)", "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            ], body: .text("grant_type=client_credentials"), limits: limits)
        do {
            let asked = time.now()
            let response = try await transport.send(request)
            guard response.isSuccess else {
                throw refusal(try await PlatformError.read(response, now: time.epochSeconds()), attempt)
            }
            let body = try await response.body.collect(upTo: Self.maximumBytes)
            Counter(label: "genesys_cloud_token_renewals").increment()
            return try token(body, asked, CorrelationID.of(response.headers))
        } catch let error as TransferError {
            try Task.checkCancellation()
            throw GenesysCloudError(error, operation: Self.operation)
        }
    }

    private nonisolated func secret() async throws -> String {
        do {
            return try await configuration.clientSecret()
        } catch {
            try Task.checkCancellation()
            throw GenesysCloudError(
                .credentials, operation: Self.operation,
                message: "the client's secret cannot be read: \(VendorText.bounded("\(error)"))")
        }
    }

    private nonisolated func token(_ body: [UInt8], _ asked: Duration, _ correlationID: String?) throws -> Token {
        let (value, life) = body.withUnsafeBytes { bytes in
            let record = RawRecord(bytes: bytes)
            let life = record.rawValue(of: "expires_in").flatMap { Double(String(decoding: $0, as: UTF8.self)) }
            return (record.string(of: "access_token"), life ?? 300)
        }
        guard let value, !value.isEmpty, value.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), life > 0, life < 1e9 else {
            throw GenesysCloudError(
                .badAnswer, operation: Self.operation, message: "the answer holds no usable access token",
                correlationID: correlationID)
        }
        logger.debug("access token renewed", metadata: ["life_seconds": "\(Int(life))"])
        return Token(value: value, renewal: asked + .seconds(life * 0.9), expiry: asked + .seconds(life))
    }

    private nonisolated func refusal(_ error: PlatformError, _ attempt: Int) -> GenesysCloudError {
        let kind: GenesysCloudError.Kind =
            switch error.status {
            case 429: .throttled(retryAfter: error.retryAfter ?? .seconds(60))
            case 408, 500, 502...599: .unavailable(status: error.status)
            case 400, 401, 403: .credentials
            default: .badAnswer
            }
        var refusal = GenesysCloudError(
            kind, operation: Self.operation, status: error.status, code: error.code, message: error.message,
            correlationID: error.correlationID, attempts: attempt)
        if error.namesRetryAfter, let wait = error.retryAfter, wait > configuration.retry.maximumRetryAfter {
            refusal.retryAfter = wait
        }
        return refusal
    }
}
