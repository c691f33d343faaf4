import Contracts
import Foundation
import Scheduler
import Testing

@testable import Operations

@Suite("Plans to move cursors")
struct CursorPlanTests {
    private static func date(_ text: String) -> Date { Timestamp.date(text) ?? .distantPast }

    private static func definition(_ catchUp: ScheduleDefinition.CatchUp = .all) throws -> ScheduleDefinition {
        ScheduleDefinition(
            name: "s", kind: "conversation", dataset: "d", source: "a/b", cadence: .every(.days(1)),
            zone: try #require(BusinessZone("Asia/Manila")), lag: 1, start: CalendarDay("2026-02-01"), catchUp: catchUp)
    }

    private static func plan(
        from old: String?, to new: String, _ definition: ScheduleDefinition?, now: String = "2026-03-10T04:00:00Z"
    ) -> CursorPlan {
        let state = old.map {
            ScheduleState(
                schedule: "s", lastFire: date($0), lastIntervalEnd: date($0), definitionHash: "h", updatedAt: date($0), moves: 4)
        }
        return CursorPlan(schedule: "s", old: state, to: date(new), definition: definition, by: "me@here", now: date(now))
    }

    @Test("back: the intervals behind the new cursor are published again, and the scheduler does that at once")
    func back() throws {
        let plan = Self.plan(from: "2026-03-08T16:00:00Z", to: "2026-03-05T16:00:00Z", try Self.definition())
        #expect(plan.count == 3 && plan.repeated.count == 3 && plan.skipped.isEmpty && plan.cut == nil && !plan.isEmpty)
        #expect(plan.repeated.first?.start == Self.date("2026-03-05T16:00:00Z"))
        #expect(plan.repeated.last?.end == Self.date("2026-03-08T16:00:00Z"))
        // The one that was due anyway comes too.
        #expect(plan.tick?.due.map(\.interval.start).first == Self.date("2026-03-05T16:00:00Z") && plan.tick?.due.count == 4)
        #expect(plan.new.movedBy == "me@here" && plan.new.definitionHash == "h" && plan.new.lastFire == nil)
    }

    @Test("on: the intervals before the new cursor are passed over")
    func on() throws {
        let plan = Self.plan(from: "2026-03-05T16:00:00Z", to: "2026-03-08T16:00:00Z", try Self.definition())
        #expect(plan.count == 3 && plan.skipped.count == 3 && plan.repeated.isEmpty)
    }

    @Test("a cursor inside of an interval is told, with the interval's ends")
    func cut() throws {
        let plan = Self.plan(from: "2026-03-08T16:00:00Z", to: "2026-03-05T20:00:00Z", try Self.definition())
        #expect(plan.cut?.start == Self.date("2026-03-05T16:00:00Z") && plan.cut?.end == Self.date("2026-03-06T16:00:00Z"))
    }

    @Test("what the catch-up policy would leave out is told")
    func leftOut() throws {
        let plan = Self.plan(from: "2026-03-08T16:00:00Z", to: "2026-03-05T16:00:00Z", try Self.definition(.latest))
        #expect(plan.tick?.leftOut.first?.start == Self.date("2026-03-05T16:00:00Z"))
    }

    @Test("without the definition, and for a schedule that was never seen, it says what it can")
    func unknown() throws {
        let plan = Self.plan(from: "2026-03-08T16:00:00Z", to: "2026-03-05T16:00:00Z", nil)
        #expect(plan.count == nil && plan.tick == nil && !plan.isEmpty)
        let first = Self.plan(from: nil, to: "2026-03-05T16:00:00Z", try Self.definition())
        #expect(first.old == nil && first.count == 0 && !first.isEmpty)
        #expect(Self.plan(from: "2026-03-08T16:00:00Z", to: "2026-03-08T16:00:00Z", nil).isEmpty)
    }
}
