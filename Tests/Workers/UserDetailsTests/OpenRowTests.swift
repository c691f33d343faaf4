import Contracts
import Foundation
import Logging
import ObjectStorage
import TestSupport
import Testing
import VendorSimulator
import WorkerKit

@testable import UserDetails

@Suite("Rows that are open or reach over a day's end", .timeLimit(.minutes(5)))
struct OpenRowTests {
    @Test(
        "a row that was open is completed by the next day's job, whatever the vendor tells of rows that reach over the end",
        arguments: UserData.Crossing.allCases)
    func completed(_ crossing: UserData.Crossing) async throws {
        let users = SimulatedUsers(now: "2026-03-02T16:20:00Z") { $0.users.crossing = crossing }
        try await users.run { running in
            let first = try await running.work([SimulatedUsers.job(1)])
            if crossing != .clipped, crossing != .withheld {
                #expect(first[0].figures["open"] ?? 0 > 10)
                #expect(try await running.states().first?.open.count == first[0].figures["open"])
            }
            for day in 2...5 {
                running.advance(days: 1)
                try await running.work([SimulatedUsers.job(day)])
                if crossing != .clipped, crossing != .unended, day % 2 == 1 {
                    try await running.expectTruth(1, through: day, "day \(day)")
                }
            }
            let lines = try await running.lines()
            let keys = lines.compactMap { UserRow(line: $0)?.key }
            #expect(Set(keys).count == lines.count)
            let open = lines.filter { UserRow(line: $0)?.isOpen == true }
            #expect(open.allSatisfy { $0.count > 0 } && open.count < 120)
        }
    }

    @Test("the rerun of an earlier day has its job's id and parameters, and the revision after its manifest's")
    func successors() async throws {
        let users = SimulatedUsers(now: "2026-03-02T16:20:00Z")
        try await users.run { running in
            var job = SimulatedUsers.job(1, parameters: ["method": .string("query")])
            job.maximumAttempts = 5
            try await running.done(job)
            running.advance(days: 1)
            let result = try await running.done(SimulatedUsers.job(2))
            let rerun = try #require(result.successors.first { $0.id == job.id })
            #expect(result.successors.count == 1 && result.figures["reruns"] == 1)
            #expect(result.figures["completed"] ?? 0 > 10)
            #expect(rerun.revision == 1 && rerun.interval == job.interval && rerun.day == job.day && rerun.root == job.id)
            #expect(rerun.parameters == job.parameters && rerun.maximumAttempts == 5)
            // A job that is done twice asks for the same again, as after an end between its manifest and its completion.
            let again = try await running.done(SimulatedUsers.job(2))
            #expect(again.successors.map(\.id) == [job.id] && again.successors.map(\.revision) == [1])
            let done = try await running.done(rerun)
            #expect(done.successors.isEmpty)
            try await running.expectTruth(1, through: 2)
            #expect(try await running.store.list(prefix: "_switchboard/user-details/learned/").collect().isEmpty)
        }
    }

    @Test(
        "days in any order, over a gap, twice and at the same time leave each row once", arguments: Array(UInt64(1)...3))
    func anyOrder(_ seed: UInt64) async throws {
        let users = SimulatedUsers(users: 17)
        try await users.run { running in
            var random = SplitMix(seed: seed)
            var days = [1, 2, 3, 4, 5, 7, 8].shuffled(using: &random)
            days += days.prefix(2)
            try await running.work(days.map { SimulatedUsers.job($0) })
            let lines = try await running.lines()
            let keys = lines.compactMap { UserRow(line: $0)?.key }
            #expect(Set(keys).count == keys.count, "seed \(seed): a row is there twice")
            // Then the gap is filled, and everything must be as if the days had come in order.
            try await running.work([SimulatedUsers.job(6)])
            try await running.expectTruth(1, through: 8, "seed \(seed)")
        }
    }

    @Test("days that are extracted at the same time find out about each other")
    func concurrent() async throws {
        let users = SimulatedUsers(users: 17)
        try await users.run { running in
            let results = try await withThrowingTaskGroup(of: JobResult.self) { group in
                for day in 1...6 { group.addTask { try await running.done(SimulatedUsers.job(day)) } }
                var results: [JobResult] = []
                for try await result in group { results.append(result) }
                return results
            }
            try await running.work(results.flatMap(\.successors))
            try await running.expectTruth(1, through: 6)
        }
    }

    @Test(
        "a sweep completes what no later day's job has seen, even if ends are told only by intervals that reach to them",
        arguments: [(UserData.Crossing.returned, 31), (.returned, 7), (.returned, 1), (.unended, 31)])
    func sweep(_ crossing: UserData.Crossing, _ longest: Int) async throws {
        let users = SimulatedUsers(now: "2026-03-02T16:20:00Z") {
            $0.users.crossing = crossing
            $0.users.longestQueryDays = longest
        }
        try await users.run { running in
            try await running.done(SimulatedUsers.job(1))
            running.advance(days: 9)
            var sweep = SimulatedUsers.job(9, parameters: ["task": .string("complete")])
            sweep.id = "user-details-open-2026-03-10"
            sweep.dataset = "user_details-open"
            let results = try await running.work([sweep])
            #expect(results.count == 2 && results[0].figures["completed"] ?? 0 > 10)
            #expect(results[0].manifest == "genesys/user_details-open/2026/03/10/_manifest.user-details-open-2026-03-10.json")
            try await running.expectTruth(1, through: 1)
            #expect(try await running.states().allSatisfy { $0.open.isEmpty })
            // The vendor's own interval shows some of them open again; what has ended stays ended.
            try await running.work([SimulatedUsers.job(1, revision: 5)])
            try await running.expectTruth(1, through: 1)
        }
    }

    @Test("a rerun asks the vendor for its own day alone; ends of other days' rows are asked for by first runs")
    func rerunAsksNothing() async throws {
        let users = SimulatedUsers(now: "2026-03-02T16:20:00Z")
        try await users.run { running in
            try await running.done(SimulatedUsers.job(1))
            running.advance(days: 5)
            try await running.done(SimulatedUsers.job(6))
            let path = "/api/v2/analytics/users/details/query"
            let before = running.asked(path)
            let result = try await running.done(SimulatedUsers.job(6, revision: 1))
            #expect(running.asked(path) - before == result.figures["pages"])
            // What it sees by itself it tells.
            #expect(result.successors.map(\.id) == [SimulatedUsers.job(1).id] || result.successors.isEmpty)
        }
    }

    @Test("what is learned while a day takes in what was learned before isn't forgotten")
    func learnedMeanwhile() async throws {
        let states = DayStates(store: MemoryObjectStore(), source: "genesys/main", dataset: "user_details", logger: .quiet)
        let job = SimulatedUsers.job(1)
        func row(_ user: String, _ end: String) throws -> UserRow {
            let record = #"{"startTime":"2026-03-01T16:00:00Z"\#(end)}"#
            return try #require(UserRow(line: Array(#"{"userId":"\#(user)","kind":"x","record":\#(record)}"#.utf8)))
        }
        let ended = #","endTime":"2026-03-01T17:00:00Z""#
        try await states.learn([try row("a", ""), try row("b", ended)], for: job)
        let taken = try await states.learned(job)
        try await states.learn([try row("a", ended), try row("b", ""), try row("c", ended)], for: job)
        #expect(try await states.forget(taken, for: job), "something is left")
        let rest = try await states.learned(job)
        #expect(rest.map(\.key?.user) == ["a", "c"] && rest.allSatisfy { !$0.isOpen })
        #expect(try await !states.forget(rest, for: job))
        #expect(try await states.learned(job).isEmpty)
    }

    @Test("rows of history, extracted long after their day, are followed for as long as yesterday's")
    func history() throws {
        let states = DayStates(
            store: MemoryObjectStore(), source: "genesys/main", dataset: "user_details", logger: Logger(label: "test"))
        let configuration = UserDetailsConfiguration()
        var state = DayState(job: SimulatedUsers.job(1))
        let extracted = SimulatedUsers.interval(1).end.addingTimeInterval(250 * 86_400)
        #expect(states.isGivenUp(state, at: extracted, configuration))
        state.since = extracted
        let kept = try #require(DayState(state.encoded()))
        #expect(!states.isGivenUp(kept, at: extracted.addingTimeInterval(29 * 86_400), configuration))
        #expect(states.isGivenUp(kept, at: extracted.addingTimeInterval(31 * 86_400), configuration))
    }

    @Test("rows that stay open for longer than they are followed are given up, and counted")
    func givenUp() async throws {
        var users = SimulatedUsers(now: "2026-03-02T16:20:00Z")
        users.configuration.carry = .seconds(2 * 86400)
        try await users.run { running in
            try await running.done(SimulatedUsers.job(1))
            running.advance(days: 7)
            let result = try await running.done(SimulatedUsers.job(7))
            #expect(result.figures["given-up"] ?? 0 > 10 && result.figures["completed"] == nil)
            #expect(try await running.states().allSatisfy { $0.open.isEmpty || $0.job.day == "2026-03-08" })
        }
    }
}
