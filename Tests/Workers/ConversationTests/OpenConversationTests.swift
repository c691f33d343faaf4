import Contracts
import Foundation
import ObjectStorage
import Records
import Synchronization
import TestSupport
import Testing
import VendorSimulator
import WorkerKit

@testable import Conversation

@Suite("Conversations that hadn't ended", .timeLimit(.minutes(5)))
struct OpenConversationTests {
    private static let evening = "2026-03-02T16:10:00Z"

    private func day(_ conversationsPerDay: Int = 600, above: Int = 100_000) -> SimulatedDay {
        var day = SimulatedDay(conversationsPerDay: conversationsPerDay) {
            $0.now = SimulatorInstant(Self.evening)
            $0.data.longEvery = 15
            // Only ends change records here, so that the truth at a moment is what finishing can reach.
            $0.data.evaluationEvery = 0
            $0.data.correctionEvery = 0
        }
        day.configuration.splitAbove = above
        return day
    }

    private func open(_ store: any ObjectStore) async throws -> Int {
        try await SimulatedDay.allLines(store).count { line in
            line.withUnsafeBytes { ConversationRecord.isOpen(RawRecord(bytes: $0)) }
        }
    }

    private func lists(_ store: any ObjectStore) async throws -> [OpenList] {
        var lists: [OpenList] = []
        for object in try await store.list(prefix: "_switchboard/conversation/open/").collect() {
            if let list = try await OpenList.read(object.key, from: store) { lists.append(list) }
        }
        return lists
    }

    @Test("are remembered, and completed day by day until none is left", arguments: [100_000, 250])
    func completed(above: Int) async throws {
        let day = day(above: above)
        let store = day.store
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            let before = try await open(store)
            #expect(before > 10)
            #expect(try await lists(store).reduce(0) { $0 + $1.open.count } == before)
            var revision = 0
            for number in 1...5 {
                running.simulator.clock.advance(by: .seconds(86_400))
                let results = try await running.complete(
                    SimulatedDay.sweep("finish-open", dataset: "conversations-open", number: number))
                let sweep = try #require(results["conversations-open-\(number)"])
                if sweep.figures["ended"] ?? 0 > 0 {
                    revision += 1
                    #expect(sweep.successors.map(\.id) == ["daily-20260302"] && sweep.successors.map(\.revision) == [revision])
                }
                let manifests = try await SimulatedDay.manifests(store)
                #expect(manifests.values.allSatisfy { $0.revision == revision })
                let now = Timestamp.string(Date(timeIntervalSince1970: Double(running.simulator.clock.now.milliseconds) / 1000))
                try await SimulatedDay.expectAll(store, try day.truth(now: now))
            }
            let left = (try await open(store), try await lists(store).count)
            #expect(left == (0, 0))
            let asked = running.simulator.requests.entries.count {
                $0.path.contains("/conversations/details") && $0.method == "GET"
            }
            #expect(asked <= 30 * (above == 250 ? 4 : 1), "ids are asked for together")
        }
    }

    @Test("a sweep that finds nothing ended asks for nothing")
    func nothing() async throws {
        let day = day()
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            let results = try await running.complete(SimulatedDay.sweep("finish-open", dataset: "conversations-open"))
            #expect(results.count == 1 && results.values.first?.figures["days"] == 0)
        }
    }

    @Test("those that the vendor has removed meanwhile stay as they were and are not asked for again")
    func gone() async throws {
        let day = day()
        let store = day.store
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            let list = try #require(try await lists(store).first)
            running.simulator.clock.advance(by: .seconds(5 * 86_400))
            #expect(running.simulator.deleteConversations([list.open[0].id]) == 1)
            let results = try await running.complete(SimulatedDay.sweep("finish-open", dataset: "conversations-open"))
            #expect(results["daily-20260302"]?.figures["gone"] == 1)
            let left = (try await open(store), try await lists(store).count)
            #expect(left == (1, 0))
        }
    }

    @Test("those of a details job are finished by id, without waiting for another job, and keep their attributes")
    func ofJobs() async throws {
        var day = day()
        day.vendor.jobs.availabilityLag = 0
        let store = day.store
        try await day.run { running in
            try await running.complete(SimulatedDay.job(parameters: .object(["method": .string("job")])))
            func attributes() async throws -> Int {
                try await SimulatedDay.allLines(store).reduce(0) { count, line in
                    count + String(decoding: line, as: UTF8.self).components(separatedBy: #""attributes""#).count - 1
                }
            }
            let before = (open: try await open(store), attributes: try await attributes())
            #expect(before.open > 10 && before.attributes > 100)
            // What jobs know stays behind by weeks.
            running.simulator.setAvailability(SimulatorInstant(Self.evening))
            running.simulator.clock.advance(by: .seconds(5 * 86_400))
            try await running.complete(SimulatedDay.sweep("finish-open", dataset: "conversations-open"))
            #expect(try await open(store) == 0)
            #expect(try await attributes() >= before.attributes)
            #expect(running.simulator.requests.entries.count { $0.method == "POST" && $0.path.hasSuffix("/jobs") } == 1)
        }
    }

    @Test("a call with many ids that the vendor refuses is made one by one", arguments: [400, 404])
    func refusedTogether(status: Int) async throws {
        var day = day(200)
        var fault = Fault(.status)
        fault.status = status
        var rule = FaultRule(path: "/api/v2/analytics/conversations/details", probability: 1, fault: fault)
        rule.method = "GET"
        day.vendor.faults = FaultPlan(mercy: 0, rules: [rule])
        let store = day.store
        try await day.run { running in
            try await running.complete(SimulatedDay.job())
            #expect(try await open(store) > 3)
            running.simulator.clock.advance(by: .seconds(5 * 86_400))
            try await running.complete(SimulatedDay.sweep("finish-open", dataset: "conversations-open"))
            #expect(try await open(store) == 0)
        }
    }

    @Test("those of history are asked for at least as long as those of yesterday")
    func history() async throws {
        var day = day(200)
        day.vendor.jobs.availabilityLag = 0
        day.configuration.openFor = 86_400
        let store = day.store
        try await day.run { running in
            running.simulator.clock.advance(by: .seconds(2 * 86_400))
            try await running.complete(SimulatedDay.job())
            try #require(try await !lists(store).isEmpty)
            let sweep = SimulatedDay.sweep("finish-open", dataset: "conversations-open")
            #expect(try await running.complete(sweep)["conversations-open-0"]?.figures["given-up"] == 0)
            running.simulator.clock.advance(by: .seconds(2 * 86_400))
            let later = SimulatedDay.sweep("finish-open", dataset: "conversations-open", number: 2)
            #expect(try await running.complete(later)["conversations-open-2"]?.figures["given-up"] ?? 0 > 0)
        }
    }

    @Test("a process that dies anywhere while it completes a day leaves the old day or the new one")
    func killed() async throws {
        let day = day(200)
        let truth = try day.truth(now: "2026-03-07T16:10:00Z")
        for step in 1...60 {
            let steps = Steps()
            let store = MemoryObjectStore { operation, key in
                guard operation == .finish || operation == .delete, steps.isArmed else { return nil }
                return steps.next() == step ? ObjectStorageError(.unavailable, store: "memory", message: "killed") : nil
            }
            var attempt = day
            attempt.store = store
            let isOver = Signal()
            try await attempt.run { running in
                try await running.complete(SimulatedDay.job())
                running.simulator.clock.advance(by: .seconds(5 * 86_400))
                steps.arm()
                do {
                    try await running.complete(SimulatedDay.sweep("finish-open", dataset: "conversations-open"))
                    isOver.set()
                } catch {
                    // Whatever was not yet removed, the manifest names whole objects of one state.
                    let manifest = try #require(try await SimulatedDay.manifest(store))
                    for object in manifest.objects {
                        let bytes = try await store.read(ObjectKey(object.key), upTo: 1 << 24)
                        #expect(bytes.count == object.bytes)
                    }
                }
                steps.disarm()
                try await running.complete(SimulatedDay.sweep("finish-open", dataset: "conversations-open", number: 2))
                try await SimulatedDay.expectAll(store, truth)
            }
            if isOver.isSet { return }
        }
        Issue.record("never got through")
    }
}

/// Counts a store's steps while it is armed.
private final class Steps: Sendable {
    private let state = Mutex((isArmed: false, count: 0))

    var isArmed: Bool { state.withLock { $0.isArmed } }

    func arm() { state.withLock { $0.isArmed = true } }

    func disarm() { state.withLock { $0.isArmed = false } }

    func next() -> Int {
        state.withLock { state in
            state.count += 1
            return state.count
        }
    }
}
