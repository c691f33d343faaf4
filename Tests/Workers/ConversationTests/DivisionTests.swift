import Contracts
import Foundation
import GenesysCloud
import ObjectStorage
import TestSupport
import Testing
import VendorSimulator
import WorkerKit

@testable import Conversation

@Suite("A day that is too large for one job", .timeLimit(.minutes(5)))
struct DivisionTests {
    private func day(
        _ conversationsPerDay: Int = 900, above: Int = 250, _ change: (inout SimulatorConfiguration) -> Void = { _ in }
    ) -> SimulatedDay {
        var day = SimulatedDay(conversationsPerDay: conversationsPerDay, change)
        day.configuration.splitAbove = above
        return day
    }

    @Test(
        "is divided until each part is small enough; together the parts are the day, each conversation once",
        arguments: [false, true])
    func halves(startDayRule: Bool) async throws {
        let day = day {
            $0.depthLimit = 300
            $0.startDayRule = startDayRule
            $0.data.longEvery = 10
        }
        try await day.run { running in
            let results = try await running.complete(SimulatedDay.job())
            #expect(results.count >= 4 && results.keys.allSatisfy { DayParts.isPart($0, of: "daily-20260302") })
            try await SimulatedDay.expectAll(day.store, try day.truth())
            let outside = results.values.reduce(0) { $0 + ($1.figures["outside"] ?? 0) }
            #expect(startDayRule == (outside > 0), "what touches a part without starting in it is counted")
        }
    }

    @Test("is divided where the vendor says that paging goes too far, although the total looked small enough")
    func cap() async throws {
        let day = day(above: 100_000) { $0.depthLimit = 300 }
        try await day.run { running in
            let results = try await running.complete(SimulatedDay.job())
            #expect(results.count >= 4)
            try await SimulatedDay.expectAll(day.store, try day.truth())
        }
    }

    @Test("is the truth too when rows move, tokens end and answers fail while the parts are read")
    func hostile() async throws {
        let day = day {
            $0.depthLimit = 400
            $0.startDayRule = true
            $0.hitsJitter = 5
            $0.pageShift = PageShift(mode: .overlap)
            $0.faults = .hostile
        }
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            let lines = try await SimulatedDay.allLines(day.store)
            #expect(lines.count == (try day.truth()).count)
        }
    }

    @Test("two answers 504 to the same page divide it; the parts are asked for anew")
    func timeouts() async throws {
        var day = day(above: 100_000) {
            $0.faults = FaultPlan(
                mercy: 0,
                rules: [
                    FaultRule(path: "/api/v2/analytics", requests: [3, 4], fault: .status(504, body: .html))
                ])
        }
        day.configuration.concurrency = 1
        try await day.run { [day] running in
            guard case .children(let halves, let figures) = try await running.handle() else {
                Issue.record("not divided")
                return
            }
            #expect(running.pages == 4 && figures["divided-by-timeouts"] == 1)
            #expect(halves.map(\.id) == ["daily-20260302.h1", "daily-20260302.h2"])
            #expect(halves[0].interval?.end == halves[1].interval?.start)
            #expect(try await day.store.list(prefix: "genesys/").collect().isEmpty, "what was read is taken back")
            for half in halves { try await running.complete(half) }
            try await SimulatedDay.expectAll(day.store, try day.truth())
        }
    }

    @Test("a day that is in the lake isn't taken away for 504s until a third attempt meets them too")
    func timeoutsOfARerun() async throws {
        let first = day(above: 100_000)
        try await first.run { running in _ = try await running.done() }
        let before = try await SimulatedDay.manifests(first.store)
        var again = day(above: 100_000) {
            $0.faults = FaultPlan(
                mercy: 0, rules: [FaultRule(path: "/api/v2/analytics", probability: 1, fault: .status(504, body: .html))])
        }
        again.store = first.store
        try await again.run { [again] running in
            guard case .retry = try await running.failure(SimulatedDay.job(revision: 1)) else {
                Issue.record("not tried again")
                return
            }
            #expect(try await SimulatedDay.manifests(again.store) == before)
            let third = JobContext(attempt: 3, worker: "w@0", logger: .quiet)
            guard case .children = try await running.handler.handle(SimulatedDay.job(revision: 1), third) else {
                Issue.record("not divided")
                return
            }
        }
    }

    @Test("an outage of 504 doesn't divide a day into dust")
    func outage() async throws {
        var day = day(above: 100_000) {
            $0.faults = FaultPlan(
                mercy: 0, rules: [FaultRule(path: "/api/v2/analytics", probability: 1, fault: .status(504, body: .empty))])
        }
        day.configuration.leastTimeoutWindow = 6 * 3600
        try await day.run { running in
            var waiting = [SimulatedDay.job()]
            var failed = 0
            while let job = waiting.popLast() {
                switch try await running.failure(job) {
                case .children(let children, _): waiting += children
                case .retry(_, let failure):
                    failed += 1
                    #expect(failure.reason == "vendor-unavailable")
                case let other: Issue.record("\(other)")
                }
            }
            #expect(failed == 4, "quarters, tried again later")
        }
    }

    @Test("a rerun of the whole takes the place of the parts, and the other way round")
    func rerun() async throws {
        let day = day()
        var whole = day
        whole.configuration.splitAbove = 100_000
        try await day.run { running in try await running.complete(SimulatedDay.job()) }
        #expect(try await SimulatedDay.manifests(day.store).count >= 4)
        let (store, truth) = (day.store, try day.truth())
        try await whole.run { running in
            try await running.complete(SimulatedDay.job(revision: 1))
            #expect(try await SimulatedDay.manifests(store).keys.sorted() == ["daily-20260302"])
            try await SimulatedDay.expectAll(store, truth)
        }
        try await day.run { running in
            try await running.complete(SimulatedDay.job(revision: 2))
            let manifests = try await SimulatedDay.manifests(store)
            #expect(manifests.count >= 4 && manifests.values.allSatisfy { $0.revision == 2 })
            try await SimulatedDay.expectAll(store, truth)
        }
    }

    @Test("a message of a divided day that comes once more, or long after, finds its parts and leaves them alone")
    func again() async throws {
        let day = day()
        var whole = day
        whole.configuration.splitAbove = 100_000
        try await day.run { running in try await running.complete(SimulatedDay.job(revision: 1)) }
        let before = try await SimulatedDay.manifests(day.store)
        try await whole.run { running in
            for revision in [0, 1] {
                guard case .children(let parts, _) = try await running.handle(SimulatedDay.job(revision: revision)) else {
                    Issue.record("extracted once more")
                    return
                }
                for part in parts { _ = try await running.done(part) }
                #expect(running.pages == 0)
            }
        }
        #expect(try await SimulatedDay.manifests(day.store) == before)
    }

    @Test("the halves of several days have objects of their own, however long they are")
    func days() async throws {
        var day = day(200, above: 250)
        day.configuration.leastWindow = 3600
        try await day.run { [day] running in
            var job = SimulatedDay.job()
            let start = try #require(Timestamp.date("2026-03-01T16:00:00Z"))
            job.interval = Interval(start: start, end: start.addingTimeInterval(4 * 86_400))
            let results = try await running.complete(job)
            #expect(results.count >= 4)
            let truth = running.simulator.truth(
                try #require(SimulatorInterval("2026-03-01T16:00:00.000Z/2026-03-05T16:00:00.000Z")))
            try await SimulatedDay.expectAll(day.store, truth)
        }
    }

    @Test("an interval that has just ended waits until its rows stand still")
    func settleMargin() async throws {
        let day = SimulatedDay(conversationsPerDay: 50) { $0.now = SimulatorInstant("2026-03-02T16:02:00Z") }
        try await day.run { running in
            guard case .snooze(let until, let failure) = try await running.failure() else {
                Issue.record("not snoozed")
                return
            }
            #expect(until == Timestamp.date("2026-03-02T16:05:00Z") && failure.reason == "not-settled")
            #expect(running.pages == 0)
            running.simulator.clock.advance(by: .seconds(180))
            _ = try await running.done()
        }
    }

    @Test("what neither task nor method is, is refused with what there is")
    func unknownTask() async throws {
        let day = SimulatedDay(conversationsPerDay: 5)
        try await day.run { running in
            for (name, value) in [("task", "extrakt"), ("method", "x")] {
                let job = SimulatedDay.job(parameters: .object([name: .string(value)]))
                guard case .dead(let failure, cause: .job) = try await running.failure(job) else {
                    Issue.record("not dead")
                    return
                }
                #expect(failure.reason == "bad-job" && failure.message.contains("none of"))
            }
        }
    }
}

@Suite("Parts of a day")
struct DayPartsTests {
    @Test("belong to their whole at any depth, and to nobody else")
    func belonging() {
        #expect(DayParts.whole(of: "a.h1.h2.h1") == "a" && DayParts.whole(of: "a") == "a" && DayParts.whole(of: ".h1") == ".h1")
        #expect(DayParts.isPart("a.h1", of: "a") && DayParts.isPart("a.h2.h1", of: "a") && DayParts.isPart("a.h2.h1", of: "a.h2"))
        for stranger in ["a", "a.h3", "a.h1x", "b.h1", "a.h1.", "aa.h1"] { #expect(!DayParts.isPart(stranger, of: "a")) }
    }

    @Test("halves adjoin, cover the whole, and end at the least window")
    func halves() throws {
        let start: Int64 = 1_772_380_800_000
        for milliseconds in [120_000, 120_001, 86_400_000, 7_777_777] as [Int64] {
            let range = try #require(QueryInterval(startMilliseconds: start, endMilliseconds: start + milliseconds))
            let halves = try #require(DayParts.halves(of: SimulatedDay.job(), range: range, least: 60))
            #expect(halves.count == 2 && halves[0].interval?.end == halves[1].interval?.start)
            #expect(halves[0].interval?.start.timeIntervalSince1970 == Double(start) / 1000)
            #expect(halves[1].interval?.end.timeIntervalSince1970 == Double(start + milliseconds) / 1000)
        }
        let short = try #require(QueryInterval(startMilliseconds: start, endMilliseconds: start + 119_999))
        #expect(DayParts.halves(of: SimulatedDay.job(), range: short, least: 60) == nil)
    }
}
