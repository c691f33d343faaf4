import Contracts
import Foundation
import ObjectStorage
import Synchronization
import TestSupport
import Testing
import VendorSimulator
import WorkerKit

@testable import Conversation

@Suite("A conversation day, from vendor to lake", .timeLimit(.minutes(5)))
struct ConversationHandlerTests {
    @Test("a plain day is the truth in the vendor's order, in objects of one page each, and costs one pass")
    func plainDay() async throws {
        let day = SimulatedDay()
        try await day.run { running in
            let result = try await running.done()
            let truth = try running.truth()
            try await SimulatedDay.expectTruth(day.store, truth)
            let pages = (truth.count + 99) / 100
            #expect(result.manifest == "\(SimulatedDay.folder)/_manifest.daily-20260302.json")
            #expect(result.figures["records"] == truth.count && result.figures["pages"] == pages + 1)
            #expect(result.figures["objects"] == pages && result.figures["passes"] == 1 && result.figures["duplicates"] == 0)
            #expect(running.pages == pages + 1, "each page once, and the empty one")
            let manifest = try #require(try await SimulatedDay.manifest(day.store))
            #expect(
                manifest.objects.map(\.key).sorted()
                    == (1...pages).map { "\(SimulatedDay.folder)/genesys_conversations_20260302_\($0).json" }.sorted())
        }
    }

    @Test("a day without conversations is complete: a manifest without objects")
    func emptyDay() async throws {
        let day = SimulatedDay(conversationsPerDay: 0)
        try await day.run { running in
            let result = try await running.done()
            #expect(result.figures["records"] == 0)
            let manifest = try await SimulatedDay.manifest(day.store)
            #expect(manifest?.objects.isEmpty == true)
            #expect(running.pages == 1)
        }
    }

    @Test("a run that finds its manifest asks the vendor nothing; a higher revision does it again, to the same bytes")
    func rerun() async throws {
        let day = SimulatedDay()
        try await day.run { running in
            let first = try await running.done()
            let asked = running.pages
            let again = try await running.done()
            #expect(running.pages == asked && again.manifest == first.manifest)
            #expect(again.figures["records"] == first.figures["records"])
            let before = try #require(try await SimulatedDay.manifest(day.store))
            _ = try await running.done(SimulatedDay.job(revision: 1))
            #expect(running.pages == asked * 2)
            let after = try #require(try await SimulatedDay.manifest(day.store))
            #expect(after.revision == 1)
            #expect(after.objects.map(\.sha256) == before.objects.map(\.sha256) && after.records == before.records)
            #expect(
                Set(after.objects.map(\.key)).isDisjoint(with: before.objects.map(\.key)), "readers of the old result find it")
        }
    }

    @Test("awkward content of every kind arrives byte for byte", arguments: AwkwardContent.allCases)
    func awkward(_ kind: AwkwardContent) async throws {
        let day = SimulatedDay(conversationsPerDay: 130) {
            $0.data.awkward = [kind]
            $0.data.awkwardEvery = 2
        }
        try await day.run { running in
            _ = try await running.done()
            try await SimulatedDay.expectTruth(day.store, try running.truth())
        }
    }

    @Test("records of 5 MB among small ones arrive byte for byte")
    func huge() async throws {
        let day = SimulatedDay(conversationsPerDay: 120) { $0.data.hugeIndexes = [50, 51] }
        try await day.run { running in
            _ = try await running.done()
            let truth = try running.truth()
            #expect((0..<truth.count).contains { truth.record(at: $0).count > 5_000_000 })
            try await SimulatedDay.expectTruth(day.store, truth)
        }
    }

    @Test("under the hostile plan the result is the same as without", arguments: [1, 4])
    func hostile(concurrency: Int) async throws {
        var day = SimulatedDay(conversationsPerDay: 900) {
            $0.faults = .hostile
            for index in $0.faults.rules.indices { $0.faults.rules[index].fault.milliseconds = 5 }
        }
        day.configuration.pageSize = 10
        day.configuration.concurrency = concurrency
        let store = day.store
        try await day.run { running in
            _ = try await running.done()
            try await SimulatedDay.expectTruth(store, try running.truth())
            let struck = Set(running.simulator.requests.counts.compactMap(\.fault))
            #expect(struck.isSuperset(of: ["throttle", "status", "reset", "truncate", "revoke"]), "\(struck)")
        }
        #expect((day.store as? MemoryObjectStore)?.openPuts == 0)
    }

    @Test("a token that is revoked in mid-run is replaced, and nothing is missed")
    func revoked() async throws {
        // Far enough apart that no call's replay is struck again: a second refusal is the vendor's last word.
        let day = SimulatedDay(conversationsPerDay: 2000) {
            $0.faults = FaultPlan(rules: [FaultRule(path: "/api/", requests: [2, 17], fault: Fault(.revoke))])
        }
        try await day.run { running in
            _ = try await running.done()
            try await SimulatedDay.expectTruth(day.store, try running.truth())
            #expect(running.simulator.requests.counts.contains { $0.status == 401 })
        }
    }

    @Test(
        "rows that shift while pages are read: every conversation once, in its latest version",
        arguments: [PageShift.Mode.overlap, .insert], [1, 4, 8])
    func pageShift(_ mode: PageShift.Mode, concurrency: Int) async throws {
        var day = SimulatedDay(conversationsPerDay: 300) {
            $0.pageShift = PageShift(mode: mode)
            $0.pageShift.limit = 12
            $0.pageShift.everyPages = 2
        }
        day.configuration.pageSize = 20
        day.configuration.concurrency = concurrency
        day.configuration.maximumPasses = 20
        let store = day.store
        try await day.run { running in
            let result = try await running.done()
            try await SimulatedDay.expectTruth(store, try running.truth(), inOrder: false)
            #expect((result.figures["duplicates"] ?? 0) > 0 && (result.figures["passes"] ?? 0) > 1)
            let count = try running.truth().count
            #expect(result.figures["unsettled"] == 0 && result.figures["records"] == count)
        }
    }

    @Test("a row that goes while pages are read hides no other: a total that moved is reason enough to look again")
    func removed() async throws {
        var day = SimulatedDay(conversationsPerDay: 450)
        day.configuration.concurrency = 1
        try await day.run { [day] running in
            let gone = try #require(try day.truth().ids.first)
            let context = JobContext(attempt: 1, worker: "w@0", logger: .quiet) { figures in
                if figures["pages"] == 1 { running.simulator.deleteConversations([gone]) }
            }
            guard case .done(let result) = try await running.handler.handle(SimulatedDay.job(), context) else {
                Issue.record("not done")
                return
            }
            #expect(result.figures["passes"] ?? 0 > 1)
            let truth = try running.truth()
            let lines = Set(try await SimulatedDay.allLines(day.store))
            #expect(truth.count == 449 && (0..<truth.count).allSatisfy { lines.contains(truth.line(at: $0)) })
        }
    }

    @Test("totals that are wrong on every page cost a second look and change nothing")
    func jitter() async throws {
        var day = SimulatedDay { $0.hitsJitter = 40 }
        day.configuration.concurrency = 4
        let store = day.store
        try await day.run { running in
            _ = try await running.done()
            try await SimulatedDay.expectTruth(store, try running.truth())
        }
    }

    @Test("a job's own filters reach the vendor; the result is what they let through")
    func filters() async throws {
        let day = SimulatedDay(conversationsPerDay: 200) { $0.now = SimulatorInstant("2026-03-02T16:06:00Z") }
        let filter = #"[{"type":"and","predicates":[{"type":"dimension","dimension":"conversationEnd","operator":"exists"}]}]"#
        let parameters = try JSONDecoder().decode(
            JSONValue.self, from: Data(#"{"request":{"conversationFilters":\#(filter)}}"#.utf8))
        try await day.run { running in
            let result = try await running.done(SimulatedDay.job(parameters: parameters))
            let query = #"{"interval":"\#(SimulatedDay.interval)","conversationFilters":\#(filter)}"#
            let truth = try running.simulator.truth(query: Array(query.utf8))
            #expect(result.figures["records"] == truth.count)
            let all = try running.truth().count
            #expect(truth.count < all && truth.count > 0)
            try await SimulatedDay.expectTruth(day.store, truth)
        }
    }

    @Test("the store is written to in bounded pieces by as many writers as pages may be asked for", arguments: [1, 3])
    func bounded(concurrency: Int) async throws {
        let watch = WatchedStore()
        var day = SimulatedDay(conversationsPerDay: 1500) { $0.data.hugeIndexes = [700] }
        day.configuration.concurrency = concurrency
        day.store = watch
        try await day.run { running in
            _ = try await running.done()
            #expect(watch.mostWriters <= concurrency && watch.mostWriters > 0)
            // 256 KiB gather before they are written; then the rest of a chunk and the largest record may come.
            #expect(watch.largestWrite < (256 << 10) + (1 << 20) + 5_100_000)
            #expect(watch.medianWrite <= 2 * (256 << 10))
        }
    }
}
