import Contracts
import Foundation
import GenesysCloud
import ObjectStorage
import Synchronization
import Testing
import VendorSimulator
import WorkerKit

@testable import Evaluation

@Suite("Evaluations of a vendor with awkward habits", .timeLimit(.minutes(5)))
struct AwkwardVendorTests {
    /// The ids of a truth's evaluations, by evaluator.
    private func byEvaluator(_ truth: [EvaluationTruth.Evaluation]) -> [String: [String]] {
        Dictionary(grouping: truth.filter { $0.evaluator != nil }) { $0.evaluator ?? "" }.mapValues { $0.map(\.id) }
    }

    /// Takes evaluations out of listings: those of an evaluator, or one.
    private static func hiding(_ isHidden: @escaping @Sendable (String) -> Bool) -> @Sendable (Meddled) -> Meddling? {
        { call in call.isListing ? .edit("entities") { $0.filter { !isHidden($0) } } : nil }
    }

    // MARK: Listings that hide

    @Test("what a listing hides and a conversation names is there, be it one evaluation or all of an evaluator")
    func hidden() async throws {
        var week = SimulatedWeek(conversationsPerDay: 120) { $0.data.evaluators = 3 }
        week.configuration.conversationDays = 18
        let plain = week
        let chosen = Mutex<[String]>([])
        try await plain.run { running in
            let most = self.byEvaluator(try running.truth()).max { $0.value.count < $1.value.count }
            let (evaluator, ids) = try #require(most)
            chosen.withLock { $0 = [evaluator] + ids }
        }
        let (evaluator, ids) = chosen.withLock { ($0[0], Array($0.dropFirst())) }
        try #require(ids.count > 10)
        for isWhole in [false, true] {
            week.store = MemoryObjectStore()
            week.meddle = Self.hiding { record in
                isWhole ? record.contains("\"evaluator\":{\"id\":\"\(evaluator)\"") : record.contains("{\"id\":\"\(ids[0])\"")
            }
            let hiding = week
            try await hiding.run { running in
                let result = try await running.done(SimulatedWeek.job())
                try await hiding.expectTruth(try running.truth())
                #expect(result.figures["point-reads"] ?? 0 >= (isWhole ? ids.count : 1), "\(result.figures)")
            }
        }
    }

    @Test("a day that is extracted long after asks for a page where many evaluations are of other days, not for each of them")
    func late() async throws {
        let week = SimulatedWeek(conversationsPerDay: 120) { $0.data.evaluators = 3 }
        try await week.run { running in
            let result = try await running.done(SimulatedWeek.job())
            try await week.expectTruth(try running.truth())
            let left = result.figures["point-reads"] ?? 0
            #expect(left < 40 && result.figures["listed-again"] ?? 0 > 0, "\(result.figures)")
        }
    }

    @Test("a sweep finds what was hidden from a day and still is")
    func hiddenFromSweep() async throws {
        var week = SimulatedWeek(conversationsPerDay: 60)
        week.configuration.sweepDays = 10
        let chosen = Mutex("")
        try await week.run { running in
            let id = try running.truth().first { $0.evaluator != nil }?.id
            chosen.withLock { $0 = id ?? "" }
        }
        let id = chosen.withLock { $0 }
        try #require(!id.isEmpty)
        week.meddle = Self.hiding { $0.contains("{\"id\":\"\(id)\"") }
        var byEvaluators = week
        byEvaluators.configuration.discovery = [.evaluators]
        let lacking = byEvaluators
        try await lacking.run { running in
            for day in 0..<3 { _ = try await running.done(SimulatedWeek.job(day)) }
            let found = try await lacking.lines().compactMap(\.record.id)
            #expect(!found.contains(id))
        }
        let both = week
        try await both.run { running in
            let sweep = try await running.done(SimulatedWeek.sweep(6))
            let job = try #require(sweep.successors.first { $0.id == SimulatedWeek.job().id }, "\(sweep.figures)")
            for job in sweep.successors { _ = try await running.done(job) }
            #expect(job.parameters["evaluations"] != nil)
            try await both.expectTruth(try running.truth())
            let again = try await running.done(SimulatedWeek.sweep(6, revision: 1))
            #expect(again.successors.isEmpty, "\(again.figures)")
        }
    }

    @Test("what was taken back is there, and known to be, although only the evaluation that replaces it tells of it")
    func retracted() async throws {
        var week = SimulatedWeek(conversationsPerDay: 120) { $0.now = SimulatorInstant("2026-03-02T16:00:00Z") }
        week.configuration.discovery = [.evaluators]
        week.configuration.sweepDays = 40
        let isHiding = Mutex(false)
        week.meddle = Self.hiding { record in isHiding.withLock { $0 } && record.contains(#""status":"RETRACTED""#) }
        let hiding = week
        try await hiding.run { running in
            // The lake has it as it was; later it is taken back, and no listing shows it any more.
            _ = try await running.done(SimulatedWeek.job())
            let known = Set(try await hiding.lines().compactMap(\.record.id))
            isHiding.withLock { $0 = true }
            running.simulator.clock.advance(by: .seconds(30 * 86_400))
            let truth = try running.truth()
            let gone = truth.filter { $0.status == "RETRACTED" && known.contains($0.id) }
            try #require(!gone.isEmpty)
            let sweep = try await running.done(SimulatedWeek.sweep(30))
            for job in sweep.successors { _ = try await running.done(job) }
            let lines = try await hiding.lines()
            for evaluation in gone {
                let states = lines.filter { $0.record.id == evaluation.id }.map(\.record.status)
                #expect(states.contains("RETRACTED"), "\(evaluation.id): \(states)")
            }
            let again = try await running.done(SimulatedWeek.sweep(30, revision: 1))
            #expect(again.successors.isEmpty, "\(again.figures)")
        }
    }

    // MARK: Forms of the same thing

    @Test("a time is the same by letter and by offset: nothing is there twice, and no sweep finds changes that are none")
    func times() async throws {
        var week = SimulatedWeek(conversationsPerDay: 60) { $0.now = SimulatorInstant("2026-03-03T16:00:00Z") }
        week.configuration.hasQuestionScores = true
        week.configuration.sweepDays = 5
        week.meddle = { call in
            guard call.isPointRead else { return nil }
            return .change { $0.replacing(/(:[0-9]{2}(?:\.[0-9]{3})?)Z"/) { "\($0.output.1)+0000\"" } }
        }
        let offset = week
        try await offset.run { running in
            _ = try await running.done(SimulatedWeek.job())
            let before = try await offset.lines()
            #expect(before.contains { $0.record.changed.hasSuffix("+0000") })
            let again = try await running.done(SimulatedWeek.job(revision: 1))
            let ids = try await offset.lines().map { "\($0.record.id ?? "") \($0.record.version)" }
            #expect(Set(ids).count == ids.count && ids.count == before.count)
            #expect(again.figures["reused"] ?? 0 > before.count / 2, "\(again.figures)")
            let sweep = try await running.done(SimulatedWeek.sweep(1))
            #expect(sweep.successors.isEmpty, "\(sweep.figures)")
        }
    }

    @Test("an evaluation that changed has its day run again, also where the vendor doesn't say which conversation it is about")
    func addressless() async throws {
        var week = SimulatedWeek(conversationsPerDay: 40) { $0.now = SimulatorInstant("2026-03-02T16:00:00Z") }
        week.configuration.sweepDays = 28
        week.configuration.discovery = [.evaluators]
        week.meddle = { call in
            call.isListing ? .change { $0.replacing("\"conversation\":{\"id\":", with: "\"conversation\":{\"key\":") } : nil
        }
        let blind = week
        try await blind.run { running in
            _ = try await running.done(SimulatedWeek.job())
            running.simulator.clock.advance(by: .seconds(12 * 86_400))
            let sweep = try await running.done(SimulatedWeek.sweep(12))
            #expect(sweep.successors.map(\.id) == [SimulatedWeek.job().id], "\(sweep.figures)")
            #expect(sweep.figures["changed"] ?? 0 > 0)
            for job in sweep.successors { _ = try await running.done(job) }
            #expect(try await running.done(SimulatedWeek.sweep(12, revision: 1)).successors.isEmpty)
        }
    }

    // MARK: Point reads that fail

    @Test(
        "with question scores, what can't be read by itself is kept as the listing has it",
        arguments: [(404, "not.found"), (403, "not.authorized"), (400, "bad.request"), (410, "gone")])
    func unreadable(_ status: Int, _ code: String) async throws {
        var week = SimulatedWeek()
        week.configuration.hasQuestionScores = true
        let unlucky = Mutex<Set<String>>([])
        week.meddle = { call in
            guard call.isPointRead, let id = call.target.split(separator: "?")[0].split(separator: "/").last else { return nil }
            // Whatever is asked for first stays unreadable.
            let isUnlucky = unlucky.withLock { ids in
                if ids.isEmpty { ids.insert(String(id)) }
                return ids.contains(String(id))
            }
            return isUnlucky ? .refusal(status, code) : nil
        }
        let scored = week
        try await scored.run { running in
            let result = try await running.done(SimulatedWeek.job())
            let truth = try running.truth()
            try await scored.expectTruth(truth)
            let ids = unlucky.withLock { $0 }
            let kept = try await scored.lines().filter { ids.contains($0.record.id ?? "") }.map(\.text)
            #expect(kept == truth.filter { ids.contains($0.id) }.map(\.listing) && kept.count == 1)
            #expect(result.figures["listed-only"] == 1 && (result.figures["forbidden"] ?? 0) == (status == 403 ? 1 : 0))
            #expect((result.figures["refused"] ?? 0) == ([400, 410].contains(status) ? 1 : 0))
        }
    }

    @Test("forms that are refused are counted, and end the day only where all are", arguments: [403, 400])
    func refusedForms(_ status: Int) async throws {
        var week = SimulatedWeek()
        let refusesAll = Mutex(false)
        let first = Mutex("")
        week.meddle = { call in
            guard call.target.contains("/quality/forms/evaluations/") else { return nil }
            let isFirst = first.withLock { first in
                if first.isEmpty { first = call.target }
                return first == call.target
            }
            return isFirst || refusesAll.withLock { $0 } ? .refusal(status, "no") : nil
        }
        let unlucky = week
        try await unlucky.run { running in
            let result = try await running.done(SimulatedWeek.job())
            #expect(result.figures["forms-missing"] == 1 && result.figures["forms-fetched"] ?? 0 > 0, "\(result.figures)")
            try await unlucky.expectTruth(try running.truth())
            // Later only the refused one is asked for again.
            let again = try await running.done(SimulatedWeek.job(revision: 1))
            #expect(again.figures["forms-missing"] == 1)
        }
        week.store = MemoryObjectStore()
        refusesAll.withLock { $0 = true }
        try await week.run { running in
            guard case .dead = try await running.failure(SimulatedWeek.job()) else {
                Issue.record("not dead")
                return
            }
        }
    }

    @Test("where nothing at all may be read, and no listing shows that the permission is there, the job says which one is needed")
    func forbidden() async throws {
        var week = SimulatedWeek(conversationsPerDay: 40)
        week.configuration.discovery = [.conversations]
        week.meddle = { $0.isPointRead ? .refusal(403, "missing.permissions") : nil }
        try await week.run { running in
            guard case .dead(let failure, _) = try await running.failure(SimulatedWeek.job()) else {
                Issue.record("not dead")
                return
            }
            #expect(failure.reason == "vendor-permission" && failure.advice?.contains("quality:evaluation:view") == true)
        }
    }

    @Test("a listing that is read again in halves has no evaluation read by itself twice")
    func halvedScores() async throws {
        var week = SimulatedWeek(conversationsPerDay: 150) {
            $0.listingPageLimit = 5
            $0.data.evaluators = 2
        }
        week.configuration.hasQuestionScores = true
        week.configuration.discovery = [.evaluators]
        week.meddle = { call in
            // The whole day's second page takes too long.
            let ends = ["startTime", "endTime"].map { call.parameter($0)?.contains("T16%3A00") == true }
            guard call.isListing, ends == [true, true], call.parameter("pageNumber") == "2" else { return nil }
            return .refusal(504, "quality.backend.service.timeout")
        }
        let scored = week
        try await scored.run { running in
            let result = try await running.done(SimulatedWeek.job())
            let lines = try await scored.lines()
            #expect(result.figures["halved"] ?? 0 > 0 && lines.count > 20)
            #expect(result.figures["point-reads"] == lines.count, "\(result.figures)")
        }
    }

    // MARK: Evaluators that are refused

    @Test(
        "an evaluator whose listing is refused is left out and counted; what conversations name is there all the same",
        arguments: [(404, "not.found"), (400, "bad.request")])
    func refusedEvaluator(_ status: Int, _ code: String) async throws {
        let chosen = Mutex("")
        var week = SimulatedWeek(conversationsPerDay: 80)
        try await week.run { running in
            let most = self.byEvaluator(try running.truth()).max { $0.value.count < $1.value.count }
            chosen.withLock { $0 = most?.key ?? "" }
        }
        let id = chosen.withLock { $0 }
        week.meddle = { $0.isListing && $0.parameter("evaluatorUserId") == id ? .refusal(status, code) : nil }
        let without = week
        try await without.run { running in
            let result = try await running.done(SimulatedWeek.job())
            try await without.expectTruth(try running.truth())
            #expect(result.figures["refused-evaluators"] == 1 && result.figures["point-reads"] ?? 0 > 0, "\(result.figures)")
        }
    }

    @Test("where every evaluator is refused alike the question is wrong, and the job is dead instead of empty")
    func allRefused() async throws {
        var week = SimulatedWeek(conversationsPerDay: 40)
        week.meddle = { $0.isListing ? .refusal(400, "invalid.value") : nil }
        try await week.run { running in
            guard case .dead(let failure, _) = try await running.failure(SimulatedWeek.job()) else {
                Issue.record("not dead")
                return
            }
            #expect(failure.reason == "evaluators-refused" && failure.message.contains("invalid.value"), "\(failure)")
            #expect(failure.advice?.contains("evaluations.roles") == true)
        }
    }

    @Test("where nobody of those who evaluated is a user any more, conversations tell what they did")
    func allLeft() async throws {
        var week = SimulatedWeek(conversationsPerDay: 40)
        week.meddle = { $0.isListing ? .refusal(400, "quality.query.invalid.user") : nil }
        let left = week
        try await left.run { running in
            let result = try await running.done(SimulatedWeek.job())
            try await left.expectTruth(try running.truth())
            #expect(result.figures["refused-evaluators"] ?? 0 > 1, "\(result.figures)")
        }
        week.store = MemoryObjectStore()
        var silent = week
        silent.meddle = { call in
            call.isListing
                ? .refusal(400, "quality.query.invalid.user") : call.isSearch ? .refusal(400, "invalid.interval") : nil
        }
        week.configuration.discovery = [.evaluators]
        for refused in [week, silent] {
            try await refused.run { running in
                guard case .dead(let failure, _) = try await running.failure(SimulatedWeek.job()) else {
                    Issue.record("not dead")
                    return
                }
                #expect(failure.reason == "evaluators-refused")
            }
        }
    }

    @Test("where every evaluation is refused by itself the question is wrong, also where listings go well")
    func everyPointRead() async throws {
        var week = SimulatedWeek()
        week.configuration.hasQuestionScores = true
        week.meddle = { $0.isPointRead ? .refusal(400, "bad.request") : nil }
        try await week.run { running in
            guard case .dead(let failure, _) = try await running.failure(SimulatedWeek.job()) else {
                Issue.record("not dead")
                return
            }
            #expect(failure.reason == "vendor-bad-request", "\(failure)")
        }
    }

    // MARK: Searches for conversations

    /// The start of a search's interval.
    private static func start(_ body: String) -> Date? {
        body.firstMatch(of: /"interval":"([^\/]*)\//).flatMap { Timestamp.date(String($0.output.1)) }
    }

    @Test("a vendor that searches conversations of 35 days only ends neither days nor sweeps; what listings know is there")
    func lookBack() async throws {
        var week = SimulatedWeek(conversationsPerDay: 40) { $0.now = SimulatorInstant("2026-04-10T00:00:00Z") }
        week.configuration.sweepDays = 45
        week.configuration.hasQuestionScores = false
        let limit = (Timestamp.date("2026-04-10T00:00:00Z") ?? .distantPast).addingTimeInterval(-35 * 86_400)
        week.meddle = { call in
            guard call.isSearch, let start = Self.start(call.body), start < limit else { return nil }
            return .refusal(400, "bad.request")
        }
        let forgetful = week
        try await forgetful.run { running in
            let result = try await running.done(SimulatedWeek.job())
            let truth = try running.truth()
            let found = Set(try await forgetful.lines().compactMap(\.record.id))
            let members = Set(running.simulator.evaluators)
            #expect(truth.filter { members.contains($0.evaluator ?? "") }.allSatisfy { found.contains($0.id) })
            #expect(result.figures["mention-refused"] == 10, "\(result.figures)")
            let sweep = try await running.done(SimulatedWeek.sweep(38))
            #expect(sweep.figures["mention-refused"] ?? 0 > 0 && sweep.figures["mentions"] ?? 0 > 0, "\(sweep.figures)")
        }
        week.store = MemoryObjectStore()
        week.configuration.mentionReach = 35 * 86_400
        let knowing = week
        try await knowing.run { running in
            let sweep = try await running.done(SimulatedWeek.sweep(38))
            #expect(sweep.figures["mention-refused"] == nil && sweep.figures["mentions"] ?? 0 > 0, "\(sweep.figures)")
        }
        week.configuration.mentionReach = 0
        week.configuration.discovery = [.conversations]
        try await week.run { running in
            guard case .dead(let failure, _) = try await running.failure(SimulatedWeek.job()) else {
                Issue.record("not dead: the day would be empty")
                return
            }
            #expect(failure.reason == "vendor-bad-request")
        }
    }

    @Test("conversations that come twice while others are missed are asked for again, until none is missing")
    func movedRows() async throws {
        var week = SimulatedWeek(conversationsPerDay: 300)
        week.configuration.discovery = [.conversations]
        week.configuration.conversationDays = 18
        let asked = Mutex<Set<String>>([])
        week.meddle = { call in
            // The first time, all of a second page is one row over and over: as many rows as there are, and most of them missed.
            guard call.isSearch, call.body.contains("\"pageNumber\":2"), asked.withLock({ $0.insert(call.body).inserted }) else {
                return nil
            }
            return .edit("conversations") { rows in rows.map { _ in rows[0] } }
        }
        let moving = week
        try await moving.run { running in
            let result = try await running.done(SimulatedWeek.job())
            try await moving.expectTruth(try running.truth())
            #expect(result.figures["mention-unsettled"] == nil, "\(result.figures)")
        }
    }

    @Test(
        "a vendor that answers the first page whatever page is asked for ends the search; what is missing then is told",
        arguments: [false, true])
    func samePage(_ isTooMuch: Bool) async throws {
        // Forwards and backwards the first page shows 200 conversations.
        var week = SimulatedWeek(conversationsPerDay: isTooMuch ? 240 : 150) { $0.data.evaluationEvery = 1 }
        week.configuration.conversationDays = isTooMuch ? 0 : 18
        week.configuration.discovery = [.conversations]
        week.meddle = { call in
            call.isSearch ? .ask(call.body.replacing(/"pageNumber":[0-9]+/, with: "\"pageNumber\":1")) : nil
        }
        let stuck = week
        try await stuck.run { running in
            let result = try await running.done(SimulatedWeek.job())
            #expect((result.figures["mention-unsettled"] ?? 0 > 0) == isTooMuch, "\(result.figures)")
            if !isTooMuch { try await stuck.expectTruth(try running.truth()) }
            #expect(running.calls("conversations/details/query") < 250)
        }
    }

    @Test("totals that are wrong end the search after a few passes, and nothing is said to be missing")
    func wrongHits() async throws {
        var week = SimulatedWeek(conversationsPerDay: 300) { $0.hitsJitter = 40 }
        week.configuration.discovery = [.conversations]
        week.configuration.conversationDays = 18
        let jittery = week
        try await jittery.run { running in
            let result = try await running.done(SimulatedWeek.job())
            try await jittery.expectTruth(try running.truth())
            #expect(result.figures["mention-unsettled"] == nil, "\(result.figures)")
        }
    }
}
