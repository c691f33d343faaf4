import Synchronization
import Testing
import Transfer

@testable import GenesysCloud

@Suite("Genesys Cloud client", .timeLimit(.minutes(5)))
struct GenesysCloudClientTests {
    private static let records = [#"{"conversationId":"a","n":1e400}"#, #"{"conversationId":"b","x":[0.1000]}"#]
    private static let page = #"{"conversations":[\#(records.joined(separator: ","))],"totalHits":202}"#

    private func with(_ stub: VendorStub, attempts: Int = 4, _ body: @escaping @Sendable (Caller) async throws -> Void)
        async throws
    {
        try await stub.run { base in
            let caller = Caller(base, attempts: attempts)
            try await body(caller)
            await caller.http.shutdown()
        }
    }

    @Test("a page is asked for as documented and its records come as they were sent")
    func page() async throws {
        let stub = VendorStub(api: [.page(Self.page)])
        try await with(stub) { (caller) async throws in
            let (page, records) = try await caller.page(3)
            #expect(records == Self.records)
            #expect(page == RecordPage(number: 3, recordCount: 2, totalHits: 202, bytes: Self.page.utf8.count))
            let end = try await caller.page(4)
            #expect(end.0.recordCount == 0 && end.1.isEmpty)
        }
        #expect(stub.logins.map(\.authorization) == ["Basic Y2xpZW50OnMzY3IzdA=="])
        #expect(stub.logins.map(\.body) == ["grant_type=client_credentials"])
        #expect(stub.calls.map(\.authorization) == ["Bearer token-1", "Bearer token-1"])
        #expect(
            stub.calls.first?.body
                == #"{"interval":"2026-03-01T16:00:00.000Z/2026-03-02T16:00:00.000Z","order":"asc","orderBy":"conversationStart","paging":{"pageSize":100,"pageNumber":3}}"#
        )
    }

    @Test(
        "what passes by itself is survived, and each record is delivered once",
        arguments: [
            Answer.status(500, body: #"{"code":"internal.server.error"}"#), .status(502, body: "<html>bad gateway</html>"),
            .status(503),
            .status(504, body: "<html>"), .status(408), .broken(#"{"conversations":[{"conversationId":"a","#),
            .broken(#"{"conversations":[{"conversationId":"a"},{"conversationId":"b"}]"#), .broken(""), .page(""),
            .page("<html>200</html>"),
            .page(#"{"conversations":[{"conversationId":"a"}"#),
        ])
    func transient(answer: Answer) async throws {
        let stub = VendorStub(api: [answer, answer, .page(Self.page)])
        try await with(stub) { (caller) async throws in
            let (page, records) = try await caller.page()
            #expect(records == Self.records && page.recordCount == 2)
            #expect(caller.clock.sleeps.count == 2)
            #expect(caller.clock.sleeps.allSatisfy { $0 > .zero && $0 < .seconds(10) })
        }
        #expect(stub.calls.count == 3)
    }

    @Test("attempts are bounded and the error says what happened and what to do")
    func bounded() async throws {
        let gateway = Answer.status(503, headers: ["Genesys-Correlation-Id": "abc-123"], body: "<html>down</html>")
        let stub = VendorStub(api: Array(repeating: gateway, count: 10))
        try await with(stub, attempts: 3) { (caller) async throws in
            let error = await caller.failure()
            #expect(error?.kind == .unavailable(status: 503))
            #expect(error?.disposition == .retry)
            #expect(
                error?.description
                    == "conversation details query: 503 an answer of a gateway (HTML) (after 3 attempts); try again later; if it lasts, look at the vendor's status page [correlation id abc-123]"
            )
        }
        #expect(stub.calls.count == 3)
    }

    @Test(
        "throttling waits for what the answer says, in the documented order",
        arguments: [
            (
                [
                    "Retry-After": "7", "inin-ratelimit-count": "301", "inin-ratelimit-allowed": "300",
                    "inin-ratelimit-reset": "30",
                ],
                "Retry the request in [17] seconds", 7
            ),
            ([:], "Rate limit exceeded the maximum. Retry the request in [17] seconds", 17),
            ([:], "Rate limit exceeded the maximum [300] requests within [60] seconds", 60),
            (["inin-ratelimit-count": "301", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "30"], "too many", 31),
            // What the window's length is named for isn't how long to wait.
            (
                ["inin-ratelimit-count": "301", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "4"],
                "Rate limit exceeded the maximum [300] requests within [60] seconds", 5
            ),
            (
                ["inin-ratelimit-count": "301", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "30"],
                "Rate limit exceeded the maximum. Retry the request in [17] seconds", 17
            ),
            (
                [:], "Rate limit exceeded the maximum [300] requests within [60] seconds. Retry the request in [9] seconds", 9
            ),
            ([:], "Rate limit exceeded the maximum [300] requests within [x] seconds", 60),
            (["inin-ratelimit-reset": "7"], "too many", 8), (["inin-ratelimit-reset": "0"], "too many", 1),
            ([:], "too many", 60),
        ])
    func throttling(headers: [String: String], message: String, seconds: Int) async throws {
        let stub = VendorStub(api: [.platform(429, "too.many.requests", message, headers: headers), .page(Self.page)])
        try await with(stub) { (caller) async throws in
            #expect(try await caller.page().1 == Self.records)
            let waited = caller.clock.sleeps.reduce(Duration.zero, +)
            #expect(waited >= .seconds(seconds) && waited <= .seconds(seconds + 1), "\(waited)")
        }
        #expect(stub.calls.count == 2)
    }

    @Test("throttling stops everyone who shares the allowance")
    func sharedPause() async throws {
        let stub = VendorStub(api: [.platform(429, "too.many.requests", "x", headers: ["Retry-After": "50"])])
        try await with(stub) { (caller) async throws in
            _ = try await caller.page()
            let before = caller.clock.now
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<5 { group.addTask { _ = await caller.failure() } }
            }
            #expect(caller.clock.now == before)
        }
        #expect(stub.calls.count == 7)
    }

    @Test("a longer pause than the call may wait becomes a snooze")
    func snooze() async throws {
        let stub = VendorStub(api: [.platform(429, "too.many.requests", "x", headers: ["Retry-After": "900"])])
        try await with(stub) { (caller) async throws in
            let error = await caller.failure()
            #expect(error?.kind == .throttled(retryAfter: .seconds(900)))
            #expect(error?.disposition == .snooze(for: .seconds(900)))
            #expect(caller.clock.sleeps.isEmpty)
        }
    }

    @Test("a service that asks to wait longer than a call waits is left alone until then, at login too")
    func unavailableSnooze() async throws {
        let closed = Answer.status(503, headers: ["Retry-After": "900"], body: "<html>maintenance</html>")
        for (stub, calls) in [(VendorStub(api: [closed]), 1), (VendorStub(login: [closed]), 0)] {
            try await with(stub) { (caller) async throws in
                let error = await caller.failure()
                #expect(error?.kind == .unavailable(status: 503))
                #expect(error?.disposition == .snooze(for: .seconds(900)))
                #expect(caller.clock.sleeps.isEmpty)
            }
            #expect(stub.calls.count == calls && stub.logins.count == 1)
        }
    }

    @Test("a shorter wait of an unavailable service is waited for, and spends the call's attempts")
    func unavailableWait() async throws {
        let busy = Answer.status(503, headers: ["Retry-After": "20"])
        let stub = VendorStub(api: Array(repeating: busy, count: 10))
        try await with(stub, attempts: 3) { (caller) async throws in
            let error = await caller.failure()
            #expect(error?.disposition == .retry)
            #expect(caller.clock.sleeps.allSatisfy { $0 >= .seconds(20) && $0 < .seconds(21) })
        }
        #expect(stub.calls.count == 3)
    }

    @Test("a client with a share of the allowance sends no more than that in a window")
    func budget() async throws {
        struct Two: RequestBudget {
            func allowance(in window: RequestWindow) -> Int { 2 }
            func throttled(in window: RequestWindow) {}
        }
        let stub = VendorStub(api: Array(repeating: .empty, count: 5))
        try await stub.run { base in
            let caller = Caller(base, budget: Two())
            for _ in 0..<2 { _ = try await caller.page() }
            #expect(caller.clock.now.offset == .zero)
            _ = try await caller.page()
            #expect(caller.clock.now.offset == .seconds(60))
            await caller.http.shutdown()
        }
    }

    @Test("the allowance of the headers is kept before the vendor has to refuse")
    func softThrottle() async throws {
        let body = #"{"totalHits":0}"#
        let full = Answer.status(
            200, headers: ["inin-ratelimit-count": "300", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "21"],
            body: body)
        let stub = VendorStub(api: [full, .empty])
        try await with(stub) { (caller) async throws in
            _ = try await caller.page()
            #expect(caller.clock.sleeps.isEmpty)
            _ = try await caller.page()
            #expect(caller.clock.sleeps.reduce(.zero, +) >= .seconds(20))
        }
    }

    @Test("a refused token is renewed and the call replayed, once")
    func refusedToken() async throws {
        let refusal = Answer.platform(401, "bad.credentials", "Invalid login credentials.")
        let stub = VendorStub(api: [refusal, .page(Self.page)])
        try await with(stub) { (caller) async throws in
            #expect(try await caller.page().1 == Self.records)
            #expect(caller.clock.sleeps.isEmpty)
        }
        #expect(stub.calls.map(\.authorization) == ["Bearer token-1", "Bearer token-2"])

        let forever = VendorStub(api: Array(repeating: refusal, count: 5))
        try await with(forever) { (caller) async throws in
            let error = await caller.failure()
            #expect(error?.kind == .credentials && error?.disposition == .fatal && error?.status == 401)
            #expect(error?.code == "bad.credentials" && error?.correlationID == "c0ffee-1")
        }
        #expect(forever.calls.count == 2 && forever.logins.count == 2)
    }

    @Test("a token that has worked and is refused later was ended meanwhile: that is no fault of the credentials, a few times")
    func endedToken() async throws {
        let refusal = Answer.platform(401, "bad.credentials", "Invalid login credentials.")
        let stub = VendorStub(api: [refusal, .broken("{"), refusal, .page(Self.page)])
        try await with(stub) { (caller) async throws in
            #expect(try await caller.page().1 == Self.records)
        }
        #expect(stub.calls.map(\.authorization) == [1, 2, 2, 3].map { "Bearer token-\($0)" })

        let forever = VendorStub(api: [refusal] + Array(repeating: [.broken("{"), refusal], count: 9).flatMap { $0 })
        try await with(forever) { (caller) async throws in
            #expect(await caller.failure()?.disposition != nil)
        }
        #expect(forever.logins.count <= 5)
    }

    @Test(
        "what a person must correct fails at once, with advice",
        arguments: [
            (
                Answer.platform(
                    403, "missing.any.permissions",
                    "Unable to perform the requested action. You are missing one of: analytics:conversationDetail:view, analytics:agentConversationDetail:view"
                ),
                GenesysCloudError.Kind.permission(["analytics:conversationDetail:view", "analytics:agentConversationDetail:view"]
                ), "conversationDetail:view or"
            ),
            (.status(403), .permission(["analytics:conversationDetail:view"]), "analytics:conversationDetail:view"),
            (.platform(404, "not.found", "x"), .notFound, "check that the object exists"),
            (
                .platform(400, "bad.request", "Pagination may not exceed 100000 results. Use smaller intervals."),
                .badRequest(.paginationTooDeep), "split the interval"
            ),
            (
                .platform(
                    400, "bad.request", "You must specify a search interval as part of your query that does not exceed 31 days."),
                .badRequest(.intervalTooLong), "shorter intervals"
            ),
            (.platform(400, "invalid.value", "nope"), .badRequest(.other), "correct the request"),
            (.status(413), .badRequest(.other), "correct"),
            (.status(415), .badRequest(.other), "correct"), (.status(409), .badRequest(.other), "correct"),
            (.status(501), .badRequest(.other), "correct"),
        ])
    func fatal(answer: Answer, kind: GenesysCloudError.Kind, advice: String) async throws {
        let stub = VendorStub(api: Array(repeating: answer, count: 3))
        try await with(stub) { (caller) async throws in
            let error = await caller.failure()
            #expect(error?.kind == kind && error?.disposition == .fatal)
            #expect(error?.description.contains(advice) == true, "\(error?.description ?? "")")
        }
        #expect(stub.calls.count == 1)
    }

    @Test(
        "wrong credentials are told apart from an unavailable login",
        arguments: [
            (400, "client not found: invalid_client", GenesysCloudError.Kind.credentials),
            (401, "authentication failed: invalid_client", .credentials), (503, "later", .unavailable(status: 503)),
        ])
    func login(status: Int, text: String, kind: GenesysCloudError.Kind) async throws {
        let answer = Answer.status(
            status, body: #"{"error":"invalid_client","description":"\#(text)","error_description":"\#(text)"}"#)
        let stub = VendorStub(login: Array(repeating: answer, count: 10))
        try await with(stub) { (caller) async throws in
            let error = await caller.failure()
            #expect(error?.kind == kind)
            #expect(error?.description.contains(text) == true && error?.operation == "access token")
        }
        #expect(stub.logins.count == (kind == .credentials ? 1 : 4))
        #expect(stub.calls.isEmpty)
    }

    @Test(
        "a login answer without a usable token is refused",
        arguments: [
            "", "<html>", "{}", #"{"access_token":""}"#, #"{"access_token":"a b","expires_in":5}"#, #"{"access_token":"a\nb"}"#,
            #"{"access_token":"a","expires_in":-1}"#,
        ])
    func badLogin(body: String) async throws {
        let stub = VendorStub(login: Array(repeating: .page(body), count: 10))
        try await with(stub) { (caller) async throws in
            let error = await caller.failure()
            #expect(error?.kind == .badAnswer)
        }
    }

    @Test("nobody listening is a retriable transport error")
    func nobody() async throws {
        let caller = Caller("http://127.0.0.1:1", attempts: 2)
        let error = await caller.failure()
        #expect(error?.kind == .transport(isRetriable: true) && error?.disposition == .retry)
        await caller.http.shutdown()
    }

    @Test("an error of the consumer ends the call and is passed on")
    func consumerError() async throws {
        struct Full: Error {}
        let stub = VendorStub(api: [.page(Self.page)])
        try await with(stub) { (caller) async throws in
            let interval = try #require(Caller.interval)
            await #expect(throws: Full.self) {
                _ = try await caller.client.conversationPage(ConversationDetailsQuery(interval: interval), number: 1) { answer in
                    var reader = answer.makeReader()
                    _ = try await reader.next { _ in throw Full() }
                }
            }
        }
        #expect(stub.calls.count == 1)
    }

    @Test("neither tokens nor secrets nor bodies reach logs or errors")
    func secrecy() async throws {
        let refusal = Answer.platform(401, "bad.credentials", "Invalid login credentials.")
        let failure = Answer.status(500, body: #"{"message":"oh\#u{1b}[31m","phone":"tel:+639170000001"}"#)
        let stub = VendorStub(api: [
            refusal, failure, .broken(#"{"conversations":[{"ani":"tel:+639170000001"}"#), failure, failure,
        ])
        try await with(stub) { (caller) async throws in
            let error = await caller.failure()
            var dumped = ""
            dump(caller.client, to: &dumped)
            let everything = caller.logs.written + "\(error as Any)" + dumped + "\(caller.client)"
            #expect(caller.logs.written.contains("trying again") && caller.logs.written.contains("asking for another one"))
            for secret in ["s3cr3t", "token-1", "token-2", "Y2xpZW50", "tel:", "\u{1b}"] {
                #expect(!everything.contains(secret), "\(secret)")
            }
        }
    }
}
