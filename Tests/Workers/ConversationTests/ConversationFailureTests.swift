import Contracts
import Foundation
import ObjectStorage
import Synchronization
import Testing
import VendorSimulator
import WorkerKit

@testable import Conversation

@Suite("A conversation day that can't be had", .timeLimit(.minutes(5)))
struct ConversationFailureTests {
    private func expectDead(_ outcome: Outcome, _ reason: String, advice: String) {
        guard case .dead(let failure, _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(failure.reason == reason)
        #expect(failure.advice?.contains(advice) == true, "\(failure)")
    }

    @Test("without the permission the job is dead, and says which one is needed")
    func permission() async throws {
        var forbidden = FaultPlan(mercy: 0)
        forbidden.rules = [FaultRule(path: "/api/", probability: 1, fault: .status(403, body: .json))]
        let plan = forbidden
        let day = SimulatedDay(conversationsPerDay: 10) { $0.faults = plan }
        try await day.run { running in
            expectDead(try await running.failure(), "vendor-permission", advice: "analytics:conversationDetail:view")
            #expect(running.pages == 1, "the same request fails again")
            #expect(try await day.store.list(prefix: "").collect().isEmpty)
        }
    }

    @Test("with a wrong secret the job is dead, says what to check, and doesn't say the secret")
    func secret() async throws {
        var day = SimulatedDay(conversationsPerDay: 10)
        day.secret = "hunter2-wrong"
        try await day.run { running in
            let outcome = try await running.failure()
            expectDead(outcome, "vendor-credentials", advice: "check the client's id and secret")
            #expect(!"\(outcome)".contains("hunter2"))
        }
    }

    @Test("an interval that can't be divided further and has more than the vendor pages through is dead, and says so")
    func cap() async throws {
        var day = SimulatedDay(conversationsPerDay: 450) { $0.depthLimit = 300 }
        day.configuration.leastWindow = 86_400
        try await day.run { [day] running in
            expectDead(try await running.failure(), "vendor-result-cap", advice: "split the interval")
            #expect(try await SimulatedDay.manifest(day.store) == nil)
        }
    }

    @Test("a vendor that doesn't get well is tried again later")
    func unavailable() async throws {
        var broken = FaultPlan(mercy: 0)
        broken.rules = [FaultRule(path: "/api/", probability: 1, fault: .status(503, body: .html))]
        let plan = broken
        let day = SimulatedDay(conversationsPerDay: 10) { $0.faults = plan }
        try await day.run { running in
            guard case .retry(_, let failure) = try await running.failure() else {
                Issue.record("no retry")
                return
            }
            #expect(failure.reason == "vendor-unavailable" && failure.advice != nil)
        }
    }

    @Test("a vendor that throttles for ever costs the job no attempt")
    func throttled() async throws {
        var throttling = FaultPlan(mercy: 0)
        throttling.rules = [FaultRule(path: "/api/", probability: 1, fault: .throttle(retryAfter: 40))]
        let plan = throttling
        let day = SimulatedDay(conversationsPerDay: 10) { $0.faults = plan }
        try await day.run { running in
            guard case .snooze(let until, let failure) = try await running.failure() else {
                Issue.record("no snooze")
                return
            }
            #expect(failure.reason == "vendor-throttled" && until > Date())
        }
    }

    @Test("a vendor that is closed until later costs the job no attempt, and the job waits until then")
    func closed() async throws {
        var closed = FaultPlan(mercy: 0)
        closed.rules = [FaultRule(path: "/api/", probability: 1, fault: .status(503, body: .html, retryAfter: 1800))]
        let plan = closed
        let day = SimulatedDay(conversationsPerDay: 10) { $0.faults = plan }
        try await day.run { running in
            guard case .snooze(let until, let failure) = try await running.failure() else {
                Issue.record("no snooze")
                return
            }
            #expect(failure.reason == "vendor-unavailable")
            #expect(abs(until.timeIntervalSinceNow - 1800) < 60)
            #expect(running.pages == 1)
        }
    }

    @Test(
        "a lake out of order is tried again, whatever step fails; no half object is left",
        arguments: [MemoryObjectStore.Operation.put, .write, .finish, .get])
    func lake(_ broken: MemoryObjectStore.Operation) async throws {
        let isBroken = Mutex(true)
        let store = MemoryObjectStore { operation, key in
            operation == broken && isBroken.withLock { $0 }
                ? ObjectStorageError(.noSpace, store: "memory:", key: key.text, message: "full") : nil
        }
        var day = SimulatedDay(conversationsPerDay: 250)
        day.store = store
        try await day.run { running in
            guard case .retry(_, let failure) = try await running.failure() else {
                Issue.record("no retry")
                return
            }
            #expect(failure.reason == "lake-unavailable" && failure.message.contains("full") && failure.advice != nil)
            isBroken.withLock { $0 = false }
            #expect(try await SimulatedDay.manifest(store) == nil && store.openPuts == 0)
            _ = try await running.done()
            try await SimulatedDay.expectTruth(store, try running.truth())
        }
    }

    @Test(
        "a job that is cancelled in mid-day leaves no manifest and no half object, and isn't called a failure; the next run is whole"
    )
    func cancelled() async throws {
        let task = Mutex<Task<Outcome, any Error>?>(nil)
        let isRigged = Mutex(true)
        let store = MemoryObjectStore { operation, key in
            if operation == .write, key.text.hasSuffix("_3.json"), isRigged.withLock({ $0 }) { task.withLock { $0?.cancel() } }
            return nil
        }
        var day = SimulatedDay(conversationsPerDay: 700)
        day.store = store
        try await day.run { running in
            let started = AsyncStream.makeStream(of: Void.self)
            let run = Task {
                for await _ in started.stream { break }
                return try await running.handle()
            }
            task.withLock { $0 = run }
            started.continuation.yield()
            await #expect(throws: CancellationError.self) { try await run.value }
            #expect(store.openPuts == 0)
            #expect(try await SimulatedDay.manifest(store) == nil)
            isRigged.withLock { $0 = false }
            _ = try await running.done()
            try await SimulatedDay.expectTruth(store, try running.truth())
        }
    }

    /// Jobs that no vendor could be asked about.
    static let badJobs: [(job: Job, word: String)] = {
        var noDay = SimulatedDay.job()
        noDay.day = nil
        var noInterval = SimulatedDay.job()
        noInterval.interval = nil
        var empty = SimulatedDay.job()
        empty.interval = empty.interval.flatMap { Interval(start: $0.start, end: $0.start) }
        return [
            (noDay, "day"), (noInterval, "interval"), (empty, "interval"),
            (SimulatedDay.job(parameters: .object(["request": .string("x")])), "object"),
            (SimulatedDay.job(parameters: .object(["request": .object(["paging": .object([:])])])), "paging"),
        ]
    }()

    @Test("a job that can't be asked for is dead, says why, and costs the vendor nothing", arguments: 0..<5)
    func impossible(_ index: Int) async throws {
        let sample = Self.badJobs[index]
        let day = SimulatedDay(conversationsPerDay: 10)
        try await day.run { running in
            guard case .dead(let failure, _) = try await running.failure(sample.job) else {
                Issue.record("not dead")
                return
            }
            #expect(failure.reason == "bad-job" && failure.message.contains(sample.word), "\(failure)")
            #expect(running.simulator.requests.total == 0)
        }
    }
}
