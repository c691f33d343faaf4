import TestSupport
import Testing
import Transfer

@testable import GenesysCloud

@Suite("Access tokens", .timeLimit(.minutes(5)))
struct AccessTokensTests {
    private func tokens(_ base: String, _ http: HTTPClient, _ clock: InstantClock) -> AccessTokens {
        var configuration = GenesysCloudConfiguration(domain: "x.example", loginURL: base, clientID: "client") { "secret" }
        configuration.retry = .never
        return AccessTokens(
            configuration, transport: http, time: CallTime(clock: clock, random: { 0 }), logger: LogMemory().logger)
    }

    private func with(
        _ stub: VendorStub, _ body: @escaping @Sendable (AccessTokens, InstantClock) async throws -> Void
    ) async throws {
        try await stub.run { base in
            let http = HTTPClient()
            let clock = InstantClock()
            try await body(tokens(base, http, clock), clock)
            await http.shutdown()
        }
    }

    @Test("however many callers need a token, one request is made")
    func singleFlight() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        let stub = VendorStub(loginGate: gate.stream)
        try await with(stub) { (tokens, _) async throws in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<50 { group.addTask { try await tokens.token() } }
                for await _ in stub.loginAsked.stream { break }
                gate.continuation.yield()
                for try await token in group { #expect(token == "token-1") }
            }
        }
        #expect(stub.logins.count == 1)
    }

    @Test("a token is renewed at 90 % of the life that the vendor gave it")
    func renewal() async throws {
        let stub = VendorStub()
        try await with(stub) { (tokens, clock) async throws in
            #expect(try await tokens.token() == "token-1")
            clock.advance(by: .seconds(899))
            #expect(try await tokens.token() == "token-1")
            clock.advance(by: .seconds(2))
            #expect(try await tokens.token() == "token-2")
        }
    }

    @Test("a failed early renewal hurts nobody while the old token lives")
    func failedRenewal() async throws {
        let stub = VendorStub(login: [
            .page(#"{"access_token":"old","expires_in":1000}"#), .status(503), .status(503), .status(503),
        ])
        try await with(stub) { (tokens, clock) async throws in
            #expect(try await tokens.token() == "old")
            clock.advance(by: .seconds(950))
            #expect(try await tokens.token() == "old")
            #expect(try await tokens.token() == "old")
            #expect(stub.logins.count == 2)
            clock.advance(by: .seconds(20))
            #expect(try await tokens.token() == "old")
            #expect(stub.logins.count == 3)
            clock.advance(by: .seconds(40))
            await #expect(throws: GenesysCloudError.self) { try await tokens.token() }
        }
    }

    @Test("only the token that was refused is forgotten")
    func invalidation() async throws {
        let stub = VendorStub()
        try await with(stub) { (tokens, _) async throws in
            let first = try await tokens.token()
            _ = await tokens.invalidate(first)
            #expect(try await tokens.token() == "token-2")
            _ = await tokens.invalidate(first)
            #expect(try await tokens.token() == "token-2")
        }
    }

    @Test("a caller that is cancelled while it renews leaves the renewal to another")
    func takeOver() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        let stub = VendorStub(loginGate: gate.stream)
        try await with(stub) { (tokens, _) async throws in
            let first = Task { try await tokens.token() }
            var asked = stub.loginAsked.stream.makeAsyncIterator()
            await asked.next()
            let second = Task { try await tokens.token() }
            first.cancel()
            await #expect(throws: CancellationError.self) { try await first.value }
            await asked.next()
            gate.continuation.yield()
            gate.continuation.yield()
            #expect(try await second.value.hasPrefix("token-"))
        }
    }

    @Test("a caller that is cancelled between two attempts is cancelled, not refused, and leaves the renewal to another")
    func cancelledInPause() async throws {
        let stub = VendorStub(login: [.status(503)])
        try await stub.run { (base) async throws in
            let http = HTTPClient()
            let clock = ManualClock()
            let configuration = GenesysCloudConfiguration(domain: "x.example", loginURL: base, clientID: "client") { "secret" }
            let tokens = AccessTokens(
                configuration, transport: http, time: CallTime(clock: clock, random: { 0 }), logger: LogMemory().logger)
            let first = Task { try await tokens.token() }
            await clock.waitForSleepers()
            let second = Task { try await tokens.token() }
            first.cancel()
            await #expect(throws: CancellationError.self) { try await first.value }
            #expect(try await second.value.hasPrefix("token-"))
            await http.shutdown()
        }
    }

    @Test("a secret that cannot be read is a credentials error")
    func secret() async throws {
        struct Unreadable: Error, CustomStringConvertible { let description = "the file /run/secret cannot be read" }
        let http = HTTPClient()
        let caller = Caller("http://127.0.0.1:1") { throw Unreadable() }
        let error = await caller.failure()
        #expect(error?.kind == .credentials && error?.message.contains("/run/secret") == true)
        await http.shutdown()
        await caller.http.shutdown()
    }
}
