import Foundation
import NIOCore
import Testing

@testable import VendorSimulator

@Suite("Tokens, allowances, faults, listings")
struct AccessTests {
    private let form = "application/x-www-form-urlencoded"

    private func issuer(lifetime: Int = 60) -> (TokenIssuer, SimulatorClock) {
        let clock = SimulatorClock(start: SimulatorInstant(milliseconds: 0), isFrozen: true)
        return (TokenIssuer(clients: ["id": "se:cret"], lifetime: lifetime, clock: clock, seed: 1), clock)
    }

    private func basic(_ pair: String) -> String {
        "Basic " + Data(pair.utf8).base64EncodedString()
    }

    @Test("credentials are taken from the header or the form, from nowhere else")
    func grants() throws {
        let (issuer, _) = issuer()
        let grant = "grant_type=client_credentials"
        guard case .token(let token, 60) = issuer.grant(authorization: basic("id:se:cret"), contentType: form, body: grant) else {
            Issue.record("no token for the header")
            return
        }
        #expect(issuer.standing("bearer \(token)") == .valid(token))
        let inForm = issuer.grant(
            authorization: nil, contentType: form + "; charset=utf-8", body: grant + "&client_id=id&client_secret=se%3Acret")
        #expect({ if case .token = inForm { true } else { false } }())
        func status(_ authorization: String?, _ contentType: String?, _ body: String) -> [String] {
            guard
                case .refused(let status, let error, _) = issuer.grant(
                    authorization: authorization, contentType: contentType, body: body)
            else { return ["granted"] }
            return [String(status), error]
        }
        #expect(status(basic("nobody:x"), form, grant) == ["400", "invalid_client"])
        #expect(status(basic("id:wrong"), form, grant) == ["401", "invalid_client"])
        #expect(status(nil, form, grant) == ["400", "invalid_client"])
        #expect(status(basic("id:se:cret"), form, "grant_type=password") == ["400", "unsupported_grant_type"])
        #expect(
            status(basic("id:se:cret"), "application/json", #"{"grant_type":"client_credentials"}"#) == [
                "400", "invalid_request",
            ])
    }

    @Test("a token ends by time or by revocation, another one stays")
    func standing() throws {
        let (issuer, clock) = issuer()
        func token() throws -> String {
            let grant = issuer.grant(
                authorization: basic("id:se:cret"), contentType: form, body: "grant_type=client_credentials")
            guard case .token(let token, _) = grant else { throw TokenMissing() }
            return token
        }
        let first = try token()
        let second = try token()
        #expect(issuer.standing(nil) == .missing)
        #expect(issuer.standing("Basic abc") == .missing)
        #expect(issuer.standing("Bearer nonsense") == .bad)
        issuer.revoke(authorization: "Bearer \(first)")
        #expect(issuer.standing("Bearer \(first)") == .bad)
        #expect(issuer.standing("Bearer \(second)") == .valid(second))
        clock.advance(by: .seconds(61))
        #expect(issuer.standing("Bearer \(second)") == .expired)
        let third = try token()
        #expect(issuer.revokeAll() == 1)
        #expect(issuer.standing("Bearer \(third)") == .bad)
    }

    private struct TokenMissing: Error {}

    @Test("each token has its own window, which begins anew")
    func rates() throws {
        let clock = SimulatorClock(start: SimulatorInstant(milliseconds: 0), isFrozen: true)
        let limiter = RateLimiter(RateLimiter.Allowance(requests: 2, window: 60), clock: clock)
        #expect(limiter.count(token: "a")?.count == 1)
        #expect(limiter.count(token: "a")?.isAllowed == true)
        let third = try #require(limiter.count(token: "a"))
        #expect(!third.isAllowed && third.count == 3 && (1...60).contains(third.reset))
        #expect(limiter.count(token: "b")?.isAllowed == true)
        clock.advance(by: .seconds(60))
        #expect(limiter.count(token: "a")?.count == 1)
        limiter.allowance = RateLimiter.Allowance(requests: nil, window: 60)
        #expect(limiter.count(token: "a") == nil)
    }

    @Test("the same plan meets the same requests with the same faults, and its probabilities hold")
    func probabilities() {
        let plan = FaultPlan(seed: 9, mercy: 0, rules: [FaultRule(path: "/a", probability: 0.2, fault: Fault(.reset))])
        let runs = (0..<2).map { _ in
            let injector = FaultInjector(plan)
            return (0..<5_000).map { injector.fault(path: "/a/b", fingerprint: UInt64($0)) != nil }
        }
        #expect(runs[0] == runs[1])
        #expect((900...1_100).contains(runs[0].count { $0 }))
        #expect(FaultInjector(plan).fault(path: "/b", fingerprint: 1) == nil)
    }

    @Test("scripted requests, every so many, at most so often")
    func scripts() throws {
        func struck(_ rule: String) throws -> [Int] {
            let plan = try FaultPlan(json: Array(#"{mercy: 0, /* comments are fine */ rules: [\#(rule)]}"#.utf8))
            let injector = FaultInjector(plan)
            return (1...10).filter { injector.fault(path: "/x", fingerprint: UInt64($0)) != nil }
        }
        #expect(try struck(#"{"path":"/x","requests":[2,7],"fault":{"kind":"reset"}}"#) == [2, 7])
        #expect(try struck(#"{"every":3,"fault":{"kind":"reset"}}"#) == [3, 6, 9])
        #expect(try struck(#"{"every":3,"limit":2,"fault":{"kind":"reset"}}"#) == [3, 6])
        #expect(try struck(#"{"probability":1,"limit":1,"fault":{"kind":"reset"}}"#) == [1])
    }

    @Test("the same request is spared after some failures in a row, another one is not")
    func mercy() {
        let injector = FaultInjector(
            FaultPlan(mercy: 3, rules: [FaultRule(path: "/", probability: 1, fault: Fault(.reset))]))
        #expect(
            (0..<8).map { _ in injector.fault(path: "/", fingerprint: 1) != nil } == [
                true, true, true, false, true, true, true, false,
            ])
        #expect(injector.fault(path: "/", fingerprint: 2) != nil)
        injector.isEnabled = false
        #expect(injector.fault(path: "/", fingerprint: 2) == nil)
    }

    @Test(
        "a plan with a mistake is refused by the name of the field",
        arguments: [
            (#"{"rulez":[]}"#, "rulez"), (#"{"rules":[{"path":"/","fault":{"kind":"reset"}}]}"#, "exactly one of"),
            (#"{"rules":[{"probability":2,"fault":{"kind":"reset"}}]}"#, "probability"),
            (#"{"rules":[{"every":1,"fault":{"kind":"explode"}}]}"#, "explode"),
            (#"{"rules":[{"every":1,"fault":{"kind":"status","status":200}}]}"#, "status must be 400 to 599"),
            (#"{"rules":[{"every":0,"fault":{"kind":"reset"}}]}"#, "every"), ("nonsense", ""),
        ])
    func mistakes(json: String, mention: String) {
        let error = #expect(throws: FaultPlanError.self) { try FaultPlan(json: Array(json.utf8)) }
        #expect(mention.isEmpty || error?.description.contains(mention) == true, "\(String(describing: error))")
    }

    @Test("listings: next by URI, smaller pages than asked, active by default, near matches first")
    func listings() throws {
        let organisation = Organisation(seed: 1)
        let table = ListingTable(organisation: organisation, pageLimit: 40, wrongTotals: false)
        struct Envelope: Decodable {
            struct Entity: Decodable {
                var id: String
                var name: String?
            }
            var entities: [Entity]
            var pageSize: Int
            var pageCount: Int
            var total: Int
            var nextUri: String?
        }
        func all(_ start: String, _ table: ListingTable) throws -> (ids: [String], envelopes: [Envelope]) {
            var envelopes: [Envelope] = []
            var next: String? = start
            while let uri = next {
                let parts = uri.split(separator: "?", maxSplits: 1)
                let answer = try #require(
                    try table.answer(path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : ""))
                let envelope = try JSONDecoder().decode(Envelope.self, from: Data(answer.body.readableBytesView))
                envelopes.append(envelope)
                next = envelope.nextUri
            }
            return (envelopes.flatMap { $0.entities.map(\.id) }, envelopes)
        }
        let active = try all("/api/v2/users?pageSize=500", table)
        let everybody = try all("/api/v2/users?pageSize=500&state=any", table)
        #expect(active.envelopes[0].pageSize == 40)
        #expect(active.ids.count < everybody.ids.count)
        #expect(Set(everybody.ids) == Set(organisation.users.map(\.id)) && everybody.ids.count == organisation.users.count)
        let roles = try all("/api/v2/authorization/roles?name=quality%20evaluator", table)
        #expect(roles.envelopes[0].entities.first?.name != Organisation.evaluatorRole)
        let role = try #require(roles.envelopes[0].entities.first { $0.name == Organisation.evaluatorRole })
        let members = try all("/api/v2/authorization/roles/\(role.id)/users?pageSize=5", table)
        #expect(members.envelopes.count == 1 && members.envelopes[0].pageCount == 3)
        let wrong = ListingTable(organisation: organisation, pageLimit: 500, wrongTotals: true)
        let codes = try all("/api/v2/routing/wrapupcodes", wrong)
        #expect(codes.envelopes[0].total < codes.ids.count && codes.ids.count == organisation.wrapUpCodes.count)
        #expect(try table.answer(path: "/api/v2/nothing", query: "") == nil)
        #expect(throws: QueryRejection.self) { try table.answer(path: "/api/v2/users", query: "pageNumber=0") }
    }
}
