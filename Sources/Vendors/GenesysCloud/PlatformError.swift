import Records
import Transfer

/// What an error answer says, read without needing it to be JSON: bodies of gateways are HTML or empty.
struct PlatformError: Sendable {
    /// The largest part of an error body that is looked at, in bytes.
    static let maximumBodyBytes = 32 * 1024

    let status: Int
    let code: String?
    let message: String
    let correlationID: String?
    /// The limit that was reached, by the vendor's key; many answers don't name it.
    let limit: String?
    /// From `Retry-After`, the body's wait, the rate limit's reset, or the body's window, in this order; only looked at on 429
    /// and 503.
    let retryAfter: Duration?
    /// Whether `retryAfter` is the server's word for this answer.
    let namesRetryAfter: Bool

    /// Reads an error answer.
    static func read(_ response: HTTPResponse, now: Int) async throws -> PlatformError {
        var body: [UInt8] = []
        do throws(TransferError) {
            for try await chunk in response.body {
                body += chunk.prefix(maximumBodyBytes - body.count)
                if body.count >= maximumBodyBytes { break }
            }
        } catch {
            // The status has arrived; a body that broke off adds nothing.
            try Task.checkCancellation()
        }
        return PlatformError(status: response.status, headers: response.headers, body: body, now: now)
    }

    init(status: Int, headers: HTTPHeaders, body: [UInt8], now: Int) {
        self.status = status
        let fields = body.withUnsafeBytes { bytes in
            let record = RawRecord(bytes: bytes)
            // Platform errors have `code` and `message`; the login service follows OAuth.
            return (
                code: record.string(of: "code") ?? record.string(of: "error"),
                message: record.string(of: "message") ?? record.string(of: "description")
                    ?? record.string(of: "error_description"),
                context: record.string(of: "contextId"),
                limit: record.rawValue(of: "limit").flatMap { RawRecord(bytes: $0).string(of: "key") }
            )
        }
        code = fields.code.map { VendorText.bounded($0, to: 80) }
        limit = fields.limit
        message = fields.message.map { VendorText.bounded($0) } ?? Self.plainMessage(status, body)
        correlationID = CorrelationID.of(headers) ?? fields.context.flatMap(CorrelationID.checked)
        let named =
            headers["Retry-After"].flatMap { RetryAfter.parse($0, now: now) }
            ?? fields.message.flatMap { Self.seconds(after: "Retry the request in", in: $0) }
        namesRetryAfter = named != nil
        // "within [60] seconds" is the length of the window, so at worst what is left of it: the last resort.
        // What is left of the window is told in whole seconds.
        let reset = RateLimitHeaders.reset(headers).map { $0 + .seconds(1) }
        retryAfter = named ?? reset ?? fields.message.flatMap { Self.seconds(after: "within", in: $0) }
    }

    /// The seconds behind some words, as in `Retry the request in [17] seconds` or `[300] requests within [60] seconds`.
    static func seconds(after words: String, in message: String) -> Duration? {
        guard let place = message.firstRange(of: words + " [") else { return nil }
        let rest = message[place.upperBound...]
        guard let end = rest.firstIndex(of: "]"), rest[rest.index(after: end)...].trimmingPrefix(" ").hasPrefix("second"),
            let seconds = Int(rest[..<end]), (0...86_400).contains(seconds)
        else { return nil }
        return .seconds(seconds)
    }

    /// What is worth telling of a body that is no platform error.
    private static func plainMessage(_ status: Int, _ body: [UInt8]) -> String {
        let isMarkup = body.first { $0 > 0x20 } == UInt8(ascii: "<")
        return body.isEmpty
            ? "an answer without a body" : isMarkup ? "an answer of a gateway (HTML)" : "an answer that is no platform error"
    }
}

/// The vendor's word on the allowance, from an answer's headers.
struct RateLimitHeaders: Equatable {
    let count: Int
    let allowed: Int
    let reset: Duration

    init?(_ headers: HTTPHeaders) {
        guard let count = Self.number("inin-ratelimit-count", headers),
            let allowed = Self.number("inin-ratelimit-allowed", headers), let reset = Self.reset(headers)
        else { return nil }
        self.count = count
        self.allowed = allowed
        self.reset = reset
    }

    /// The time until the window ends, which errors may tell alone.
    static func reset(_ headers: HTTPHeaders) -> Duration? {
        number("inin-ratelimit-reset", headers).flatMap { $0 <= 3600 ? .seconds($0) : nil }
    }

    private static func number(_ name: String, _ headers: HTTPHeaders) -> Int? {
        headers[name].flatMap { Int($0) }.flatMap { (0...1_000_000).contains($0) ? $0 : nil }
    }
}

/// The id that the vendor's support asks for.
enum CorrelationID {
    static func of(_ headers: HTTPHeaders) -> String? {
        (headers["ININ-Correlation-Id"] ?? headers["Genesys-Correlation-Id"]).flatMap(checked)
    }

    /// Only what looks like an id goes into logs.
    static func checked(_ text: String) -> String? {
        let isFine =
            (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0 | 0x20) || $0 == 0x2d }
        return isFine ? text : nil
    }
}

/// Texts of the vendor, made fit for one line of a log.
enum VendorText {
    static func bounded(_ text: String, to count: Int = 300) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(count) {
            let isControl =
                scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || (0x2028...0x2029).contains(scalar.value)
            result.unicodeScalars.append(isControl ? " " : scalar)
        }
        return text.unicodeScalars.count > count ? result + "…" : result
    }
}
