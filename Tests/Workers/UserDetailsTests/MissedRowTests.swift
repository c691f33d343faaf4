import Contracts
import Foundation
import ObjectStorage
import Testing
import VendorSimulator
import WorkerKit

@testable import UserDetails

@Suite("Rows that a day missed", .timeLimit(.minutes(5)))
struct MissedRowTests {
    private static let nobody: JSONValue = .object([
        "userFilters": .array([
            .object([
                "type": .string("or"),
                "predicates": .array([.object(["dimension": .string("userId"), "value": .string("nobody")])]),
            ])
        ])
    ])

    @Test(
        "a user who turns up when a day is done: the next day sees the rows, and the day is run again", arguments: [false, true])
    func late(_ isBackwards: Bool) async throws {
        // Four pages of a day and the fifth page of the same query, which only a rerun asks for, has a user turn up.
        let users = SimulatedUsers {
            $0.pageShift.mode = .insert
            $0.pageShift.everyPages = 5
            $0.pageShift.rows = 1
            $0.pageShift.limit = 1
        }
        try await users.run { running in
            let days = [1, 2, 3]
            let first = try await running.work((isBackwards ? days.reversed() : days).map { SimulatedUsers.job($0) })
            #expect(first[0].figures["users"] == 21)
            let results = try await running.work([SimulatedUsers.job(2, revision: 9)])
            #expect(results.contains { $0.figures["users"] == 22 })
            try await running.work([SimulatedUsers.job(3, revision: 9)])
            try await running.expectTruth(1, through: 3)
        }
    }

    @Test(
        "days at the same time, by query, while users turn up and totals are wrong: no row is missing, none is there twice",
        arguments: [(24, 0, 5), (120, 2, 8), (120, 2, 10)])
    func concurrent(_ count: Int, _ jitter: Int, _ pages: Int) async throws {
        var users = SimulatedUsers(users: count) {
            $0.pageShift.mode = .insert
            $0.pageShift.everyPages = pages
            $0.pageShift.rows = 1
            $0.pageShift.limit = count / 23
            $0.hitsJitter = jitter
        }
        users.configuration.pageSize = count / 4
        try await users.run { running in
            let results = try await withThrowingTaskGroup(of: JobResult.self) { group in
                for day in 1...5 { group.addTask { try await running.done(SimulatedUsers.job(day)) } }
                var results: [JobResult] = []
                for try await result in group { results.append(result) }
                return results
            }
            try await running.work(results.flatMap(\.successors))
            // What the last of them missed the next one sees, and the one before from that, back to the first. The second run is
            // the one by which the last user turns up at the latest.
            try await running.work([SimulatedUsers.job(6)])
            for revision in 1...4 { try await running.work([SimulatedUsers.job(6, revision: revision * 10)]) }
            try await running.expectTruth(1, through: 6)
        }
    }

    @Test(
        "a vendor that tells a row only where it ends: every row is in the day in which it begins, whatever order days come in",
        arguments: [[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1], [2, 4, 6, 1, 5, 3]])
    func withheld(_ days: [Int]) async throws {
        try await SimulatedUsers { $0.users.crossing = .withheld }.run { running in
            let results = try await running.work(days.map { SimulatedUsers.job($0) })
            #expect(results.contains { $0.figures["missed"] ?? 0 > 0 })
            try await running.expectTruth(1, through: 6)
            let interval = SimulatedUsers.interval(1)
            let end = Int64(interval.end.timeIntervalSince1970 * 1000)
            let start = Int64(interval.start.timeIntervalSince1970 * 1000)
            for state in try await running.states() {
                #expect(state.adopted.allSatisfy { $0.start < start }, "only rows from before the first day are kept for others")
                #expect(state.job.day == "2026-03-02" || state.adopted.allSatisfy { $0.start < end })
            }
            #expect(try await running.store.list(prefix: "_switchboard/user-details/learned/").collect().isEmpty)
        }
    }

    @Test("a row whose day nobody remembers, so that it can't be run again, stays where it was seen")
    func homeless() async throws {
        try await SimulatedUsers { $0.users.crossing = .withheld }.run { running in
            try await running.done(SimulatedUsers.job(1))
            for object in try await running.store.list(prefix: "_switchboard/user-details/open/").collect() {
                try await running.store.delete(object.key)
            }
            let result = try await running.done(SimulatedUsers.job(2))
            #expect(result.successors.isEmpty && result.figures["kept-for-others"] ?? 0 > 10)
            try await running.expectTruth(1, through: 2)
            try await running.work([SimulatedUsers.job(2, revision: 1, parameters: ["request": Self.nobody])])
            try await running.expectTruth(1, through: 2)
        }
    }

    @Test("a rerun joins the day with what the lake has: nothing that the vendor no longer tells is lost")
    func joined() async throws {
        var users = SimulatedUsers { $0.users.hasStrangers = true }
        users.configuration.recordsPerObject = 100
        try await users.run { running in
            try await running.work([SimulatedUsers.job(1), SimulatedUsers.job(2)])
            let before = try await running.lines()
            let result = try await running.done(
                SimulatedUsers.job(1, revision: 5, parameters: ["request": Self.nobody]))
            #expect(result.figures["users"] == 0 && result.figures["kept"] == result.figures["records"])
            let after = try await running.lines()
            #expect(Set(after) == Set(before) && after.count == before.count)
            // Rows of before the first day too, which are nobody else's.
            #expect(result.figures["adopted"] ?? 0 > 10)
            try await running.done(SimulatedUsers.job(1, revision: 6))
            let again = try await running.lines()
            #expect(Set(again) == Set(before) && again.count == before.count)
        }
    }

    @Test("two users who change places in every pass, the total standing still, are both there")
    func swaps() async throws {
        try await SimulatedUsers(users: 50) { $0.users.swaps = 4 }.run { running in
            let result = try await running.done(SimulatedUsers.job(1))
            #expect(result.figures["unsettled"] == 0 && result.figures["passes"] == 6)
            try await running.expectTruth(1, through: 1)
        }
    }

    @Test("a day whose pages kept shifting until the last pass is read again, and again, and no more")
    func unsettled() async throws {
        for (swaps, runs) in [(5, 3), (1000, 3)] {
            var users = SimulatedUsers(users: 50) { $0.users.swaps = swaps }
            users.configuration.maximumPasses = 3
            try await users.run { running in
                let results = try await running.work([SimulatedUsers.job(1)])
                try #require(results.count == runs)
                #expect(results[0].figures["unsettled"] == 1 && results[0].figures["rereads"] == 1)
                #expect(results[0].successors.map(\.revision) == [1] && results[1].successors.map(\.revision) == [2])
                #expect(results[2].figures["unsettled"] == (swaps > 100 ? 1 : 0))
                if swaps < 100 { try await running.expectTruth(1, through: 1) }
                // An end between manifest and completion costs no further run.
                let again = try await running.done(SimulatedUsers.job(1, revision: 1, parameters: ["reread": .integer(1)]))
                #expect(again.successors.isEmpty, "a later revision is there")
                // Who has the day run again has it run as it was published.
                #expect(try await running.states().map(\.job.parameters) == [.object([:])])
            }
        }
    }

    @Test("a run that ended between its manifest and its completion has the day read again too")
    func unsettledTwice() async throws {
        var users = SimulatedUsers(users: 50) { $0.users.swaps = 1000 }
        users.configuration.maximumPasses = 2
        try await users.run { running in
            let first = try await running.done(SimulatedUsers.job(1))
            let again = try await running.done(SimulatedUsers.job(1))
            #expect(first.successors.count == 1 && again.successors.map(\.parameters) == first.successors.map(\.parameters))
        }
    }

    @Test("a vendor that answers the last page for every page behind it doesn't keep a worker for ever")
    func repeated() async throws {
        let users = SimulatedUsers(now: "2026-03-02T16:20:00Z") { $0.users.repeatsLastPage = true }
        try await users.run { running in
            let result = try await running.done(SimulatedUsers.job(1))
            #expect(result.figures["passes"] == 1 && result.figures["repeated-pages"] == 2 && result.figures["unsettled"] == 0)
            try await running.expectTruth(1, through: 1)
            // Nor do questions for the ends of single users' rows.
            running.advance(days: 6)
            let results = try await running.work([SimulatedUsers.job(6)])
            #expect(results[0].figures["completed"] ?? 0 > 0)
        }
    }

    @Test("pages without end are given up, to be tried again")
    func endless() async throws {
        var users = SimulatedUsers(users: 50)
        users.configuration.maximumPages = 3
        try await users.run { running in
            guard case .retry(_, let failure) = try await running.handle(SimulatedUsers.job(1)) else {
                Issue.record("not to be tried again")
                return
            }
            #expect(failure.reason == "vendor-bad-answer" && failure.message.contains("3 pages"))
        }
    }

    @Test("fields of users and elements that are no users are kept and counted, and cost no row")
    func strangers() async throws {
        try await SimulatedUsers { $0.users.hasStrangers = true }.run { running in
            let result = try await running.done(SimulatedUsers.job(1))
            let lines = try await running.lines()
            let users = lines.filter { UserRow(stored: $0).isOfUser }
            #expect(users.count == 22 && result.figures["unknown-fields"] == 44 && result.figures["unidentified"] == 1)
            let text = users.map { String(decoding: $0, as: UTF8.self) }
            #expect(text.allSatisfy { $0.contains(#""record":{"teamId" : "t"#) && $0.hasSuffix(#","newThing":{"n":1e400}}}"#) })
            #expect(lines.contains(Array(#"{"userId":null,"kind":"user","record":null}"#.utf8)))
            #expect(Set(lines.filter { UserRow(line: $0)?.key != nil }) == Set(try running.truth(1)))
        }
    }
}
