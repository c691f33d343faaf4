import Contracts
import Foundation
import ObjectStorage
import Testing
import VendorSimulator
import WorkerKit

@testable import UserDetails

@Suite("A day of user details by the vendor's job", .timeLimit(.minutes(5)))
struct DetailsJobDayTests {
    private static let parameters: [String: JSONValue] = ["method": .string("job")]

    @Test("a day by job is the same truth as by query")
    func day() async throws {
        try await SimulatedUsers().run { running in
            let result = try await running.done(SimulatedUsers.job(1, parameters: Self.parameters))
            try await running.expectTruth(1, through: 1)
            #expect(result.figures["submissions"] == 1 && running.asked("/api/v2/analytics/users/details/query") == 0)
        }
    }

    @Test("jobs that fail, expire, are cancelled or forgotten, and results that come late or in odd pages, cost only time")
    func hostile() async throws {
        let users = SimulatedUsers {
            $0.jobs = .hostile
        }
        try await users.run { running in
            var lost = 0
            for day in 1...8 {
                for result in try await running.work([SimulatedUsers.job(day, parameters: Self.parameters)]) {
                    lost += ["jobs-failed", "jobs-expired", "jobs-absent", "jobs-cancelled"].reduce(0) {
                        $0 + (result.figures[$1] ?? 0)
                    }
                    #expect(result.figures["late-results"] ?? 0 >= 0)
                }
            }
            #expect(lost > 3)
            try await running.expectTruth(1, through: 8)
        }
    }

    @Test("a day that the vendor hasn't got yet is snoozed for about as long as is missing, and no job is submitted")
    func notAvailable() async throws {
        try await SimulatedUsers().run { running in
            running.simulator.setAvailability(SimulatorInstant("2026-03-02T14:30:00Z"))
            let now = Timestamp.date(running.simulator.clock.now.description) ?? .distantPast
            guard
                case .snooze(let until, let failure) = try await running.handle(
                    SimulatedUsers.job(1, parameters: Self.parameters))
            else {
                Issue.record("not snoozed")
                return
            }
            #expect(failure.reason == "vendor-not-available" && until.timeIntervalSince(now) == 5400)
            #expect(running.simulator.submittedJobs == 0)
        }
    }

    @Test("results that are truncated although the day was available are incomplete: nothing is published, it's run again")
    func truncated() async throws {
        let users = SimulatedUsers { $0.jobs.queuedLooks = 1 }
        try await users.run { running in
            // The date falls back after it was asked for, as it did in an incident.
            let checkpoint = JobCheckpoint()
            let simulator = running.simulator
            simulator.setAvailability(SimulatorInstant("2026-03-02T16:00:00Z"))
            let job = SimulatedUsers.job(1, parameters: Self.parameters)
            let attempt = Task { try await running.handle(job, checkpoint) }
            while simulator.submittedJobs == 0 { await Task.yield() }
            simulator.setAvailability(SimulatorInstant("2026-03-02T12:00:00Z"))
            guard case .snooze(_, let failure) = try await attempt.value else {
                Issue.record("a truncated day was published")
                return
            }
            #expect(failure.reason == "vendor-truncated")
            #expect(try await running.lines().isEmpty)
            simulator.setAvailability(nil)
            let next = JobCheckpoint(last: checkpoint.newest)
            let result = try await running.done(job, next)
            #expect(result.figures["truncated"] == 1)
            try await running.expectTruth(1, through: 1)
        }
    }

    @Test("an attempt goes on with the job that the one before submitted")
    func resumed() async throws {
        try await SimulatedUsers().run { running in
            let checkpoint = JobCheckpoint()
            let job = SimulatedUsers.job(1, parameters: Self.parameters)
            try await running.done(job, checkpoint)
            #expect(running.simulator.submittedJobs == 1)
            let next = JobCheckpoint(last: checkpoint.newest)
            try await running.done(SimulatedUsers.job(1, revision: 1, parameters: Self.parameters), next)
            #expect(running.simulator.submittedJobs == 1, "the same request goes on with the same job")
            try await running.expectTruth(1, through: 1)
        }
    }
}
