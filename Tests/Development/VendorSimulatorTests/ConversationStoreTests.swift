import Foundation
import Testing

@testable import VendorSimulator

@Suite("Conversation queries")
struct ConversationStoreTests {
    @Test(
        "pages of any size, put together, are the conversations that started in the half-open interval",
        arguments: [1, 7, 25, 100])
    func pages(size: Int) throws {
        let store = try SimulatedDay.store(try SimulatedDay.configuration())
        let interval = try #require(SimulatorInterval(SimulatedDay.interval))
        let expected = (20_513...20_515).flatMap { day in (0..<UInt32(240)).map { Row(day: Int32(day), index: $0) } }
            .filter { (interval.start..<interval.end).contains(store.world.calendar.start(of: $0)) }
        #expect(expected.count > 200)
        #expect(store.rows(try SimulatedDay.query(size: size)) == expected)
        #expect(store.rows(try SimulatedDay.query(size: size, more: #","order":"desc""#)) == expected.reversed())
        #expect(Truth(store: store, query: try SimulatedDay.query()).count == expected.count)
    }

    @Test("adjacent intervals share no conversation and leave none out, to the millisecond")
    func adjacent() throws {
        let store = try SimulatedDay.store(try SimulatedDay.configuration())
        let cut = store.world.calendar.start(of: Row(day: 20_514, index: 100))
        let before = store.rows(try SimulatedDay.query("2026-03-02T00:00:00Z/\(cut)"))
        let after = store.rows(try SimulatedDay.query("\(cut)/2026-03-03T00:00:00Z"))
        #expect(before.map(\.index) == Array(0..<100))
        #expect(after.map(\.index) == Array(100..<240))
    }

    @Test("a conversation is there from its start on, whatever was asked before")
    func horizon() throws {
        let store = try SimulatedDay.store(try SimulatedDay.configuration())
        let start = store.world.calendar.start(of: Row(day: 20_514, index: 100))
        for more in ["", SimulatedDay.notEnded] {
            let query = try SimulatedDay.query("2026-03-02T00:00:00Z/2026-03-03T00:00:00Z", more: more)
            store.clock.set(to: start.adding(milliseconds: -1))
            #expect(store.rows(query).last?.index ?? 0 < 100)
            store.clock.set(to: start)
            #expect(store.rows(query).last?.index == 100)
        }
    }

    @Test("the filter on the end follows the clock; open and ended ones are all")
    func ended() throws {
        let store = try SimulatedDay.store(try SimulatedDay.configuration())
        let all = "2026-03-02T00:00:00Z/2026-03-03T00:00:00Z"
        for now in [
            "2026-03-02T12:00:00Z", "2026-03-02T12:30:00Z", "2026-03-03T00:00:00Z", "2026-03-20T00:00:00Z",
            "2026-03-02T12:00:00Z",
        ] {
            store.clock.set(to: try SimulatedDay.instant(now))
            let ended = Set(store.rows(try SimulatedDay.query(all, more: SimulatedDay.ended)))
            let open = Set(store.rows(try SimulatedDay.query(all, more: SimulatedDay.notEnded)))
            #expect(ended.isDisjoint(with: open))
            #expect(ended.union(open) == Set(store.rows(try SimulatedDay.query(all))))
            for row in ended { #expect(String(decoding: store.bytes(row), as: UTF8.self).contains("\"conversationEnd\"")) }
            for row in open { #expect(!String(decoding: store.bytes(row), as: UTF8.self).contains("\"conversationEnd\"")) }
        }
    }

    @Test("media types divide the conversations, and a filter finds what the records say")
    func mediaTypes() throws {
        let store = try SimulatedDay.store(try SimulatedDay.configuration())
        var found: [Row] = []
        for type in ["voice", "chat", "email", "message", "callback", "cobrowse"] {
            let filter = #","segmentFilters":[{"type":"or","predicates":[{"dimension":"mediaType","value":"\#(type)"}]}]"#
            let rows = store.rows(try SimulatedDay.query(more: filter))
            for row in rows { #expect(String(decoding: store.bytes(row), as: UTF8.self).contains("\"mediaType\":\"\(type)\"")) }
            found += rows
        }
        #expect(found.count == Set(found).count)
        #expect(Set(found) == Set(store.rows(try SimulatedDay.query())))
    }

    @Test("evaluation filters find what the records say")
    func evaluations() throws {
        var configuration = try SimulatedDay.configuration()
        configuration.data.evaluationEvery = 2
        let store = try SimulatedDay.store(configuration)
        func rows(_ predicate: String) throws -> [Row] {
            let filter = #","evaluationFilters":[{"type":"and","predicates":[\#(predicate)]}]"#
            return store.rows(try SimulatedDay.query(more: filter))
        }
        let evaluated = try rows(#"{"dimension":"evaluationId","operator":"exists"}"#)
        #expect(evaluated.count > 50)
        let text = String(decoding: store.bytes(evaluated[7]), as: UTF8.self)
        let evaluation = try #require(text.range(of: "\"evaluations\":")).upperBound
        for dimension in ["evaluationId", "evaluatorId", "formId", "userId", "queueId", "evaluationStatus"] {
            let pattern = try Regex("\"\(dimension)\":\"([^\"]+)\"", as: (Substring, Substring).self)
            let value = try #require(text[evaluation...].firstMatch(of: pattern)).output.1
            let found = try rows(#"{"dimension":"\#(dimension)","value":"\#(value)"}"#)
            #expect(found.contains(evaluated[7]), "\(dimension)")
            for row in found {
                #expect(String(decoding: store.bytes(row), as: UTF8.self).contains("\"\(dimension)\":\"\(value)\""))
            }
        }
    }

    @Test("the start-day rule adds what started earlier on the day and was still active")
    func startDayRule() throws {
        var configuration = try SimulatedDay.configuration()
        configuration.startDayRule = true
        configuration.data.longEvery = 5
        let store = try SimulatedDay.store(configuration)
        let interval = try #require(SimulatorInterval("2026-03-02T16:00:00Z/2026-03-03T16:00:00Z"))
        let rows = store.rows(try SimulatedDay.query("2026-03-02T16:00:00Z/2026-03-03T16:00:00Z"))
        let facts = rows.map { store.world.calendar.facts(of: $0) }
        #expect(facts.allSatisfy { $0.start.day >= interval.start.day && $0.start < interval.end && $0.end > interval.start })
        #expect(facts.contains { $0.start < interval.start })
        // Active in the interval, but started the day before: not found.
        let earlier = (0..<UInt32(240)).map { store.world.calendar.facts(of: Row(day: 20_513, index: $0)) }
        #expect(earlier.contains { $0.end > interval.start })
        #expect(!rows.contains { $0.day == 20_513 })
    }

    @Test(
        "with the start-day rule the truth of an interval is still what started in it, and moving rows leave its neighbours alone"
    )
    func startDayTruth() throws {
        let today = "2026-03-02T16:00:00Z/2026-03-03T16:00:00Z"
        let yesterday = "2026-03-01T16:00:00Z/2026-03-02T16:00:00Z"
        var configuration = try SimulatedDay.configuration()
        let plain = Truth(store: try SimulatedDay.store(configuration), query: try SimulatedDay.query(today)).ids
        configuration.startDayRule = true
        configuration.data.longEvery = 5
        configuration.pageShift = PageShift(mode: .insert)
        configuration.pageShift.everyPages = 1
        configuration.pageShift.changed = 20
        configuration.pageShift.limit = 20
        let store = try SimulatedDay.store(configuration)
        let query = try SimulatedDay.query(today, size: 20)
        #expect(Truth(store: store, query: query).ids == plain)
        let before = try SimulatedDay.query(yesterday)
        func lines(_ truth: Truth) -> [[UInt8]] { (0..<truth.count).map { truth.line(at: $0) } }
        let expected = lines(Truth(store: store, query: before))
        #expect(store.rows(query).count > plain.count)
        #expect(lines(Truth(store: store, query: before)) == expected)
        #expect(Truth(store: store, query: query).count > plain.count)
        // The limit is reached: a second reading is calm and finds all of it.
        let found = Set(store.rows(query).map { store.world.calendar.identifier(of: $0).text })
        #expect(Set(Truth(store: store, query: query).ids).subtracting(found).isEmpty)
    }

    @Test("inserted conversations make records come twice, some changed, and belong to the truth")
    func insertion() throws {
        var configuration = try SimulatedDay.configuration()
        configuration.pageShift = PageShift(mode: .insert)
        configuration.pageShift.everyPages = 2
        configuration.pageShift.limit = 6
        let store = try SimulatedDay.store(configuration)
        let query = try SimulatedDay.query(size: 25)
        let plain = Truth(store: store, query: query).ids
        let first = store.rows(query)
        #expect(first.count == plain.count + 6)
        #expect(Set(first).count == plain.count)
        let truth = Truth(store: store, query: query)
        #expect(truth.count == plain.count + 6)
        // The limit is reached: a second reading is calm and sees everything, in order.
        let second = store.rows(query)
        #expect(second.map { store.world.calendar.identifier(of: $0).text } == truth.ids)
        let starts = (0..<truth.count).compactMap { position -> String? in
            String(decoding: truth.record(at: position), as: UTF8.self).firstMatch(of: /"conversationStart":"([^"]{19})/)
                .map { String($0.output.1) }
        }
        #expect(starts.count == truth.count && starts == starts.sorted())
        #expect(truth.ids.filter { ConversationID($0).flatMap { store.conversation($0) }?.revision ?? 0 > 0 }.count == 3)
    }

    @Test("a listing that slips back repeats records and loses none; the repeated ones come changed")
    func overlap() throws {
        var configuration = try SimulatedDay.configuration()
        configuration.pageShift = PageShift(mode: .overlap)
        configuration.pageShift.changed = 2
        let store = try SimulatedDay.store(configuration)
        let query = try SimulatedDay.query(size: 25)
        let calm = Truth(store: store, query: query)
        let before = (0..<calm.count).map { calm.record(at: $0) }
        var latest: [Row: [UInt8]] = [:]
        var read = query
        var records = 0
        while true {
            let page = store.page(read)
            if page.records.isEmpty { break }
            records += page.records.count
            for version in page.records {
                var bytes = RecordBytes(capacity: 100)
                store.append(version, to: &bytes)
                latest[version.facts.row] = bytes.array
            }
            read.pageNumber += 1
        }
        let after = (0..<calm.count).map { calm.record(at: $0) }
        #expect(records > calm.count)
        #expect(latest.count == calm.count)
        #expect(Set(latest.values) == Set(after))
        #expect(before != after)
        // Read again after the shift: the first page begins with records that come twice.
        #expect(Set(store.rows(query)) == Set(latest.keys))
    }

    @Test("a deleted conversation is gone everywhere")
    func deletion() throws {
        let store = try SimulatedDay.store(try SimulatedDay.configuration())
        let query = try SimulatedDay.query()
        let rows = store.rows(query)
        let identifier = store.world.calendar.identifier(of: rows[3])
        #expect(store.delete(identifier))
        #expect(!store.delete(identifier))
        #expect(store.rows(query) == rows.filter { $0 != rows[3] })
        #expect(store.conversation(identifier) == nil)
    }

    @Test("totalHits may be wrong, differently on each page")
    func jitter() throws {
        var configuration = try SimulatedDay.configuration()
        configuration.hitsJitter = 3
        let store = try SimulatedDay.store(configuration)
        let count = Truth(store: store, query: try SimulatedDay.query()).count
        let hits = try (0..<20).map { _ in store.page(try SimulatedDay.query()).totalHits }
        #expect(Set(hits).count > 1)
        #expect(hits.allSatisfy { abs($0 - count) <= 3 })
    }

    @Test(
        "a query that breaks a rule is refused with the vendor's words",
        arguments: [
            ("{}", "You must specify a search interval"),
            ("[]", "not a conversation query"),
            (#"{"interval":"yesterday"}"#, "Invalid interval"),
            (#"{"interval":"2026-03-02T00:00:00Z/2026-03-02T00:00:00Z"}"#, "end must be after"),
            (#"{"interval":"2026-03-01T00:00:00Z/2026-04-01T00:00:00.001Z"}"#, "does not exceed 31 days"),
            (
                #"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","paging":{"pageSize":100,"pageNumber":1001}}"#,
                "Pagination may not exceed 100000 results."
            ),
            (
                #"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","paging":{"pageNumber":9223372036854775807}}"#,
                "Pagination"
            ),
            (#"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","paging":{"pageNumber":0}}"#, "must be positive"),
            (#"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","orderBy":"segmentEnd"}"#, "orders by conversationStart"),
            (
                #"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","segmentFilters":[{"type":"and","predicates":[{"dimension":"ani","value":"x"}]}]}"#,
                "cannot filter by ani"
            ),
            (
                #"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","segmentFilters":[{"type":"and"}]}"#,
                "at least one predicate"
            ),
            (#"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","surveyFilters":[{"type":"and"}]}"#, "no surveys"),
        ])
    func refusals(body: String, reason: String) {
        let error = #expect(throws: QueryRejection.self) { try ConversationQuery(body: Array(body.utf8), depthLimit: 100_000) }
        #expect(error?.message.contains(reason) == true)
    }

    @Test("31 days, the last page within the depth and a page asked too large are answered")
    func limits() throws {
        let query = try SimulatedDay.query("2026-03-01T00:00:00Z/2026-04-01T00:00:00Z", page: 1_000, size: 500)
        #expect(query.pageSize == 100)
        #expect(
            try ConversationQuery(body: Array(#"{"interval":"\#(SimulatedDay.interval)"}"#.utf8), depthLimit: nil).pageSize == 25)
    }
}

extension SimulatedDay {
    static let notEnded = ended.replacingOccurrences(of: "exists", with: "notExists")
}
