import Foundation
import Testing
import Transfer

@testable import VendorSimulator

@Suite("The simulator over HTTP")
struct ServerTests {
    private let client = ProbeClient()

    @Test("pages hold the records of the truth byte for byte, in order, and end without the key")
    func pagesAreTruth() async throws {
        var configuration = try SimulatedDay.configuration(awkward: AwkwardContent.usual)
        configuration.data.hugeIndexes = [170]
        let simulator = try VendorSimulator(configuration)
        try await simulator.whileRunning { addresses in
            let interval = try #require(SimulatorInterval(SimulatedDay.interval))
            let truth = simulator.truth(interval)
            let authorization = try await client.authorization(addresses)
            var read: [UInt8] = []
            var number = 1
            while true {
                let reply = try await client.page(addresses, authorization, page: number)
                #expect(reply.status == 200)
                let records = min(25, truth.count - (number - 1) * 25)
                let totalHits = #""totalHits":\#(truth.count)"#
                guard records > 0 else {
                    #expect(reply.text == "{\(totalHits)}")
                    break
                }
                let lines = (0..<records).map { truth.record(at: (number - 1) * 25 + $0) }
                let conversations = Array(#""conversations":["#.utf8) + Array(lines.joined(separator: [UInt8(ascii: ",")])) + [93]
                let comma = UInt8(ascii: ",")
                let expected =
                    number % 7 == 3
                    ? [123] + Array(totalHits.utf8) + [comma] + conversations + [125]
                    : [123] + conversations + [comma] + Array(totalHits.utf8) + [125]
                #expect(reply.body == expected)
                read += lines.flatMap { $0 + [10] }
                number += 1
            }
            let stream = try await client.send(.get, addresses.control + "/truth?interval=\(SimulatedDay.interval)")
            #expect(stream.body == read)
            let digest = try JSONDecoder().decode(
                Truth.Digest.self,
                from: Data(
                    try await client.send(.get, addresses.control + "/truth/digest?interval=\(SimulatedDay.interval)").body))
            #expect(digest == (try await truth.digest()))
            #expect(digest.records == truth.count && digest.bytes == read.count - truth.count)
        }
    }

    @Test("what is too wide times out each time, and is answered in halves")
    func width() async throws {
        var configuration = try SimulatedDay.configuration()
        configuration.width.seconds = 86_399
        configuration.width.hits = 100
        let simulator = try VendorSimulator(configuration)
        try await simulator.whileRunning { addresses in
            let authorization = try await client.authorization(addresses)
            for interval in [SimulatedDay.interval, "2026-03-01T16:00:00Z/2026-03-02T06:00:00Z"] {
                for _ in 1...2 {
                    let reply = try await client.page(addresses, authorization, interval: interval)
                    #expect(reply.status == 504 && reply.text.contains(#""code":"request.timeout""#), "\(interval)")
                }
            }
            let half = try await client.page(addresses, authorization, interval: "2026-03-01T16:00:00Z/2026-03-02T01:00:00Z")
            #expect(half.status == 200 && half.text.contains(#""totalHits":9"#), "\(half.text.suffix(30))")
        }
    }

    @Test("under the hostile plan a client that tries again reads exactly the truth")
    func hostile() async throws {
        var configuration = try SimulatedDay.configuration(conversationsPerDay: 1_200)
        configuration.faults = .hostile
        // The same misfortunes without their waits.
        for index in configuration.faults.rules.indices { configuration.faults.rules[index].fault.milliseconds = 5 }
        let simulator = try VendorSimulator(configuration)
        try await simulator.whileRunning { addresses in
            var authorization: HTTPHeaders?
            var ids: [String] = []
            var number = 1
            var failures = 0
            while failures < 500 {
                do {
                    if authorization == nil { authorization = try await client.authorization(addresses) }
                    let reply = try await client.page(addresses, authorization ?? [:], page: number, size: 10)
                    switch reply.status {
                    case 200: break
                    case 401:
                        authorization = nil
                        fallthrough
                    default:
                        failures += 1
                        continue
                    }
                    let found = reply.text.matches(of: /[{,]"conversationId":"([0-9a-f-]{36})"/).map { String($0.output.1) }
                    guard reply.text.contains("\"conversations\"") else { break }
                    ids += found.filter { $0.first != nil && ConversationID($0)?.row(seed: 1) != nil }
                    number += 1
                } catch is TransferError {
                    failures += 1
                } catch is DecodingError {
                    failures += 1
                }
            }
            let interval = try #require(SimulatorInterval(SimulatedDay.interval))
            #expect(ids == simulator.truth(interval).ids)
            #expect(failures > 5)
            let struck = Set(simulator.requests.counts.compactMap(\.fault))
            #expect(struck.isSuperset(of: ["throttle", "status", "reset", "truncate", "revoke"]), "\(struck)")
        }
    }

    @Test("a connection is reset before the headers, or cut after a part of the body")
    func cuts() async throws {
        var configuration = try SimulatedDay.configuration()
        configuration.faults.mercy = 0
        configuration.faults.rules = [
            FaultRule(path: "/api", requests: [1], fault: Fault(.reset)),
            FaultRule(path: "/api", requests: [2], fault: .truncate(keep: 0.5)),
            FaultRule(path: "/api", requests: [3], fault: .truncate(keep: 0)),
            FaultRule(path: "/api", requests: [4], fault: .truncate(keep: 1)),
        ]
        let simulator = try VendorSimulator(configuration)
        try await simulator.whileRunning { addresses in
            let authorization = try await client.authorization(addresses)
            for _ in 1...4 {
                await #expect(throws: TransferError.self) { try await client.page(addresses, authorization, page: 1) }
            }
            #expect(try await client.page(addresses, authorization, page: 1).status == 200)
            #expect(simulator.requests.entries.suffix(5).map(\.status) == [0, 200, 200, 200, 200])
            #expect(simulator.requests.entries.suffix(5).map(\.page) == [nil, 1, 1, 1, 1])
        }
    }

    @Test("error statuses and both forms of 429 look as the vendor's do")
    func statuses() async throws {
        var configuration = try SimulatedDay.configuration()
        configuration.faults.mercy = 0
        configuration.faults.rules = [
            FaultRule(path: "/api", requests: [1], fault: .status(502, body: .html)),
            FaultRule(path: "/api", requests: [2], fault: .status(503, body: .empty)),
            FaultRule(path: "/api", requests: [3], fault: .status(504, body: .json)),
            FaultRule(path: "/api", requests: [4], fault: .throttle(retryAfter: 7)),
            FaultRule(path: "/api", requests: [5], fault: .throttle(retryAfter: nil, reset: 3, wording: .older)),
            FaultRule(path: "/api", requests: [6], fault: Fault(.revoke)),
        ]
        let simulator = try VendorSimulator(configuration)
        try await simulator.whileRunning { addresses in
            let authorization = try await client.authorization(addresses)
            var replies: [ProbeClient.Reply] = []
            for _ in 1...7 { replies.append(try await client.page(addresses, authorization, page: 1)) }
            #expect(replies.map(\.status) == [502, 503, 504, 429, 429, 401, 401])
            #expect(replies[0].text.hasPrefix("<html>") && replies[0].headers["content-type"] == "text/html")
            #expect(replies[1].body.isEmpty)
            #expect(replies[2].text.contains(#""code":"request.timeout""#))
            #expect(replies[3].headers["retry-after"] == "7" && replies[3].text.contains("in [7] seconds"))
            #expect(replies[4].headers["retry-after"] == nil && replies[4].headers["inin-ratelimit-reset"] == "3")
            #expect(replies[4].text.contains(#""code":"too.many.requests""#))
            #expect(replies[5].text.contains("bad.credentials"))
            let ids = replies.compactMap { $0.headers["inin-correlation-id"] }
            #expect(Set(ids).count == 7)
            let renewed = try await client.authorization(addresses)
            #expect(try await client.page(addresses, renewed, page: 1).status == 200)
        }
    }

    @Test("the allowance is counted in headers and ends in 429; control lifts it")
    func rateLimit() async throws {
        var configuration = try SimulatedDay.configuration()
        configuration.rateLimit = 2
        let simulator = try VendorSimulator(configuration)
        try await simulator.whileRunning { addresses in
            let authorization = try await client.authorization(addresses)
            var replies: [ProbeClient.Reply] = []
            for _ in 1...4 { replies.append(try await client.page(addresses, authorization, page: 1)) }
            #expect(replies.map(\.status) == [200, 200, 429, 429])
            #expect(replies.map { $0.headers["inin-ratelimit-count"] } == ["1", "2", "3", "4"])
            #expect(replies.allSatisfy { $0.headers["inin-ratelimit-allowed"] == "2" })
            #expect(replies[2].headers["retry-after"] == nil && replies[3].headers["retry-after"] != nil)
            _ = try await client.send(.put, addresses.control + "/rate-limit", body: "{}")
            let lifted = try await client.page(addresses, authorization, page: 1)
            #expect(lifted.status == 200 && lifted.headers["inin-ratelimit-count"] == nil)
        }
    }

    @Test("requests that the vendor refuses: no token, wrong content type, too large, unknown, deleted")
    func refusals() async throws {
        let simulator = try VendorSimulator(try SimulatedDay.configuration())
        try await simulator.whileRunning { addresses in
            let authorization = try await client.authorization(addresses)
            #expect(try await client.page(addresses, [:], page: 1).text.contains("authentication.required"))
            #expect(try await client.page(addresses, ["Authorization": "Bearer x"], page: 1).text.contains("bad.credentials"))
            let query = addresses.api + "/api/v2/analytics/conversations/details/query"
            #expect(try await client.send(.post, query, headers: authorization, body: "{}").status == 415)
            let large = String(repeating: " ", count: 512_001)
            #expect(try await client.send(.post, query, headers: authorization, body: large).status == 413)
            #expect(try await client.send(.get, addresses.api + "/api/v2/nothing", headers: authorization).status == 404)
            let details = addresses.api + "/api/v2/analytics/conversations/"
            let truth = simulator.truth(try #require(SimulatorInterval(SimulatedDay.interval)))
            let (first, second) = (truth.ids[0], truth.ids[1])
            #expect(
                try await client.send(.get, details + "\(first)/details", headers: authorization).body == truth.record(at: 0))
            let both = try await client.send(.get, details + "details?id=\(first),\(second)", headers: authorization)
            #expect(both.text.contains(first) && both.text.contains(second))
            _ = try await client.send(.post, addresses.control + "/conversations/delete", body: #"{"ids":["\#(first)"]}"#)
            #expect(try await client.send(.get, details + "\(first)/details", headers: authorization).status == 404)
            let rest = try await client.send(.get, details + "details?id=\(first),\(second)", headers: authorization)
            #expect(!rest.text.contains(first) && rest.text.contains(second))
        }
    }

    @Test("control moves the clock, revokes tokens, changes and switches the plan, and tells what was asked")
    func control() async throws {
        let simulator = try VendorSimulator(try SimulatedDay.configuration())
        try await simulator.whileRunning { addresses in
            let authorization = try await client.authorization(addresses)
            func send(_ method: HTTPMethod, _ path: String, _ body: String? = nil) async throws -> ProbeClient.Reply {
                try await client.send(method, addresses.control + path, body: body)
            }
            let moved = try await send(.post, "/clock", #"{"now":"2026-03-02T00:00:00Z","advance":1.5}"#)
            #expect(moved.text.contains("2026-03-02T00:00:01.500Z"))
            #expect(try await send(.put, "/faults", #"{"rules":[{"every":1,"fault":{"kind":"status"}}]}"#).status == 200)
            #expect(try await client.page(addresses, authorization, page: 1).status == 503)
            #expect(try await send(.post, "/faults", #"{"enabled":false}"#).text.contains(#""enabled":false"#))
            #expect(try await client.page(addresses, authorization, page: 1).status == 200)
            #expect(try await send(.put, "/faults", #"{"preset":"hostile"}"#).status == 200)
            #expect(try await send(.put, "/faults", #"{"preset":"friendly"}"#).status == 400)
            #expect(try await send(.post, "/tokens/revoke").text == #"{"revoked":1}"#)
            #expect(try await client.page(addresses, authorization, page: 1).status == 401)
            let log = try await send(.get, "/requests?last=1")
            #expect(log.text.contains(#""total":4"#) && log.text.contains(#""fault":"status""#))
            #expect(try await send(.delete, "/requests").status == 200)
            #expect(simulator.requests.total == 0)
            #expect(try await send(.get, "/truth?interval=nonsense").status == 400)
            #expect(try await send(.get, "/elsewhere").status == 404)
        }
    }

    @Test("a port that is taken ends the run with an error, for those who wait too")
    func takenPort() async throws {
        let first = try VendorSimulator(try SimulatedDay.configuration())
        try await first.whileRunning { addresses in
            var configuration = try SimulatedDay.configuration()
            configuration.apiPort = try #require(URL(string: addresses.api)?.port)
            let second = try VendorSimulator(configuration)
            let error = await #expect(throws: SimulatorAddressError.self) { try await second.whileRunning { _ in } }
            #expect(error?.address == "127.0.0.1:\(configuration.apiPort)")
        }
    }

    @Test("a configuration out of range is refused with every problem")
    func configuration() throws {
        var configuration = SimulatorConfiguration()
        configuration.apiPort = 70_000
        configuration.data.conversationsPerDay = -1
        configuration.pageShift.everyPages = 0
        let error = #expect(throws: SimulatorConfigurationError.self) { try VendorSimulator(configuration) }
        #expect(error?.problems.count == 3)
    }
}
