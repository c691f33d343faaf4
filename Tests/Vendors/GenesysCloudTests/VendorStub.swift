import Foundation
import HTTPServing
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Records
import Synchronization
import Transfer

@testable import GenesysCloud

/// One scripted answer of the vendor.
enum Answer: Sendable {
    case page(String)
    case status(Int, headers: [String: String] = [:], body: String = "")
    /// The head and the beginning of a body, then the connection breaks.
    case broken(String)

    static let empty = Answer.page(#"{"totalHits":0}"#)

    static func platform(
        _ status: Int, _ code: String, _ message: String, headers: [String: String] = ["ININ-Correlation-Id": "c0ffee-1"]
    ) -> Answer {
        .status(
            status, headers: headers,
            body: #"{"message":"\#(message)","code":"\#(code)","status":\#(status),"details":[],"errors":[]}"#)
    }
}

/// A vendor on a free port of this machine that answers by script and remembers what it was asked.
final class VendorStub: Sendable {
    struct Call: Sendable {
        var method = ""
        /// Path and query.
        var target = ""
        let authorization: String
        let body: String
    }

    private struct Breaks: Error {}

    private struct State {
        var api: [Answer]
        var login: [Answer]
        var calls: [Call] = []
        var logins: [Call] = []
    }

    private let state: Mutex<State>
    /// Yields whenever a token has been asked for.
    let loginAsked = AsyncStream.makeStream(of: Void.self)
    /// Holds token answers back until the test allows one.
    let loginGate: AsyncStream<Void>?

    /// - Parameters:
    ///   - api: The answers of the API, in order; then empty pages.
    ///   - login: The answers of the login service, in order; then fresh tokens.
    init(api: [Answer] = [], login: [Answer] = [], loginGate: AsyncStream<Void>? = nil) {
        state = Mutex(State(api: api, login: login))
        self.loginGate = loginGate
    }

    var calls: [Call] { state.withLock { $0.calls } }
    var logins: [Call] { state.withLock { $0.logins } }

    /// Runs the vendor while `body` runs, and hands it the base URL.
    func run(_ body: @Sendable (String) async throws -> Void) async throws {
        let port = AsyncStream.makeStream(of: Int.self)
        var quiet = Logger(label: "vendor")
        quiet.logLevel = .critical
        let application = Application(
            router: router(), server: .http1StoppableAnytime, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.continuation.yield($0.localAddress?.port ?? 0) }, logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            for await port in port.stream {
                try await body("http://127.0.0.1:\(port)")
                break
            }
            group.cancelAll()
        }
    }

    private func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.post("oauth/token") { [self] request, _ in
            let call = try await Self.call(request)
            let (number, answer) = state.withLock { state in
                state.logins.append(call)
                return (state.logins.count, state.login.isEmpty ? nil : state.login.removeFirst())
            }
            loginAsked.continuation.yield()
            if let loginGate { for await _ in loginGate { break } }
            return Self.response(answer ?? .page(#"{"access_token":"token-\#(number)","token_type":"bearer","expires_in":1000}"#))
        }
        for method in [HTTPTypes.HTTPRequest.Method.get, .post, .delete] {
            router.on("api/**", method: method) { [self] request, _ in
                let call = try await Self.call(request)
                let answer = state.withLock { state in
                    state.calls.append(call)
                    return state.api.isEmpty ? Answer.empty : state.api.removeFirst()
                }
                return Self.response(answer)
            }
        }
        return router
    }

    private static func call(_ request: Request) async throws -> Call {
        let body = try await request.body.collect(upTo: 1 << 20)
        return Call(
            method: request.method.rawValue, target: request.uri.description,
            authorization: request.headers[.authorization] ?? "", body: String(buffer: body))
    }

    private static func response(_ answer: Answer) -> Response {
        switch answer {
        case .page(let text):
            Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(string: text)))
        case .status(let status, let headers, let body):
            Response(
                status: .init(code: status),
                headers: headers.reduce(into: HTTPFields()) { fields, header in
                    if let name = HTTPField.Name(header.key) { fields[name] = header.value }
                }, body: .init(byteBuffer: ByteBuffer(string: body)))
        case .broken(let text):
            Response(
                status: .ok,
                body: .init { writer in
                    try await writer.write(ByteBuffer(string: text))
                    throw Breaks()
                })
        }
    }
}

/// A clock on which every sleep is over at once, having advanced the time; it remembers the sleeps.
final class InstantClock: Clock, Sendable {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let state = Mutex((now: Instant(offset: .zero), sleeps: [Duration]()))

    var now: Instant { state.withLock { $0.now } }
    var minimumResolution: Duration { .nanoseconds(1) }
    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    func advance(by duration: Duration) { state.withLock { $0.now = $0.now.advanced(by: duration) } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        state.withLock { state in
            guard deadline > state.now else { return }
            state.sleeps.append(state.now.duration(to: deadline))
            state.now = deadline
        }
        await Task.yield()
    }
}

/// Everything that is logged, in one text.
final class LogMemory: Sendable {
    private let text = Mutex("")

    var written: String { text.withLock { $0 } }
    var logger: Logger {
        var logger = Logger(label: "test") { [self] _ in Handler(memory: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let memory: LogMemory
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            memory.text.withLock { $0 += "\(event.level) \(event.message) \(event.metadata ?? [:])\n" }
        }
    }
}

/// A client of a stub, with a clock that doesn't wait.
struct Caller: Sendable {
    let client: GenesysCloudClient
    let http = HTTPClient()
    let clock = InstantClock()
    let logs = LogMemory()
    static let interval = QueryInterval("2026-03-01T16:00:00Z/2026-03-02T16:00:00Z")

    init(
        _ base: String, attempts: Int = 4, budget: (any RequestBudget)? = nil,
        secret: @escaping GenesysCloudConfiguration.ClientSecret = { "s3cr3t" }
    ) {
        var configuration = GenesysCloudConfiguration(
            domain: "unused.example", loginURL: base, apiURL: base + "/", clientID: "client", clientSecret: secret)
        configuration.retry.maximumAttempts = attempts
        client = GenesysCloudClient(
            configuration, transport: http, limiter: RateLimiter(.genesysCloud, clock: clock, budget: budget), clock: clock,
            random: { 0.5 },
            logger: logs.logger)
    }

    /// The records of page 1, and the page.
    func page(_ number: Int = 1) async throws -> (RecordPage, [String]) {
        guard let interval = Self.interval else {
            return (RecordPage(number: 0, recordCount: 0, totalHits: nil, bytes: 0), [])
        }
        let (page, records) = try await client.conversationPage(ConversationDetailsQuery(interval: interval), number: number) {
            answer in
            var records: [String] = []
            var reader = answer.makeReader()
            while try await reader.next({ records.append(String(decoding: $0.bytes, as: UTF8.self)) }) {}
            return (try reader.finish(), records)
        }
        return (page, records)
    }

    /// The error of a call that must fail.
    func failure() async -> GenesysCloudError? {
        do {
            _ = try await page()
            return nil
        } catch {
            return error as? GenesysCloudError
        }
    }
}
