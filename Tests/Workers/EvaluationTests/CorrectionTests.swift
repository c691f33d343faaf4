import Contracts
import Foundation
import ObjectStorage
import Testing
import VendorSimulator
import WorkerKit

@testable import Evaluation

@Suite("Evaluations that change", .timeLimit(.minutes(5)))
struct CorrectionTests {
    @Test("a later run keeps the versions of the one before, adds the new ones, and has what didn't change once")
    func rerun() async throws {
        let week = SimulatedWeek(conversationsPerDay: 80) { $0.now = SimulatorInstant("2026-03-02T16:00:00Z") }
        try await week.run { running in
            _ = try await running.done(SimulatedWeek.job())
            let before = try await week.lines()
            var history = Set(before.map(\.key))
            for revision in 1...3 {
                running.simulator.clock.advance(by: .seconds(10 * 86_400))
                let result = try await running.done(SimulatedWeek.job(revision: revision))
                let truth = try running.truth()
                try await week.expectTruth(truth)
                let lines = try await week.lines()
                history.formUnion(truth.map { "\($0.id) \($0.version) \($0.changed)" })
                #expect(Set(lines.map(\.key)) == history, "everything that was ever seen, and nothing twice")
                #expect(result.figures["records"] == history.count)
            }
            let after = try await week.lines()
            #expect(after.count > before.count)
            #expect(after.contains { $0.record.version == "2" } && after.contains { $0.record.status == "RETRACTED" })
        }
    }

    @Test("a sweep finds the days that have changed, silent releases and the system's evaluations among them, and no others")
    func sweep() async throws {
        var quick = SimulatedWeek(conversationsPerDay: 30) { $0.now = SimulatorInstant("2026-03-04T16:00:00Z") }
        quick.configuration.sweepDays = 28
        let week = quick
        try await week.run { running in
            for day in 0..<3 { _ = try await running.done(SimulatedWeek.job(day)) }
            let quiet = try await running.done(SimulatedWeek.sweep(2))
            #expect(quiet.successors.isEmpty && quiet.figures["days"] == 3, "\(quiet.figures)")
            for step in 1...2 {
                running.simulator.clock.advance(by: .seconds(12 * 86_400))
                let result = try await running.done(SimulatedWeek.sweep(2 + step * 12))
                var expected: [String] = []
                for day in 0..<3 where try await isBehind(running, week, day) { expected.append(SimulatedWeek.job(day).id) }
                #expect(result.successors.map(\.id).sorted() == expected && !expected.isEmpty)
                for job in result.successors {
                    let day = try #require((0..<3).first { SimulatedWeek.job($0).id == job.id })
                    let present = try await week.manifest(day)
                    #expect(job.revision == present.map { $0.revision + 1 })
                    #expect(
                        job.kind == "evaluation" && job.dataset == "evaluations" && job.interval == SimulatedWeek.interval(day))
                    _ = try await running.done(job)
                }
                for day in 0..<3 { try await week.expectTruth(try running.truth(day), day) }
                let settled = try await running.done(SimulatedWeek.sweep(2 + step * 12, revision: 1))
                #expect(settled.successors.isEmpty, "a corrected day is left alone: \(settled.figures)")
            }
        }
    }

    /// Whether the lake lacks the latest version of an evaluation of a day.
    private func isBehind(_ running: SimulatedWeek.Running, _ week: SimulatedWeek, _ day: Int) async throws -> Bool {
        let texts = Set(try await week.lines(day).map(\.text))
        return try running.truth(day).contains { !texts.contains($0.listing) && !texts.contains($0.point) }
    }

    @Test("a sweep that is run again, after a crash before its end was published, asks for the same corrections")
    func repeated() async throws {
        var quick = SimulatedWeek(conversationsPerDay: 30) { $0.now = SimulatorInstant("2026-03-02T16:00:00Z") }
        quick.configuration.sweepDays = 22
        let week = quick
        try await week.run { running in
            _ = try await running.done(SimulatedWeek.job())
            running.simulator.clock.advance(by: .seconds(20 * 86_400))
            let first = try await running.done(SimulatedWeek.sweep(20))
            let second = try await running.done(SimulatedWeek.sweep(20))
            #expect(first.successors.count == 1 && first.successors.map(\.parameters) == second.successors.map(\.parameters))
            #expect(first.successors.first?.revision == 1)
        }
    }

    @Test("a sweep looks back so many days and no further")
    func window() async throws {
        var week = SimulatedWeek(conversationsPerDay: 30) { $0.now = SimulatorInstant("2026-03-02T16:00:00Z") }
        week.configuration.sweepDays = 5
        try await week.run { running in
            _ = try await running.done(SimulatedWeek.job())
            running.simulator.clock.advance(by: .seconds(20 * 86_400))
            let late = try await running.done(SimulatedWeek.sweep(20))
            #expect(late.successors.isEmpty && late.figures["days"] == 0)
        }
    }

    @Test("in a lake of one day a sweep reads only what no listing can tell, not each evaluation of the days that aren't there")
    func fewDays() async throws {
        var week = SimulatedWeek(conversationsPerDay: 60) { $0.data.evaluators = 3 }
        week.configuration.sweepDays = 2
        week.configuration.conversationDays = 10
        let few = week
        try await few.run { running in
            _ = try await running.done(SimulatedWeek.job(2))
            let sweep = try await running.done(SimulatedWeek.sweep(2))
            let point = sweep.figures["point-reads"] ?? 0
            let mentions = sweep.figures["mentions"] ?? 0
            #expect(mentions > 100 && point < 10 && sweep.figures["listed-again"] ?? 0 > 0, "\(sweep.figures)")
        }
    }

    @Test("a run that finds nothing any more leaves what the lake has")
    func vanished() async throws {
        let week = SimulatedWeek(conversationsPerDay: 60)
        try await week.run { running in
            _ = try await running.done(SimulatedWeek.job())
            let before = Set(try await week.lines().map(\.text))
            // The vendor forgets every conversation, and with them their evaluations.
            let ids = try running.truth().map(\.conversation)
            running.simulator.deleteConversations(ids)
            #expect(try running.truth().isEmpty)
            let result = try await running.done(SimulatedWeek.job(revision: 1))
            #expect(Set(try await week.lines().map(\.text)) == before && result.figures["kept"] == before.count)
        }
    }
}
