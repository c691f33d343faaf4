import Contracts
import Foundation
import ObjectStorage
import TestSupport
import Testing
import VendorSimulator
import WorkerKit

@testable import UserDetails

@Suite("A day of user details, from vendor to lake", .timeLimit(.minutes(5)))
struct UserDayTests {
    @Test("a day is the truth, presence and routing in rows of their own, and pages are read until one is empty")
    func day() async throws {
        try await SimulatedUsers().run { running in
            let result = try await running.done(SimulatedUsers.job(1))
            try await running.expectTruth(1, through: 1)
            #expect(result.manifest == "genesys/user_details/2026/03/02/_manifest.user-details-2026-03-02.json")
            // 24 users, two of which have nothing at all: four pages of six, and the empty one.
            #expect(result.figures["users"] == 22 && result.figures["pages"] == 5 && result.figures["passes"] == 1)
            #expect(result.figures["missing-arrays"] ?? 0 > 0 && result.figures["duplicates"] ?? 0 == 0)
            let kinds = Set(try await running.lines().compactMap { UserRow(line: $0)?.key?.kind })
            #expect(kinds == ["primaryPresence", "routingStatus"])
        }
    }

    @Test("a job that finds its manifest asks the vendor nothing, and a higher revision writes the same rows")
    func rerun() async throws {
        try await SimulatedUsers().run { running in
            let first = try await running.done(SimulatedUsers.job(1))
            let asked = running.asked("/api")
            let again = try await running.done(SimulatedUsers.job(1))
            #expect(running.asked("/api") == asked && again.figures["records"] == first.figures["records"])
            try await running.done(SimulatedUsers.job(1, revision: 1))
            #expect(running.asked("/api") > asked)
            try await running.expectTruth(1, through: 1)
        }
    }

    @Test(
        "users that shift between pages are neither lost nor doubled, and a total that is wrong costs one more pass",
        arguments: [PageShift.Mode.overlap, .insert])
    func shifting(_ mode: PageShift.Mode) async throws {
        let users = SimulatedUsers(users: 50) {
            $0.pageShift.mode = mode
            $0.pageShift.limit = 6
            $0.hitsJitter = 3
        }
        try await users.run { running in
            let result = try await running.done(SimulatedUsers.job(1))
            try await running.expectTruth(1, through: 1)
            #expect(result.figures["passes"] ?? 0 > 1 && result.figures["unsettled"] == 0)
        }
    }

    @Test("a vendor at its worst changes nothing of the result")
    func hostile() async throws {
        let users = SimulatedUsers {
            $0.faults = .hostile
            $0.pageShift.mode = .overlap
            $0.tokenLifetime = 30
        }
        try await users.run { running in
            try await running.work((1...2).map { SimulatedUsers.job($0) })
            try await running.expectTruth(1, through: 2)
        }
    }

    @Test("pages that time out again and again are asked for in smaller ones")
    func timeouts() async throws {
        let users = SimulatedUsers {
            $0.faults.mercy = 0
            $0.faults.rules = [
                FaultRule(
                    path: "/api/v2/analytics/users/details/query", requests: Array(2...13), fault: .status(504, body: .html))
            ]
        }
        try await users.run { running in
            let result = try await running.done(SimulatedUsers.job(1))
            #expect(result.figures["shrunk-pages"] == 1 && result.figures["passes"] == 1)
            #expect(result.figures["duplicates"] ?? 0 == 0)
            try await running.expectTruth(1, through: 1)
        }
    }

    @Test("a day without anybody is complete: a manifest without objects")
    func empty() async throws {
        let filter: JSONValue = .object([
            "userFilters": .array([
                .object([
                    "type": .string("or"),
                    "predicates": .array([.object(["dimension": .string("userId"), "value": .string("nobody")])]),
                ])
            ])
        ])
        try await SimulatedUsers().run { running in
            let result = try await running.done(SimulatedUsers.job(1, parameters: ["request": filter]))
            #expect(result.figures["records"] == 0 && result.figures["pages"] == 1)
            #expect(try await running.lines().isEmpty)
        }
    }

    @Test("an interval that isn't over for long enough is snoozed until it is, and nothing is asked")
    func notSettled() async throws {
        try await SimulatedUsers(now: "2026-03-02T16:10:00Z").run { running in
            guard case .snooze(let until, let failure) = try await running.handle(SimulatedUsers.job(1)) else {
                Issue.record("not snoozed")
                return
            }
            #expect(failure.reason == "not-settled" && Timestamp.string(until) == "2026-03-02T16:15:00.000Z")
            #expect(running.asked("/api") == 0)
            running.advance(days: 0.01)
            try await running.done(SimulatedUsers.job(1))
        }
    }

    @Test("an unknown task, method, or lookup, and a request that can't be sent, are dead with advice")
    func badJobs() async throws {
        try await SimulatedUsers().run { running in
            let bad: [[String: JSONValue]] = [
                ["task": .string("guess")], ["method": .string("carrier pigeon")], ["task": .string("lookup")],
                ["request": .object(["paging": .object([:])])], ["request": .string("x")], ["task": .integer(3)],
                ["task": .string("complete")],
                ["method": .string("job"), "request": .object(["aggregations": .array([])])],
            ]
            for parameters in bad {
                guard case .dead(let failure, .job) = try await running.handle(SimulatedUsers.job(1, parameters: parameters))
                else {
                    Issue.record("not dead: \(parameters)")
                    continue
                }
                #expect(failure.reason == "bad-job" && failure.advice?.isEmpty == false)
            }
        }
    }

    @Test("objects end at a number of rows, and rows that were superseded are taken out of them")
    func smallObjects() async throws {
        var users = SimulatedUsers { $0.pageShift.mode = .overlap }
        users.configuration.recordsPerObject = 100
        try await users.run { running in
            let result = try await running.done(SimulatedUsers.job(1))
            #expect(result.figures["objects"] ?? 0 > 3)
            try await running.expectTruth(1, through: 1)
        }
    }
}
