import Contracts
import Foundation
import ObjectStorage
import Synchronization
import TestSupport
import Testing
import VendorSimulator
import WorkerKit

@testable import Evaluation

@Suite("A day of evaluations", .timeLimit(.minutes(5)))
struct DayExtractTests {
    @Test("has every evaluation that was assigned on it, whoever evaluated: members, former members, deleted users, the system")
    func whole() async throws {
        let week = SimulatedWeek()
        try await week.run { running in
            let result = try await running.done(SimulatedWeek.job())
            let truth = try running.truth()
            try await week.expectTruth(truth)
            #expect(truth.contains { $0.evaluator == nil } && truth.count > 15)
            #expect(result.figures["records"] == truth.count && result.successors.isEmpty)
            #expect(result.manifest == "genesys/evaluations/2026/03/02/_manifest.evaluations-2026-03-02.json")
            #expect(try await week.lines().contains { $0.record.status == "RETRACTED" }, "retracted ones are kept too")
        }
    }

    @Test("by evaluators alone misses what no member of the role did; by conversations alone it's whole, at a call each")
    func discovery() async throws {
        var week = SimulatedWeek()
        week.configuration.discovery = [.evaluators]
        let byEvaluators = week
        try await byEvaluators.run { running in
            _ = try await running.done(SimulatedWeek.job())
            let truth = try running.truth()
            let found = Set(try await byEvaluators.lines().compactMap(\.record.id))
            #expect(!truth.contains { $0.evaluator == nil && found.contains($0.id) })
            #expect(found.isSubset(of: truth.map(\.id)) && found.count < truth.count)
        }
        week.store = MemoryObjectStore()
        week.configuration.discovery = [.conversations]
        // A revision can be assigned ten days later.
        week.configuration.conversationDays = 18
        let byConversations = week
        try await byConversations.run { running in
            let result = try await running.done(SimulatedWeek.job())
            try await byConversations.expectTruth(try running.truth())
            #expect(running.calls("evaluations/query") == 0 && result.figures["point-reads", default: 0] > 15)
        }
    }

    @Test("evaluators are asked to the last page, although total and page count are wrong and pages smaller than asked for")
    func pages() async throws {
        let week = SimulatedWeek(conversationsPerDay: 150) {
            $0.wrongTotals = true
            $0.listingPageLimit = 3
            $0.data.evaluators = 2
        }
        try await week.run { running in
            let result = try await running.done(SimulatedWeek.job())
            let truth = try running.truth()
            let most = Dictionary(grouping: truth.compactMap(\.evaluator)) { $0 }.values.map(\.count).max() ?? 0
            #expect(most > 25, "more than the script's only page had")
            try await week.expectTruth(truth)
            #expect(result.figures["wrong-totals", default: 0] > 0 && result.figures["reduced-pages", default: 0] > 0)
        }
    }

    @Test(
        "the role is the one of exactly this name, not the first that the search returns; without it, conversations find what they name"
    )
    func role() async throws {
        let week = SimulatedWeek()
        try await week.run { running in
            _ = try await running.done(SimulatedWeek.job())
            let members = running.simulator.requests.entries.filter { $0.path.hasSuffix("/users") && $0.path.contains("roles") }
            #expect(Set(members.map(\.path)).count == 1)
            #expect(running.calls("evaluations/query") >= 13, "all members of the role are asked, and nobody of the near matches")
        }
        var wrong = SimulatedWeek()
        wrong.configuration.roles = ["quality evaluator"]
        let misspelt = wrong
        try await misspelt.run { running in
            let result = try await running.done(SimulatedWeek.job())
            #expect(result.figures["missing-roles"] == 1)
            try await misspelt.expectTruth(try running.truth())
        }
        wrong.store = MemoryObjectStore()
        wrong.configuration.discovery = [.evaluators]
        try await wrong.run { running in
            guard case .dead(let failure, _) = try await running.failure(SimulatedWeek.job()) else {
                Issue.record("not dead")
                return
            }
            #expect(failure.reason == "no-such-role" && failure.message.contains("Quality Evaluator Lead"), "\(failure)")
            #expect(failure.advice?.contains("evaluations.roles") == true)
            #expect(failure.advice?.contains("near are “Quality Evaluator”, ") == true, "\(failure)")
        }
    }

    @Test("an evaluation that is assigned at the edge of two days belongs to one of them")
    func edges() async throws {
        let week = SimulatedWeek(conversationsPerDay: 40)
        try await week.run { running in
            for day in 0..<3 { _ = try await running.done(SimulatedWeek.job(day)) }
            var ids: [String] = []
            for day in 0..<3 {
                try await week.expectTruth(try running.truth(day), day)
                ids += Set(try await week.lines(day).compactMap(\.record.id))
            }
            #expect(Set(ids).count == ids.count)
        }
    }

    @Test(
        "a wide window that takes the vendor too long is halved, and a user whom the vendor doesn't take is left out and counted")
    func halves() async throws {
        var week = SimulatedWeek { $0.longestEvaluationWindow = .seconds(7 * 3600) }
        week.configuration.evaluators = ["11111111-2222-4333-8444-555555555555"]
        let narrow = week
        try await narrow.run { running in
            let result = try await running.done(SimulatedWeek.job())
            try await narrow.expectTruth(try running.truth())
            #expect(result.figures["halved", default: 0] > 0 && result.figures["refused-evaluators"] == 1)
        }
    }

    @Test("answers have totals, and by the setting the scores of questions; without the one or the other they haven't")
    func answers() async throws {
        var week = SimulatedWeek()
        week.configuration.hasQuestionScores = true
        let scored = week
        try await scored.run { running in
            let result = try await running.done(SimulatedWeek.job())
            let truth = try running.truth()
            try await scored.expectTruth(truth)
            let whole = Set(truth.flatMap { $0.evaluator == nil ? [$0.point] : [SimulatedWeek.forms($0)[2]] })
            #expect(try await scored.lines().allSatisfy { whole.contains($0.text) }, "also the team, which only the listing has")
            #expect(result.figures["point-reads"] ?? 0 >= truth.count)
            // A second revision reads nothing again that is there in this version.
            let again = try await running.done(SimulatedWeek.job(revision: 1))
            try await scored.expectTruth(truth)
            let listed = truth.count { $0.evaluator != nil }
            #expect(again.figures["reused"] ?? 0 >= listed)
            #expect(again.figures["point-reads"] ?? 0 <= (result.figures["point-reads"] ?? 0) - listed)
        }
        week.store = MemoryObjectStore()
        week.configuration.hasQuestionScores = false
        week.configuration.expandsAnswerTotals = false
        week.configuration.discovery = [.evaluators]
        let bare = week
        try await bare.run { running in
            _ = try await running.done(SimulatedWeek.job())
            #expect(try await bare.lines().allSatisfy { !$0.text.contains("\"answers\"") })
        }
    }

    @Test("question scores that are asked for later are read by a rerun, also of what the lake has already")
    func scoresLater() async throws {
        var week = SimulatedWeek()
        let bare = week
        try await bare.run { running in _ = try await running.done(SimulatedWeek.job()) }
        week.configuration.hasQuestionScores = true
        let scored = week
        try await scored.run { running in
            let truth = try running.truth()
            _ = try await running.done(SimulatedWeek.job(revision: 1))
            try await scored.expectTruth(truth)
            let whole = Set(truth.flatMap { $0.evaluator == nil ? [$0.point] : [SimulatedWeek.forms($0)[2]] })
            let finished = try await scored.lines().filter { $0.text.contains(#""status":"FINISHED""#) }
            #expect(!finished.isEmpty && finished.allSatisfy { whole.contains($0.text) })
        }
    }

    @Test("what is redacted is kept as it is and counted")
    func redacted() async throws {
        let week = SimulatedWeek(conversationsPerDay: 150)
        try await week.run { running in
            let result = try await running.done(SimulatedWeek.job())
            let redacted = try await week.lines().count { $0.record.isRedacted }
            #expect(redacted > 0 && result.figures["redacted"] == redacted)
        }
    }

    @Test("a job that is done is done, and its manifest isn't written again")
    func again() async throws {
        let week = SimulatedWeek()
        try await week.run { running in
            _ = try await running.done(SimulatedWeek.job())
            let before = try await week.manifest()
            let calls = running.simulator.requests.total
            _ = try await running.done(SimulatedWeek.job())
            #expect(try await week.manifest() == before && running.simulator.requests.total == calls)
        }
    }

    @Test("a deleted user is an evaluator still, where the vendor tells the roles of deleted users")
    func deletedUsers() async throws {
        var week = SimulatedWeek()
        week.configuration.discovery = [.evaluators]
        let asking = week
        week.configuration.asksDeletedUsers = false
        week.store = MemoryObjectStore()
        let ignoring = week
        try await asking.run { running in
            let deleted = running.simulator.evaluators[8]
            try #require(try running.truth().contains { $0.evaluator == deleted })
            _ = try await running.done(SimulatedWeek.job())
            #expect(try await asking.lines().contains { $0.record.evaluator == deleted })
        }
        try await ignoring.run { running in
            _ = try await running.done(SimulatedWeek.job())
            #expect(!(try await ignoring.lines().contains { $0.record.evaluator == running.simulator.evaluators[8] }))
        }
    }

    @Test("a day that isn't over waits until it is, and for the margin; that costs no attempt")
    func tooEarly() async throws {
        var week = SimulatedWeek { $0.now = SimulatorInstant("2026-03-02T16:04:59Z") }
        week.configuration.settleMargin = 300
        try await week.run { running in
            guard case .snooze(let until, let failure) = try await running.failure(SimulatedWeek.job()) else {
                Issue.record("no snooze")
                return
            }
            #expect(until == Timestamp.date("2026-03-02T16:05:00Z") && failure.reason == "not-over")
            #expect(running.simulator.requests.total == 0)
        }
    }

    @Test("whoever evaluated is asked again, although the role has lost them and no conversation mentions them")
    func memory() async throws {
        var week = SimulatedWeek(conversationsPerDay: 150)
        week.configuration.discovery = [.evaluators]
        let evaluators = week
        try await evaluators.run { running in
            let former = try #require(
                try running.truth(1).first { evaluation in
                    evaluation.evaluator.map { id in
                        !running.simulator.evaluators.contains(id)
                    } ?? false
                }?.evaluator)
            _ = try await running.done(SimulatedWeek.job())
            #expect(!(try await evaluators.lines().contains { $0.record.evaluator == former }))
            let key = try ObjectKey("_switchboard/evaluation/evaluators/genesys_main/\(former)")
            try await evaluators.store.put(key, bytes: [])
            let result = try await running.done(SimulatedWeek.job(1))
            #expect(try await evaluators.lines(1).contains { $0.record.evaluator == former })
            #expect(result.figures["remembered-evaluators"] ?? 0 >= 1)
        }
    }

    @Test("every form version that is referred to is in the lake once, and is fetched once")
    func forms() async throws {
        let week = SimulatedWeek()
        try await week.run { running in
            _ = try await running.done(SimulatedWeek.job())
            let used = Set(try running.truth().map(\.form))
            let folder = "genesys/evaluation_forms/versions/"
            let kept = try await week.store.list(prefix: folder).collect().map(\.key.text)
            #expect(Set(kept) == Set(used.map { "\(folder)\($0).json" }))
            for key in kept {
                let text = String(decoding: try await week.store.read(try ObjectKey(key), upTo: 1 << 20), as: UTF8.self)
                #expect(text.contains("\"questionGroups\"") && text.hasSuffix("}\n"))
            }
            let calls = running.calls("/quality/forms/evaluations/")
            #expect(calls == used.count)
            _ = try await running.done(SimulatedWeek.job(revision: 1))
            #expect(running.calls("/quality/forms/evaluations/") == calls)
        }
    }

    @Test("every form that is fetched is progress: hundreds of them at once aren't taken for a job that is stuck")
    func formsAreProgress() async throws {
        let week = SimulatedWeek()
        try await week.run { running in
            let told = Mutex<[Int]>([])
            let context = JobContext(attempt: 1, worker: "w@0", logger: .quiet) { figures in
                if let fetched = figures["forms-fetched"] { told.withLock { $0.append(fetched) } }
            }
            _ = try await running.handler.handle(SimulatedWeek.job(), context)
            let used = Set(try running.truth().map(\.form))
            #expect(told.withLock { $0 } == Array(0..<used.count))
        }
    }

    @Test("the published forms are a snapshot of the day, all pages of it")
    func snapshot() async throws {
        let week = SimulatedWeek { $0.listingPageLimit = 2 }
        try await week.run { running in
            let job = SimulatedWeek.job(dataset: "evaluation_forms", parameters: ["task": .string("forms")])
            let result = try await running.done(job)
            let lines = try await week.lines(dataset: "evaluation_forms")
            #expect(lines.count == 9 && Set(lines.compactMap(\.record.id)).count == 9)
            #expect(result.figures["forms-fetched"] == 9 && result.figures["pages"] == 5)
        }
    }

    @Test("the published forms are read again where a page has moved")
    func movingForms() async throws {
        var week = SimulatedWeek { $0.listingPageLimit = 2 }
        let isMoved = Mutex(false)
        week.meddle = { call in
            guard call.target.contains("/publishedforms/evaluations"), call.parameter("pageNumber") == "2" else { return nil }
            let isFirst = isMoved.withLock { isMoved in
                defer { isMoved = true }
                return !isMoved
            }
            return isFirst ? .edit("entities") { Array($0.dropFirst()) } : nil
        }
        let moving = week
        try await moving.run { running in
            let job = SimulatedWeek.job(dataset: "evaluation_forms", parameters: ["task": .string("forms")])
            let result = try await running.done(job)
            #expect(try await moving.lines(dataset: "evaluation_forms").count == 9)
            #expect(result.figures["passes"] == 3 && result.figures["records"] == 9, "\(result.figures)")
        }
    }
}
