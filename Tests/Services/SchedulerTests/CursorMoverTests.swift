import Contracts
import Foundation
import Kafka
import Service
import TestSupport
import Testing

@testable import Scheduler

@Suite("Cursors moved by operators", .timeLimit(.minutes(5)))
struct CursorMoverTests {
    private struct Bench {
        let topics = TopicNames(prefix: "m\(UUID().uuidString.prefix(8).lowercased()).")
        let kafka: KafkaConfiguration

        init() async throws {
            kafka = try await TestBroker.shared.kafka()
            try await TestBroker.shared.create([topics.scheduleState: 1, topics.jobEvents: 1, topics.jobs("conversation"): 1])
        }

        var mover: CursorMover { CursorMover(kafka, topics: topics) }

        func state(_ name: String) async throws -> ScheduleState? {
            try await ScheduleStateReader(kafka, topic: topics.scheduleState).read().states[name]
        }

        func jobs() async throws -> [String] {
            try await TopicScan(kafka, topics: [topics.jobs("conversation")]).read { records in
                var ids: [String] = []
                for try await record in records { ids.append(try Job.decode(record.value).id) }
                return ids
            }
        }

        /// Runs a scheduler beside the body, by the machine's clock.
        func withScheduler(_ schedules: [ScheduleDefinition], _ body: () async throws -> Void) async throws {
            var configuration = SchedulerConfiguration(kafka: kafka, topics: topics, schedules: schedules)
            configuration.sessionTimeout = .seconds(6)
            configuration.interval = .milliseconds(20)
            let service = SchedulerService(configuration, health: HealthRegistry(), logger: .quiet)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await service.run() }
                try await body()
                group.cancelAll()
                try await group.waitForAll()
            }
        }

        /// Waits until the stored state is as it should be.
        func awaitState(_ name: String, _ condition: (ScheduleState) -> Bool) async throws -> ScheduleState {
            while true {
                if let state = try await state(name), condition(state) { return state }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    private static func daily(_ start: String, end: String) throws -> ScheduleDefinition {
        ScheduleDefinition(
            name: "daily", kind: "conversation", dataset: "d", source: "a/b", cadence: .every(.days(1)), zone: try zone("UTC"),
            start: CalendarDay(start), end: CalendarDay(end))
    }

    @Test("the leader goes on from a moved cursor by itself, publishes again what lies behind it, and the move is confirmed")
    func leaderFollows() async throws {
        let bench = try await Bench()
        let definition = try Self.daily("2026-01-01", end: "2026-01-05")
        try await bench.withScheduler([definition]) {
            let old = try await bench.awaitState("daily") { $0.lastIntervalEnd == utc("2026-01-06T00:00:00Z") }
            #expect(try await bench.jobs().count == 5)
            var new = old
            new.lastIntervalEnd = utc("2026-01-03T00:00:00Z")
            new.movedBy = "me@here"
            let moved = try await bench.mover.move(to: new, from: old)
            #expect(moved.moves == 1)
            let outcome = try await bench.mover.confirm(moved, for: .seconds(20))
            guard case .stands(let state) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(state.movedBy == nil && state.moves == 1 && state.lastIntervalEnd == old.lastIntervalEnd)
            let jobs = try await bench.jobs()
            #expect(jobs.count == 8 && jobs.suffix(3) == jobs[2...4])
        }
    }

    @Test(
        "moves while the leader publishes all the time: none is lost, and no interval behind a move is left out",
        // The development broker hangs up on a producer that was fenced inside a transaction instead of telling it.
        .enabled(if: TestBroker.isExternal))
    func race() async throws {
        let bench = try await Bench()
        var definition = try Self.daily("1990-01-01", end: "2020-01-01")
        definition.maximumCatchUp = 1
        let first = utc("1990-01-01T00:00:00Z")
        try await bench.withScheduler([definition]) {
            _ = try await bench.awaitState("daily") { $0.lastIntervalEnd > first }
            for round in 1...5 {
                let old = try #require(try await bench.state("daily"))
                var new = old
                new.lastIntervalEnd = first
                new.movedBy = "me@here"
                // The leader moves on from what the plan was made from all the time.
                let moved = try await bench.mover.move(to: new, from: old)
                let outcome = try await bench.mover.confirm(moved, for: .seconds(20))
                guard case .stands(let state) = outcome else {
                    Issue.record("round \(round): \(outcome)")
                    return
                }
                #expect(state.moves == round)
            }
        }
        // Every run of intervals begins at the first one after each move, and goes on without a gap.
        let ids = try await bench.jobs()
        #expect(ids.count { $0 == ids[0] } == 6)
        let broken = zip(ids, ids.dropFirst()).filter { before, after in
            after != ids[0] && before.split(separator: "-").last != after.split(separator: "-").dropFirst().first
        }
        #expect(broken.isEmpty, "gaps or repetitions, such as \(broken.prefix(2))")
    }

    @Test("a plan made from what isn't stored any more changes nothing")
    func stale() async throws {
        let bench = try await Bench()
        let now = utc("2026-03-01T00:00:00Z")
        let state = ScheduleState(
            schedule: "s", lastFire: nil, lastIntervalEnd: now, definitionHash: "h", updatedAt: now, movedBy: "me@here")
        let moved = try await bench.mover.move(to: state, from: nil)
        #expect(try await bench.state("s") == moved)
        await #expect(throws: CursorMover.Changed.self) { try await bench.mover.move(to: state, from: nil) }
        #expect(try await bench.state("s") == moved)
        #expect(try await bench.mover.confirm(moved, for: .zero) == .stands(moved))
        var older = moved
        older.moves = 9
        #expect(try await bench.mover.confirm(older, for: .zero) == .overwritten(moved))
    }
}
