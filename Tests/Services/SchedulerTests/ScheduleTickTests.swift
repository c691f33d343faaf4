import Contracts
import Foundation
import Testing

@testable import Scheduler

@Suite("what a schedule has to do")
struct ScheduleTickTests {
    private func daily(_ change: (inout ScheduleDefinition) throws -> Void = { _ in }) throws -> ScheduleDefinition {
        var definition = ScheduleDefinition(
            name: "conversations", kind: "conversation", dataset: "conversations", source: "genesys/main",
            cadence: .cron(try CronExpression("0 6 * * *")), zone: try zone("Asia/Manila"), lag: 1,
            start: CalendarDay("2026-03-01"), deadline: .seconds(12 * 3_600))
        try change(&definition)
        return definition
    }

    private func quarterHourly(_ change: (inout ScheduleDefinition) throws -> Void = { _ in }) throws -> ScheduleDefinition {
        try daily {
            $0.cadence = .every(.seconds(900))
            $0.window = .seconds(900)
            $0.lag = 0
            $0.start = nil
            try change(&$0)
        }
    }

    private func intervals(_ tick: ScheduleTick) -> [String] {
        tick.due.map { "\(text($0.interval.start))/\(text($0.interval.end))" }
    }

    private func state(_ definition: ScheduleDefinition, fire: String?, end: String) -> ScheduleState {
        ScheduleState(
            schedule: definition.name, lastFire: fire.map(utc), lastIntervalEnd: utc(end), definitionHash: definition.hash,
            updatedAt: utc(end))
    }

    // MARK: One fire

    @Test("a business day in Manila is 16:00 to 16:00 UTC, due at the fire, with an id that follows from it")
    func manila() throws {
        let definition = try daily()
        #expect(definition.tick(state: nil, now: utc("2026-03-01T21:59:59Z")).due.isEmpty)
        let tick = definition.tick(state: nil, now: utc("2026-03-01T22:00:00Z"))
        let due = try #require(tick.due.first)
        #expect(tick.due.count == 1)
        #expect(due.jobID == "conversations-20260228T160000Z-20260301T160000Z")
        #expect(Job.isIdentifier(due.jobID))
        #expect("\(due.day)" == "2026-03-01" && due.jobsOfDay == 1)
        #expect(due.fire == utc("2026-03-01T22:00:00Z") && due.deadline == utc("2026-03-02T10:00:00Z"))
        #expect(tick.state?.lastIntervalEnd == utc("2026-03-01T16:00:00Z"))
        #expect(tick.state?.lastFire == utc("2026-03-01T22:00:00Z"))
        let again = definition.tick(state: tick.state, now: utc("2026-03-01T22:00:01Z"))
        #expect(again.due.isEmpty && again.state == nil && again.nextDue == utc("2026-03-02T22:00:00Z"))
    }

    @Test(
        "lag counts business days back",
        arguments: [
            (0, "2026-03-02T22:00:00Z"), (1, "2026-03-01T22:00:00Z"), (2, "2026-03-02T22:00:00Z"), (5, "2026-03-05T22:00:00Z"),
        ])
    func lag(lag: Int, fire: String) throws {
        // With lag 0 the day of the fire isn't complete at 06:00: it is published by the next fire, as with lag 1.
        let definition = try daily { $0.lag = lag }
        let expected = lag == 0 ? "2026-03-01T22:00:00Z" : fire
        #expect(text(definition.interval(after: utc("2026-02-28T16:00:00Z"))?.fire) == expected)
    }

    @Test("lag applies to parts of days: a fire publishes windows up to the end of the day that lies so far back")
    func lagOfParts() throws {
        let definition = try daily {
            $0.window = .seconds(6 * 3_600)
            $0.lag = 2
        }
        #expect(definition.tick(state: nil, now: utc("2026-03-01T22:00:00Z")).due.isEmpty)
        let tick = definition.tick(state: nil, now: utc("2026-03-02T22:00:00Z"))
        #expect(
            intervals(tick) == [
                "2026-02-28T16:00:00Z/2026-02-28T22:00:00Z", "2026-02-28T22:00:00Z/2026-03-01T04:00:00Z",
                "2026-03-01T04:00:00Z/2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z/2026-03-01T16:00:00Z",
            ])
        #expect(tick.due.allSatisfy { $0.jobsOfDay == 4 && $0.fire == utc("2026-03-02T22:00:00Z") })
    }

    @Test("an interval is never published before it has settled")
    func settle() throws {
        let definition = try quarterHourly { $0.settle = .seconds(600) }
        let first = definition.tick(state: nil, now: utc("2026-03-01T12:02:00Z"))
        #expect(first.due.isEmpty && first.state != nil)
        // 12:00 to 12:15 has settled at 12:25, so the fire of 12:30 publishes it.
        #expect(
            definition.tick(state: first.state, now: utc("2026-03-01T12:29:59Z")).due.map(\.interval.end) == [
                utc("2026-03-01T12:00:00Z")
            ])
        #expect(
            definition.tick(state: first.state, now: utc("2026-03-01T12:30:00Z")).due.map(\.interval.end)
                == [utc("2026-03-01T12:00:00Z"), utc("2026-03-01T12:15:00Z")])
    }

    @Test("without a start a schedule begins with its first fire and makes up for nothing")
    func withoutStart() throws {
        let definition = try daily { $0.start = nil }
        let first = definition.tick(state: nil, now: utc("2026-03-05T21:00:00Z"))
        #expect(first.due.isEmpty && first.nextDue == utc("2026-03-05T22:00:00Z"))
        let second = definition.tick(state: first.state, now: utc("2026-03-05T22:00:00Z"))
        #expect(intervals(second) == ["2026-03-04T16:00:00Z/2026-03-05T16:00:00Z"])
    }

    @Test("a schedule ends with its last day")
    func end() throws {
        let definition = try daily { $0.end = CalendarDay("2026-03-03") }
        let tick = definition.tick(state: nil, now: utc("2026-06-01T00:00:00Z"))
        #expect(tick.due.map { "\($0.day)" } == ["2026-03-01", "2026-03-02", "2026-03-03"])
        #expect(tick.nextDue == nil)
        #expect(definition.interval(after: utc("2026-03-03T16:00:00Z")) == nil)
    }

    @Test("a day that the zone leaves out has no interval and none of its neighbours is late")
    func leftOutDay() throws {
        let definition = try daily {
            $0.zone = try zone("Pacific/Apia")
            $0.start = CalendarDay("2011-12-28")
            $0.end = CalendarDay("2012-01-01")
        }
        let tick = definition.tick(state: nil, now: utc("2012-02-01T00:00:00Z"))
        #expect(tick.due.map { "\($0.day)" } == ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"])
        #expect(
            tick.due.map { text($0.fire) } == [
                "2011-12-29T16:00:00Z", "2011-12-30T16:00:00Z", "2011-12-31T16:00:00Z", "2012-01-01T16:00:00Z",
            ])
    }

    @Test(
        "a clock change in either direction neither skips nor doubles an interval",
        arguments: [("2026-03-27", 95 - 3), ("2026-10-23", 95 + 5)])
    func clockChange(start: String, windowsOfSunday: Int) throws {
        let definition = try quarterHourly {
            $0.zone = try zone("Europe/Berlin")
            $0.start = CalendarDay(start)
            $0.maximumCatchUp = 1_000
        }
        let first = try #require(CalendarDay(start))
        let due = definition.due(state: nil, now: definition.zone.start(of: first.advanced(by: 4)))
        #expect(zip(due, due.dropFirst()).allSatisfy { $0.interval.end == $1.interval.start })
        let sunday = due.filter { $0.day == first.advanced(by: 2) }
        #expect(sunday.count == windowsOfSunday && sunday.allSatisfy { $0.jobsOfDay == windowsOfSunday })
        #expect(Set(due.map(\.jobID)).count == due.count)
    }

    // MARK: Downtime

    @Test("all: after an outage everything is published, in order and in bounded ticks")
    func catchUpAll() throws {
        let definition = try daily { $0.maximumCatchUp = 4 }
        var current: ScheduleState? = state(definition, fire: "2026-03-01T22:00:00Z", end: "2026-03-01T16:00:00Z")
        let now = utc("2026-03-11T23:00:00Z")
        var days: [String] = []
        for expected in [(4, true), (4, true), (2, false)] {
            let tick = definition.tick(state: current, now: now)
            #expect(tick.due.count == expected.0 && tick.hasMore == expected.1 && tick.leftOut.isEmpty)
            days += tick.due.map { "\($0.day)" }
            current = tick.state
        }
        #expect(days == (2...11).map { "2026-03-\($0 < 10 ? "0" : "")\($0)" })
        // Caught up late, a job has its full time.
        #expect(definition.tick(state: nil, now: now).due.first?.deadline == now.addingTimeInterval(12 * 3_600))
    }

    @Test("latest: after an outage only what the latest fire publishes, and what is left out is said")
    func catchUpLatest() throws {
        let definition = try daily { $0.catchUp = .latest }
        let before = state(definition, fire: "2026-03-01T22:00:00Z", end: "2026-03-01T16:00:00Z")
        let tick = definition.tick(state: before, now: utc("2026-03-11T23:00:00Z"))
        #expect(tick.due.map { "\($0.day)" } == ["2026-03-11"])
        #expect(
            tick.leftOut == [Interval(start: utc("2026-03-01T16:00:00Z"), end: utc("2026-03-10T16:00:00Z"))].compactMap { $0 })
        #expect(definition.tick(state: tick.state, now: utc("2026-03-12T23:00:00Z")).due.map { "\($0.day)" } == ["2026-03-12"])
    }

    @Test("latest: fires that have nothing to publish are not the latest")
    func catchUpLatestWithIdleFires() throws {
        let definition = try daily {
            $0.catchUp = .latest
            $0.cadence = .every(.seconds(3_600))
        }
        let before = state(definition, fire: nil, end: "2026-03-01T16:00:00Z")
        let tick = definition.tick(state: before, now: utc("2026-03-05T09:30:00Z"))
        #expect(tick.due.map { "\($0.day)" } == ["2026-03-04"])
    }

    @Test("latest: a day of parts is published whole, over several ticks if need be")
    func catchUpLatestOfParts() throws {
        let definition = try daily {
            $0.catchUp = .latest
            $0.window = .seconds(3_600)
            $0.maximumCatchUp = 10
        }
        var current: ScheduleState? = state(definition, fire: "2026-03-01T22:00:00Z", end: "2026-03-01T16:00:00Z")
        var due: [DueInterval] = []
        for now in ["2026-03-05T23:00:00Z", "2026-03-06T22:30:00Z", "2026-03-06T22:30:01Z"] {
            // The second tick comes a day late: the fire that was begun is finished first.
            let tick = definition.tick(state: current, now: utc(now))
            due += tick.due
            current = tick.state
        }
        #expect(due.count == 30)
        #expect(
            due.prefix(24).allSatisfy { "\($0.day)" == "2026-03-05" } && due.suffix(6).allSatisfy { "\($0.day)" == "2026-03-06" })
        #expect(zip(due, due.dropFirst()).allSatisfy { $0.interval.end == $1.interval.start })
    }

    @Test("none: after an outage nothing is made up for, and the next fire goes on")
    func catchUpNone() throws {
        let definition = try daily { $0.catchUp = .none }
        let before = state(definition, fire: "2026-03-01T22:00:00Z", end: "2026-03-01T16:00:00Z")
        let tick = definition.tick(state: before, now: utc("2026-03-11T23:00:00Z"))
        #expect(tick.due.isEmpty)
        #expect(
            tick.leftOut == [Interval(start: utc("2026-03-01T16:00:00Z"), end: utc("2026-03-11T16:00:00Z"))].compactMap { $0 })
        #expect(definition.tick(state: tick.state, now: utc("2026-03-12T22:00:01Z")).due.map { "\($0.day)" } == ["2026-03-12"])
    }

    @Test("none: a fire that is seconds late is on time")
    func catchUpNoneOnTime() throws {
        let definition = try daily { $0.catchUp = .none }
        let before = state(definition, fire: "2026-03-01T22:00:00Z", end: "2026-03-01T16:00:00Z")
        #expect(definition.due(state: before, now: utc("2026-03-02T22:00:59Z")).map { "\($0.day)" } == ["2026-03-02"])
        #expect(definition.due(state: before, now: utc("2026-03-02T22:01:01Z")).isEmpty)
        #expect(definition.due(state: before, now: utc("2026-03-05T22:00:10Z")).map { "\($0.day)" } == ["2026-03-05"])
    }

    @Test(
        "a first run with a start in the past follows the policy too",
        arguments: [(ScheduleDefinition.CatchUp.all, 10), (.latest, 1), (.none, 0)])
    func firstRun(policy: ScheduleDefinition.CatchUp, count: Int) throws {
        let definition = try daily { $0.catchUp = policy }
        #expect(definition.due(state: nil, now: utc("2026-03-10T23:00:00Z")).count == count)
    }

    @Test("a paused schedule publishes nothing and goes on by its policy")
    func paused() throws {
        let running = try daily()
        let before = state(running, fire: "2026-03-01T22:00:00Z", end: "2026-03-01T16:00:00Z")
        let paused = try daily { $0.isPaused = true }
        #expect(paused.tick(state: before, now: utc("2026-03-04T23:00:00Z")) == ScheduleTick())
        #expect(running.hash == paused.hash)
        #expect(running.due(state: before, now: utc("2026-03-04T23:00:00Z")).count == 3)
    }

    // MARK: Clocks and edits

    @Test("a clock that goes back publishes nothing again and moves no cursor back")
    func clockBack() throws {
        for policy in ScheduleDefinition.CatchUp.allCases {
            let definition = try quarterHourly { $0.catchUp = policy }
            var current = definition.tick(state: nil, now: utc("2026-03-01T12:00:00Z")).state
            var ids: [String] = []
            for now in ["12:15:00", "12:30:01", "12:14:59", "11:00:00", "12:15:30", "12:30:02", "12:45:00", "13:00:00"] {
                let tick = definition.tick(state: current, now: utc("2026-03-01T\(now)Z"))
                ids += tick.due.map(\.jobID)
                if let moved = tick.state {
                    #expect(moved.lastIntervalEnd >= (current?.lastIntervalEnd ?? .distantPast))
                    current = moved
                }
            }
            #expect(ids.count == 4 && Set(ids).count == 4, "\(policy): \(ids)")
        }
    }

    @Test("a changed window goes on at the cursor, the first new interval cut to adjoin")
    func editWindow() throws {
        let before = try quarterHourly()
        let cursor = state(before, fire: "2026-03-01T12:30:00Z", end: "2026-03-01T12:30:00Z")
        let after = try quarterHourly {
            $0.window = .days(1)
            $0.cadence = .every(.seconds(3_600))
        }
        let tick = after.tick(state: cursor, now: utc("2026-03-02T17:00:00Z"))
        #expect(tick.definitionChanged)
        #expect(intervals(tick) == ["2026-03-01T12:30:00Z/2026-03-01T16:00:00Z", "2026-03-01T16:00:00Z/2026-03-02T16:00:00Z"])
    }

    @Test("a changed zone neither repeats nor misses anything")
    func editZone() throws {
        let cursor = state(try daily(), fire: "2026-03-01T22:00:00Z", end: "2026-03-01T16:00:00Z")
        let after = try daily { $0.zone = try zone("America/New_York") }
        let tick = after.tick(state: cursor, now: utc("2026-03-03T12:00:00Z"))
        #expect(intervals(tick) == ["2026-03-01T16:00:00Z/2026-03-02T05:00:00Z", "2026-03-02T05:00:00Z/2026-03-03T05:00:00Z"])
    }

    @Test("an earlier start doesn't rewrite the past; a later one is obeyed; before the first interval both are free")
    func editStart() throws {
        let cursor = state(try daily(), fire: "2026-03-05T22:00:00Z", end: "2026-03-05T16:00:00Z")
        let now = utc("2026-03-06T22:00:00Z")
        #expect(
            try daily { $0.start = CalendarDay("2025-01-01") }.due(state: cursor, now: now).map { "\($0.day)" } == ["2026-03-06"])
        #expect(try daily { $0.start = CalendarDay("2026-03-08") }.due(state: cursor, now: now).isEmpty)
        #expect(try daily { $0.start = CalendarDay("2027-01-01") }.tick(state: nil, now: now).state == nil)
    }

    @Test("a changed definition is remembered once, with the cursor where it was")
    func editIsStored() throws {
        let cursor = state(try daily(), fire: "2026-03-05T22:00:00Z", end: "2026-03-05T16:00:00Z")
        let after = try daily { $0.parameters = .object(["pageSize": .integer(50)]) }
        let tick = after.tick(state: cursor, now: utc("2026-03-06T00:00:00Z"))
        #expect(tick.definitionChanged && tick.due.isEmpty && tick.state?.lastIntervalEnd == cursor.lastIntervalEnd)
        #expect(after.tick(state: tick.state, now: utc("2026-03-06T00:00:01Z")).definitionChanged == false)
    }

    @Test("a state survives its JSON")
    func stateCodable() throws {
        let state = state(try daily(), fire: "2026-03-05T22:00:00Z", end: "2026-03-05T16:00:00Z")
        #expect(try JSONDecoder().decode(ScheduleState.self, from: JSONEncoder().encode(state)) == state)
    }
}
