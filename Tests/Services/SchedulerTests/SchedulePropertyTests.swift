import Contracts
import Foundation
import Testing

@testable import Scheduler

@Suite("schedules of every kind, lived through")
struct SchedulePropertyTests {
    private func randomDefinition(_ zoneName: String, _ generator: inout SeededGenerator, start: CalendarDay) throws
        -> ScheduleDefinition
    {
        let windows = ["15m", "30m", "1h", "4h", "6h", "12h", "1d", "1d", "2d"]
        let crons = [
            "0 6 * * *", "30 2 * * *", "15 */3 * * *", "0 0 * * MON-FRI", "*/20 1-4 * * *", "0 12 1,15 * *", "5 4 * * SUN",
        ]
        let everies = ["5m", "15m", "1h", "6h", "1d", "3d"]
        let isCron = Bool.random(using: &generator)
        return ScheduleDefinition(
            name: "random", kind: "conversation", dataset: "d", source: "genesys/main",
            cadence: isCron
                ? .cron(try CronExpression(crons.randomElement(using: &generator) ?? "0 6 * * *"))
                : .every(try #require(WindowLength(everies.randomElement(using: &generator) ?? "1h"))),
            zone: try zone(zoneName), lag: [0, 0, 1, 2, 5].randomElement(using: &generator) ?? 0,
            window: try #require(WindowLength(windows.randomElement(using: &generator) ?? "1d")),
            settle: .seconds([0, 0, 600, 5_400, 90_000].randomElement(using: &generator) ?? 0), start: start,
            maximumCatchUp: Int.random(in: 1...200, using: &generator))
    }

    @Test(
        "all: whatever the outages, intervals adjoin from the start day on, each at the first fire that may publish it",
        arguments: oddZones)
    func livesThrough(name: String) throws {
        var generator = SeededGenerator(seed: UInt64(name.utf8.reduce(11) { $0 &* 31 &+ Int($1) }.magnitude))
        // Each begins shortly before a clock change of the zone, if it has any.
        let starts = ["2026-03-06", "2026-03-27", "2026-10-23", "2026-10-30", "2011-12-28", "2018-11-02", "2010-11-05"]
        for start in starts {
            let first = try #require(CalendarDay(start))
            let definition = try randomDefinition(name, &generator, start: first)
            let label = "\(name) from \(start): \(definition.cadence), window \(definition.window), lag \(definition.lag)"
            var state: ScheduleState?
            var now = definition.zone.start(of: first)
            let end = now.addingTimeInterval(14 * 86_400)
            var published: [DueInterval] = []
            while now < end {
                let tick = definition.tick(state: state, now: now)
                #expect(tick.leftOut.isEmpty && tick.due.count <= definition.maximumCatchUp, "\(label)")
                #expect(tick.hasMore == false || tick.due.count == definition.maximumCatchUp, "\(label)")
                published += tick.due
                state = tick.state ?? state
                if !tick.hasMore { now.addTimeInterval(Double.random(in: 1...100_000, using: &generator)) }
            }
            #expect(
                published.first.map { $0.interval.start } ?? definition.zone.start(of: first) == definition.zone.start(of: first),
                "\(label)")
            #expect(zip(published, published.dropFirst()).allSatisfy { $0.interval.end == $1.interval.start }, "\(label)")
            #expect(published.allSatisfy { $0.interval.start < $0.interval.end }, "\(label)")
            #expect(Set(published.map(\.jobID)).count == published.count, "\(label)")
            for due in published { try check(due, of: definition, label) }
        }
    }

    /// A fire may publish an interval when it has settled and its last day lies far enough back; the fire before may not.
    private func check(_ due: DueInterval, of definition: ScheduleDefinition, _ label: String) throws {
        func mayPublish(_ fire: Date) -> Bool {
            let lastDay = definition.zone.day(of: due.interval.end.addingTimeInterval(-1))
            let fireDay = definition.zone.day(of: fire)
            var distance = 0
            var day = lastDay
            while day < fireDay {
                day = day.advanced(by: 1)
                if definition.zone.start(of: day) < definition.zone.start(of: day.advanced(by: 1)) { distance += 1 }
            }
            let settled = due.interval.end.addingTimeInterval(Double(definition.settle.components.seconds))
            return fire >= settled && lastDay <= fireDay && distance >= definition.lag
        }
        #expect(mayPublish(due.fire), "\(label): \(due.jobID)")
        let before = definition.cadence.fire(
            atOrBefore: due.fire.wholeSeconds - 1, zone: definition.zone, anchor: definition.start ?? CalendarDay(number: 0))
        if let before { #expect(!mayPublish(Date(seconds: before)), "\(label): \(due.jobID)") }
    }

    @Test(
        "latest and none: never out of order, never twice, and what is not published is said to be left out", arguments: oddZones)
    func otherPolicies(name: String) throws {
        var generator = SeededGenerator(seed: UInt64(name.utf8.reduce(13) { $0 &* 37 &+ Int($1) }.magnitude))
        for policy in [ScheduleDefinition.CatchUp.latest, .none, .latest, .none] {
            let first = try #require(CalendarDay("2026-10-20"))
            var definition = try randomDefinition(name, &generator, start: first)
            definition.catchUp = policy
            let label = "\(name) \(policy): \(definition.cadence), window \(definition.window), lag \(definition.lag)"
            var state: ScheduleState?
            var now = definition.zone.start(of: first)
            let end = now.addingTimeInterval(21 * 86_400)
            var pieces: [Interval] = []
            var rounds = 0
            while now < end, rounds < 4_000 {
                rounds += 1
                let tick = definition.tick(state: state, now: now)
                pieces += (tick.due.map(\.interval) + tick.leftOut).sorted()
                state = tick.state ?? state
                #expect(state == nil || pieces.isEmpty || state?.lastIntervalEnd == pieces.last?.end, "\(label)")
                let longest = Bool.random(using: &generator) ? 120.0 : 200_000
                if !tick.hasMore { now.addTimeInterval(Double.random(in: 1...longest, using: &generator)) }
            }
            #expect(zip(pieces, pieces.dropFirst()).allSatisfy { $0.end == $1.start }, "\(label)")
        }
    }

    @Test(
        "ticks every second for the policies latest and none publish what all publishes",
        arguments: [ScheduleDefinition.CatchUp.latest, .none])
    func withoutOutages(policy: ScheduleDefinition.CatchUp) throws {
        for window in ["15m", "1h"] {
            var definition = ScheduleDefinition(
                name: "s", kind: "k", dataset: "d", source: "a/b", cadence: .every(try #require(WindowLength("15m"))),
                zone: try zone("Europe/Berlin"), window: try #require(WindowLength(window)), start: CalendarDay("2026-10-25"))
            var ids: [ScheduleDefinition.CatchUp: [String]] = [:]
            for current in [ScheduleDefinition.CatchUp.all, policy] {
                definition.catchUp = current
                var state: ScheduleState?
                for second in stride(from: 0.0, to: 30 * 3_600, by: 20) {
                    let tick = definition.tick(state: state, now: utc("2026-10-24T22:00:00Z").addingTimeInterval(second))
                    state = tick.state ?? state
                    ids[current, default: []] += tick.due.map(\.jobID)
                }
            }
            #expect(ids[policy] == ids[.all] && ids[.all]?.isEmpty == false)
        }
    }
}
