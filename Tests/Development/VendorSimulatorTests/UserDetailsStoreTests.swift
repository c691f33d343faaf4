import Foundation
import Testing

@testable import VendorSimulator

@Suite("User details of the simulated vendor")
struct UserDetailsStoreTests {
    private static let day = SimulatorInterval("2026-03-01T16:00:00Z/2026-03-02T16:00:00Z")

    private func store(
        _ crossing: UserData.Crossing = .returned, now: String = "2026-03-09T00:00:00Z", users: Int = 60,
        shift: PageShift = PageShift()
    ) throws -> UserDetailsStore {
        var data = UserData()
        data.count = users
        data.crossing = crossing
        let organisation = Organisation(seed: 1, users: users)
        return UserDetailsStore(
            timeline: UserTimeline(seed: 1, data: data, organisation: organisation),
            clock: SimulatorClock(start: try #require(SimulatorInstant(now)), isFrozen: true), shift: shift, hitsJitter: 0)
    }

    @Test("one record follows the other, whatever interval is looked at")
    func gapless() throws {
        let store = try store()
        let week = try #require(SimulatorInterval("2026-03-01T16:00:00Z/2026-03-08T16:00:00Z"))
        for user in 0..<40 {
            for kind in UserRecordKind.allCases where store.timeline.has(kind, user: user) {
                let records = store.timeline.records(kind, user: user, touching: week)
                #expect(zip(records, records.dropFirst()).allSatisfy { $0.end == $1.start && $0.start < $0.end })
                let first = try #require(records.first)
                let last = try #require(records.last)
                #expect(first.start <= week.start && last.end >= week.end)
                // A day by itself shows the same records.
                for number in 0..<7 {
                    let start = week.start.adding(milliseconds: Int64(number) * 86_400_000)
                    let day = SimulatorInterval(start: start, end: start.adding(milliseconds: 86_400_000))
                    let own = store.timeline.records(kind, user: user, touching: day)
                    #expect(own == records.filter { $0.start < day.end && $0.end > day.start })
                }
            }
        }
    }

    @Test("records that reach over the interval's end are withheld, or have no end")
    func ends() throws {
        let day = try #require(Self.day)
        for user in 0..<20 {
            let returned = try store(.returned).records(.primaryPresence, user: user, day, now: day.end)
            let withheld = try store(.withheld).records(.primaryPresence, user: user, day, now: day.end)
            #expect(withheld == returned.filter { $0.end <= day.end })
            let unended = try store(.unended)
            var bytes = RecordBytes(capacity: 8_192)
            unended.append(user, day, now: day.end.adding(milliseconds: 30 * 86_400_000), to: &bytes)
            let records = unended.records(.routingStatus, user: user, day, now: day.end)
            guard !returned.isEmpty, !records.isEmpty else { continue }
            #expect(bytes.string.split(separator: "\"endTime\":\"").count - 1 == (returned + records).count { $0.end <= day.end })
        }
    }

    @Test("records that reach over the interval's ends are returned, omitted or clipped")
    func crossing() throws {
        let day = try #require(Self.day)
        for user in 0..<20 {
            let returned = try store(.returned).records(.primaryPresence, user: user, day, now: day.end)
            let omitted = try store(.omitted).records(.primaryPresence, user: user, day, now: day.end)
            let clipped = try store(.clipped).records(.primaryPresence, user: user, day, now: day.end)
            guard !returned.isEmpty else { continue }
            #expect(returned.filter { $0.start >= day.start } == omitted)
            #expect(clipped.count == returned.count && clipped.allSatisfy { $0.start >= day.start && $0.end <= day.end })
        }
    }

    @Test("what hasn't ended by now has no end, and what hasn't begun isn't there")
    func now() throws {
        let store = try store(now: "2026-03-02T04:00:00Z")
        let day = try #require(Self.day)
        let lines = store.truth(day).map { String(decoding: $0, as: UTF8.self) }
        #expect(lines.count { !$0.contains("\"endTime\":\"") } > 20)
        #expect(lines.allSatisfy { !$0.contains("\"startTime\":\"2026-03-02T1") })
        let later = try self.store().truth(day).count
        #expect(later > lines.count)
    }

    @Test("arrays are missing for some, a user without records isn't listed, and pages end without the key")
    func pages() throws {
        let store = try store()
        var query = UserDetailsQuery(interval: try #require(Self.day))
        query.pageSize = 100
        let page = store.page(query)
        #expect(page.users.count == 56 && page.totalHits == 56)
        let texts = page.users.map { user in
            var bytes = RecordBytes(capacity: 8_192)
            store.append(user, query.interval, now: page.now, to: &bytes)
            return bytes.string
        }
        #expect(texts.count { !$0.contains("primaryPresence") } == 5 && texts.count { !$0.contains("routingStatus\":[") } == 5)
        // The awkward ones have numbers that no type of Foundation keeps.
        for text in texts where !text.contains("1e400") { _ = try JSONSerialization.jsonObject(with: Data(text.utf8)) }
        query.pageNumber = 2
        #expect(store.page(query).users.isEmpty)
    }

    @Test("users slip to later pages, or turn up late; the truth knows")
    func shifting() throws {
        for mode in [PageShift.Mode.overlap, .insert] {
            var shift = PageShift(mode: mode)
            shift.everyPages = 1
            let store = try store(users: 100, shift: shift)
            var query = UserDetailsQuery(interval: try #require(Self.day))
            query.pageSize = 10
            var seen: [Int] = []
            while true {
                let page = store.page(query)
                if page.users.isEmpty { break }
                seen += page.users
                query.pageNumber += 1
            }
            #expect(Set(seen).count < seen.count, "\(mode): some come twice")
            if mode == .overlap { #expect(Set(seen).count == 94) } else { #expect(Set(seen).count < 94) }
        }
    }

    @Test(
        "queries are refused as the vendor refuses them",
        arguments: [
            #"{"interval":"2026-03-01T00:00:00Z/2026-05-01T00:00:00Z"}"#, "{}", "[]",
            #"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","orderBy":"x"}"#,
            #"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","paging":{"pageSize":0}}"#,
            #"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","userFilters":[{"predicates":[{"dimension":"name","value":"x"}]}]}"#,
        ])
    func refused(body: String) {
        #expect(throws: QueryRejection.self) { _ = try UserDetailsQuery(body: Array(body.utf8)) }
        #expect(throws: QueryRejection.self) {
            let paged = #"{"interval":"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z","paging":{"pageSize":5}}"#
            _ = try UserDetailsQuery(body: Array(paged.utf8), isJob: true)
        }
    }
}
