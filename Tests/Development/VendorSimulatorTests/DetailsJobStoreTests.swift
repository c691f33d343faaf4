import Foundation
import NIOCore
import Testing
import Transfer

@testable import VendorSimulator

@Suite("Details jobs of the simulated vendor")
struct DetailsJobStoreTests {
    private func store(
        _ count: Int = 25, _ change: (inout DetailsJobBehaviour) -> Void = { _ in }
    ) throws -> (store: DetailsJobStore, clock: SimulatorClock, query: DetailsJobStore.Query) {
        var behaviour = DetailsJobBehaviour()
        change(&behaviour)
        let clock = SimulatorClock(start: try #require(SimulatorInstant("2026-03-09T00:00:00Z")), isFrozen: true)
        let interval = try #require(SimulatorInterval("2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"))
        let query = UserDetailsQuery(interval: interval)
        let store = DetailsJobStore(behaviour: behaviour, clock: clock, seed: 1) { _, now in
            .users(Array(0..<count), query, now: now)
        }
        return (store, clock, .users(query))
    }

    /// Looks until the job has ended; the states seen.
    private func states(_ store: DetailsJobStore, _ id: String) -> [String] {
        var states: [String] = []
        while states.count < 20 {
            guard let standing = store.look(id, users: true) else { return states + ["404"] }
            states.append(standing.state)
            if !["QUEUED", "PENDING"].contains(standing.state) { break }
        }
        return states
    }

    private func read(_ store: DetailsJobStore, _ id: String, size: Int = 10) throws -> (rows: [Int], pages: Int) {
        var rows: [Int] = []
        var pages = 0
        var cursor: String?
        while pages < 30 {
            let page = try store.page(id, users: true, cursor: cursor, size: size)
            pages += 1
            if case .users(let users, _, _) = page.results { rows += users[page.range] }
            guard let next = page.cursor, next != cursor else { break }
            cursor = next
        }
        return (rows, pages)
    }

    @Test("a job is queued, pending, fulfilled; its results come by opaque cursors, the last page without")
    func plain() throws {
        let (store, _, query) = try store()
        let id = store.submit(query)
        #expect(states(store, id) == ["QUEUED", "PENDING", "FULFILLED"])
        let (rows, pages) = try read(store, id)
        #expect(rows == Array(0..<25) && pages == 3)
        #expect(throws: DetailsJobStore.PageFailure.badCursor) {
            _ = try store.page(id, users: true, cursor: "eyJ+1/10&0%1==", size: 10)
        }
        #expect(store.look(id, users: false) == nil && store.look("other", users: true) == nil)
        #expect(store.delete(id, users: true) && !store.delete(id, users: true))
    }

    @Test("every so many jobs fails, is cancelled, is forgotten, or expires while it is read")
    func fates() throws {
        let (store, _, query) = try store {
            $0.failEvery = 2
            $0.cancelEvery = 3
            $0.forgetEvery = 5
            $0.expireEvery = 7
        }
        let ids = (0..<7).map { _ in store.submit(query) }
        let ends = ids.map { states(store, $0).last }
        #expect(ends == ["FULFILLED", "FAILED", "CANCELLED", "FAILED", "404", "FAILED", "FULFILLED"])
        #expect(throws: DetailsJobStore.PageFailure.notFound) { _ = try read(store, ids[6]) }
        #expect(states(store, ids[6]) == ["EXPIRED"])
    }

    @Test("results are late, empty in between, and the last cursor repeats, if so set")
    func odd() throws {
        let (store, _, query) = try store {
            $0.lateResults = 2
            $0.emptyEvery = 2
            $0.repeatsCursor = true
        }
        let id = store.submit(query)
        _ = states(store, id)
        for _ in 0..<2 {
            #expect(throws: DetailsJobStore.PageFailure.notFound) { _ = try store.page(id, users: true, cursor: nil, size: 10) }
        }
        let (rows, pages) = try read(store, id)
        #expect(rows == Array(0..<25) && pages == 4)
    }

    @Test("results expire by the clock, and the availability date follows it")
    func time() throws {
        let (store, clock, query) = try store { $0.seconds = 60 }
        let id = store.submit(query)
        #expect(states(store, id).last == "PENDING")
        clock.advance(by: .seconds(61))
        #expect(states(store, id) == ["FULFILLED"])
        #expect(store.availability == clock.now.adding(milliseconds: -6 * 3_600_000))
        clock.advance(by: .seconds(86_400))
        #expect(throws: DetailsJobStore.PageFailure.notFound) { _ = try read(store, id) }
        #expect(states(store, id) == ["EXPIRED"])
    }

    @Test("conversations of a job have attributes, come by activity, and stop at the availability date without a word")
    func conversations() async throws {
        var configuration = SimulatorConfiguration()
        configuration.now = SimulatorInstant("2026-03-09T00:00:00Z")
        configuration.isClockFrozen = true
        configuration.rateLimit = nil
        configuration.data.conversationsPerDay = 300
        configuration.data.longEvery = 20
        let simulator = try VendorSimulator(configuration)
        let probe = ProbeClient()
        try await simulator.whileRunning { addresses in
            var headers = try await probe.authorization(addresses)
            headers.set("Content-Type", "application/json")
            let root = addresses.api + "/api/v2/analytics/conversations/details/jobs"
            func collect(_ fields: String) async throws -> (text: String, availability: String) {
                let interval = #""interval":"2026-03-03T00:00:00Z/2026-03-04T00:00:00Z""#
                let accepted = try await probe.send(.post, root, headers: headers, body: "{\(interval)\(fields)}")
                #expect(accepted.status == 202)
                let id = try #require(accepted.text.split(separator: "\"").dropFirst(3).first)
                #expect(try await probe.send(.get, "\(root)/\(id)", headers: headers).status == 202)
                #expect(try await probe.send(.get, "\(root)/\(id)", headers: headers).status == 202)
                #expect(try await probe.send(.get, "\(root)/\(id)", headers: headers).text.contains("FULFILLED"))
                let page = try await probe.send(.get, "\(root)/\(id)/results?pageSize=1000", headers: headers)
                let date = page.text.split(separator: "\"dataAvailabilityDate\":\"").last.map { String($0.prefix(24)) }
                return (page.text, date ?? "")
            }
            func count(_ text: String) -> Int { text.split(separator: "\"conversationStart\"").count - 1 }
            let started = try await collect(#","startOfDayIntervalMatching":true"#)
            #expect(count(started.text) == 300 && started.text.contains(#""attributes":{"customer.tier""#))
            let active = try await collect("")
            #expect(count(active.text) > 300, "those too that go on from days before")
            simulator.setAvailability(SimulatorInstant("2026-03-03T12:00:00Z"))
            let cut = try await collect(#","startOfDayIntervalMatching":true"#)
            #expect(count(cut.text) == 150 && cut.availability == "2026-03-03T12:00:00.000Z")
            let unknown = try await probe.send(.get, root + "/nonsense", headers: headers)
            #expect(unknown.status == 404)
        }
    }

    @Test("lookups without paging and with cursors")
    func directory() throws {
        let listings = DirectoryListings(organisation: Organisation(seed: 1), pageLimit: 2)
        func json(_ path: String, _ query: String = "") throws -> [String: Any] {
            let answer = try #require(try listings.answer(path: path, query: query))
            return try #require(try JSONSerialization.jsonObject(with: Data(answer.body.readableBytesView)) as? [String: Any])
        }
        let definitions = try json("/api/v2/presence/definitions", "pageSize=2")
        #expect(Set(definitions.keys) == ["total", "entities", "selfUri"] && definitions["total"] as? Int == 11)
        var names: [String] = []
        var query = "pageSize=100"
        for _ in 0..<5 {
            let page = try json("/api/v2/teams", query)
            names += (page["entities"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
            guard let next = page["nextUri"] as? String else { break }
            query = String(next.split(separator: "?")[1])
        }
        #expect(names == ["Alpha", "Bravo", "Charlie", "Delta", "Echo"])
        #expect(throws: QueryRejection.self) { _ = try listings.answer(path: "/api/v2/teams", query: "after=x") }
    }
}
