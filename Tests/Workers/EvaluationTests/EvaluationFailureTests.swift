import Contracts
import Foundation
import ObjectStorage
import Synchronization
import Testing
import VendorSimulator
import WorkerKit

@testable import Evaluation

@Suite("A day of evaluations that can't be had, or hardly", .timeLimit(.minutes(5)))
struct EvaluationFailureTests {
    @Test("is whole all the same when a fifth of the calls fail, tokens are revoked and expire, and the vendor throttles")
    func hostile() async throws {
        var plan = FaultPlan.hostile
        plan.rules += [
            FaultRule(path: "/api/v2/quality/evaluations/query", requests: [9], fault: Fault(.revoke)),
            FaultRule(path: "/api/v2/quality/evaluations/query", requests: [5], fault: .truncate(keep: 0.4)),
            FaultRule(path: "/api/v2/quality/evaluations/query", requests: [6, 7, 8], fault: .status(504, body: .html)),
        ]
        let faults = plan
        let week = SimulatedWeek(conversationsPerDay: 50) {
            $0.faults = faults
            $0.wrongTotals = true
            $0.listingPageLimit = 4
        }
        try await week.run { running in
            _ = try await running.done(SimulatedWeek.job())
            try await week.expectTruth(try running.truth())
            let tokens = running.simulator.requests.entries.count { $0.service == "login" && $0.status == 200 }
            #expect(tokens > 1, "the token was renewed on the way")
            let failed = running.simulator.requests.entries.count { $0.fault != nil }
            #expect(failed > 10)
        }
    }

    @Test(
        "without a permission the job is dead, and says which one is needed",
        arguments: [
            ("/quality/evaluations/query", "quality:evaluation:view"), ("/authorization/roles", "authorization:role:view"),
            ("/analytics/conversations", "analytics:conversationDetail:view"),
            ("/quality/forms", "quality:evaluationForm:view"),
        ])
    func permission(_ path: String, _ permission: String) async throws {
        var forbidden = FaultPlan(mercy: 0)
        forbidden.rules = [FaultRule(path: "/api/v2\(path)", probability: 1, fault: .status(403, body: .html))]
        let plan = forbidden
        let week = SimulatedWeek(conversationsPerDay: 40) { $0.faults = plan }
        try await week.run { running in
            guard case .dead(let failure, _) = try await running.failure(SimulatedWeek.job()) else {
                Issue.record("not dead")
                return
            }
            #expect(failure.reason == "vendor-permission" && failure.advice?.contains(permission) == true, "\(failure)")
            #expect(try await week.manifest() == nil)
            #expect(
                try await week.store.list(prefix: "genesys/evaluations/").collect().allSatisfy { $0.key.text.hasSuffix(".json") })
        }
    }

    @Test("a correction that fails in mid-day leaves the day as it was", arguments: [MemoryObjectStore.Operation.write, .finish])
    func correction(_ broken: MemoryObjectStore.Operation) async throws {
        let isBroken = Mutex(false)
        let store = MemoryObjectStore { operation, key in
            operation == broken && isBroken.withLock { $0 } && key.text.contains("genesys_evaluations")
                ? ObjectStorageError(.noSpace, store: "memory:", key: key.text, message: "full") : nil
        }
        var week = SimulatedWeek(conversationsPerDay: 40)
        week.store = store
        let days = week
        try await days.run { running in
            _ = try await running.done(SimulatedWeek.job())
            let before = try await days.manifest()
            isBroken.withLock { $0 = true }
            guard case .retry(_, let failure) = try await running.failure(SimulatedWeek.job(revision: 1)) else {
                Issue.record("no retry")
                return
            }
            #expect(failure.reason == "lake-unavailable")
            #expect(try await days.manifest() == before && store.openPuts == 0)
            _ = try await days.lines()
            isBroken.withLock { $0 = false }
            _ = try await running.done(SimulatedWeek.job(revision: 1))
            try await days.expectTruth(try running.truth())
            #expect(try await days.manifest()?.revision == 1)
        }
    }

    @Test("a lake that was damaged is never joined with what comes now")
    func damaged() async throws {
        let week = SimulatedWeek(conversationsPerDay: 40)
        try await week.run { running in
            _ = try await running.done(SimulatedWeek.job())
            let found = try await week.manifest()
            let manifest = try #require(found)
            try await week.store.put(try ObjectKey(manifest.objects[0].key), bytes: Array("{}\n".utf8))
            guard case .retry(_, let failure) = try await running.failure(SimulatedWeek.job(revision: 1)) else {
                Issue.record("no retry")
                return
            }
            #expect(failure.reason == "lake-damaged")
            #expect(try await week.manifest() == manifest)
        }
    }

    /// Jobs that no vendor could be asked about.
    static let badJobs: [(job: Job, word: String)] = {
        var noDay = SimulatedWeek.job()
        noDay.day = nil
        var empty = SimulatedWeek.job()
        empty.interval = empty.interval.flatMap { Interval(start: $0.start, end: $0.start) }
        return [
            (noDay, "day"), (empty, "interval"),
            (SimulatedWeek.job(parameters: ["task": .string("guess")]), "extract, sweep, forms"),
            (SimulatedWeek.job(parameters: ["task": .integer(1)]), "task"),
            (SimulatedWeek.job(parameters: ["method": .string("job")]), "method"),
            (SimulatedWeek.job(parameters: ["of": .string("../x")]), "data set"),
            (SimulatedWeek.job(parameters: ["evaluations": .string("x")]), "list"),
            (SimulatedWeek.job(parameters: ["evaluations": .array([.string("../a/b")])]), "conversation/evaluation"),
        ]
    }()

    @Test("a job that can't be asked for is dead, says why, and costs the vendor nothing", arguments: 0..<8)
    func impossible(_ index: Int) async throws {
        let sample = Self.badJobs[index]
        let week = SimulatedWeek(conversationsPerDay: 10)
        try await week.run { running in
            guard case .dead(let failure, _) = try await running.failure(sample.job) else {
                Issue.record("not dead")
                return
            }
            #expect(failure.reason == "bad-job" && failure.message.contains(sample.word), "\(failure)")
            #expect(running.simulator.requests.total == 0)
        }
    }
}
