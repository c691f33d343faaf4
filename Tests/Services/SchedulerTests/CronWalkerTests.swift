import Foundation
import Testing

@testable import Scheduler

/// An independent cron: walks every minute as a daemon would live through it; Foundation's calendar tells the dates.
private struct MinuteWalker {
    let minutes: Range<Int>
    /// The wall-clock minute of each minute, numbered as if it were UTC.
    private let walls: [Int]
    private let dates: [Int: WallDate]

    private struct WallDate {
        let minute: Int, hour: Int, day: Int, month: Int, weekday: Int
    }

    /// Prepares the minutes from a day before `start` (the daemon must know what it has lived through) to `end`.
    init(from start: Int, to end: Int, timeZone: TimeZone) {
        minutes = (start / 60)..<(end / 60)
        walls = (minutes.lowerBound - 1_440..<minutes.upperBound).map {
            $0 + timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0) * 60)) / 60
        }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        var dates: [Int: WallDate] = [:]
        for wall in (walls.min() ?? 0)...(walls.max() ?? 0) {
            let date = Date(timeIntervalSince1970: Double(wall) * 60)
            let parts = calendar.dateComponents([.minute, .hour, .day, .month, .weekday], from: date)
            if let minute = parts.minute, let hour = parts.hour, let day = parts.day, let month = parts.month,
                let weekday = parts.weekday
            {
                dates[wall] = WallDate(minute: minute, hour: hour, day: day, month: month, weekday: weekday - 1)
            }
        }
        self.dates = dates
    }

    private func numbers(_ field: String, _ range: ClosedRange<Int>) -> Set<Int> {
        Set(
            range.filter { value in
                field.split(separator: ",").contains { part in
                    let halves = part.split(separator: "/")
                    let step = halves.count > 1 ? Int(halves[1]) ?? 1 : 1
                    let bounds =
                        halves[0] == "*"
                        ? [range.lowerBound, range.upperBound] : halves[0].split(separator: "-").compactMap { Int($0) }
                    guard let first = bounds.first, let last = bounds.last else { return false }
                    return value >= first && value <= last && (value - first) % step == 0
                }
            })
    }

    func fires(_ expression: String) -> [Int] {
        let fields = expression.split(separator: " ").map(String.init)
        let allowed = zip(fields, [0...59, 0...23, 1...31, 1...12, fields[4].hasPrefix("*") ? 0...6 : 0...7]).map(numbers)
        let isBoth = fields[2].hasPrefix("*") || fields[4].hasPrefix("*")
        func matches(_ wall: Int) -> Bool {
            guard let date = dates[wall] else { return false }
            guard allowed[0].contains(date.minute), allowed[1].contains(date.hour), allowed[3].contains(date.month) else {
                return false
            }
            let byMonth = allowed[2].contains(date.day)
            let byWeek = allowed[4].contains(date.weekday) || date.weekday == 0 && allowed[4].contains(7)
            return isBoth ? byMonth && byWeek : byMonth || byWeek
        }
        let isWildcard = fields[0].hasPrefix("*") || fields[1].hasPrefix("*")
        var fires: [Int] = []
        var furthest = walls[0]
        for (index, now) in walls.enumerated().dropFirst() {
            let minute = minutes.lowerBound - 1_440 + index
            let isWatched = minute >= minutes.lowerBound
            if isWildcard {
                if isWatched, matches(now) { fires.append(minute * 60) }
                continue
            }
            // At fixed times: never twice; what was jumped over by less than three hours is made up for at once.
            guard now > furthest else { continue }
            let candidates = now - furthest - 1 < 180 ? (furthest + 1)...now : now...now
            if isWatched, candidates.contains(where: matches) { fires.append(minute * 60) }
            furthest = now
        }
        return fires
    }
}

@Suite("cron against a minute walker")
struct CronWalkerTests {
    /// Instants shortly before clock changes of each zone.
    private static let changes = [
        ("America/New_York", "2026-03-07T12:00:00Z"), ("America/New_York", "2026-10-31T12:00:00Z"),
        ("Europe/Berlin", "2026-03-28T06:00:00Z"), ("Europe/Berlin", "2026-10-24T06:00:00Z"),
        ("Australia/Lord_Howe", "2025-10-04T00:00:00Z"), ("Australia/Lord_Howe", "2026-04-04T00:00:00Z"),
        ("Asia/Manila", "2024-02-28T00:00:00Z"), ("Pacific/Apia", "2011-12-29T00:00:00Z"),
        ("America/Sao_Paulo", "2018-11-03T12:00:00Z"), ("America/Sao_Paulo", "2019-02-16T12:00:00Z"),
        ("America/Havana", "2025-11-01T12:00:00Z"), ("America/St_Johns", "2010-11-06T12:00:00Z"),
        ("Antarctica/Troll", "2026-03-28T12:00:00Z"), ("Antarctica/Troll", "2026-10-24T12:00:00Z"),
    ]

    private func randomField(_ range: ClosedRange<Int>, wildcard: Double, _ generator: inout SeededGenerator) -> String {
        if Double.random(in: 0..<1, using: &generator) < wildcard {
            return Bool.random(using: &generator)
                ? "*" : "*/\(Int.random(in: 1...max(1, (range.count - 1) / 2), using: &generator))"
        }
        return (0..<Int.random(in: 1...2, using: &generator)).map { _ in
            let first = Int.random(in: range, using: &generator)
            guard Bool.random(using: &generator) else { return "\(first)" }
            return "\(first)-\(Int.random(in: first...range.upperBound, using: &generator))"
        }.joined(separator: ",")
    }

    @Test("fires are those of a daemon that lives through every minute", arguments: changes)
    func differential(name: String, around: String) throws {
        let zone = try zone(name)
        let timeZone = try #require(TimeZone(identifier: name))
        var generator = SeededGenerator(seed: UInt64(around.utf8.reduce(7) { $0 &* 31 &+ Int($1) }.magnitude))
        let start = utc(around).wholeSeconds
        let end = start + 60 * 3_600
        let walker = MinuteWalker(from: start, to: end, timeZone: timeZone)
        for round in 0..<24 {
            // Every third expression aims at the hours in which clocks change.
            let hours =
                round % 3 == 0 ? randomField(0...3, wildcard: 0.1, &generator) : randomField(0...23, wildcard: 0.4, &generator)
            let expression = [
                randomField(0...59, wildcard: 0.3, &generator), hours, randomField(1...31, wildcard: 0.7, &generator),
                "*", randomField(0...7, wildcard: 0.7, &generator),
            ].joined(separator: " ")
            let cron = try CronExpression(expression)
            let expected = walker.fires(expression)
            // Fires of sparse expressions and what follows them; dense ones are asked at instants of their own.
            let probes =
                expected.count <= 60
                ? [start] + expected.flatMap { [$0, $0 + 1] }.shuffled(using: &generator).prefix(24)
                : (0..<24).map { _ in Int.random(in: start..<end, using: &generator) }
            for probe in probes {
                let next = cron.fire(atOrAfter: probe, zone: zone)
                #expect(
                    next.flatMap { $0 < end ? $0 : nil } == expected.first { $0 >= probe },
                    "\(expression) in \(name) from \(probe)")
                let last = cron.fire(atOrBefore: probe, zone: zone)
                #expect(
                    last.flatMap { $0 >= start ? $0 : nil } == expected.last { $0 <= probe },
                    "\(expression) in \(name) to \(probe)")
            }
        }
    }
}
