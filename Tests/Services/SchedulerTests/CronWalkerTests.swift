import Foundation
import Testing

@testable import Scheduler

/// An independent cron: walks every minute of UTC as a daemon would live through it, with Foundation's calendar.
private struct MinuteWalker {
    let fields: [String]
    let calendar: Calendar

    init(_ expression: String, timeZone: TimeZone) {
        fields = expression.split(separator: " ").map(String.init)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = timeZone
        self.calendar = calendar
    }

    private func matches(_ field: String, _ value: Int, from low: Int, alias: Int? = nil) -> Bool {
        field.split(separator: ",").contains { part in
            let halves = part.split(separator: "/")
            let step = halves.count > 1 ? Int(halves[1]) ?? 1 : 1
            let bounds = halves[0].split(separator: "-").compactMap { Int($0) }
            let first = bounds.first ?? low
            let last = halves[0] == "*" ? 1_000 : bounds.last ?? low
            return [value, alias].compactMap { $0 }.contains { $0 >= first && $0 <= last && ($0 - first) % step == 0 }
        }
    }

    /// Local wall-clock minutes are numbered by pretending that they are UTC.
    private func matches(wallMinute: Int) -> Bool {
        var utc = Calendar(identifier: .gregorian)
        utc.timeZone = .gmt
        let parts = utc.dateComponents(
            [.minute, .hour, .day, .month, .weekday], from: Date(timeIntervalSince1970: Double(wallMinute) * 60))
        guard let minute = parts.minute, let hour = parts.hour, let day = parts.day, let month = parts.month,
            let weekday = parts.weekday.map({ $0 - 1 })
        else { return false }
        let byMonth = matches(fields[2], day, from: 1)
        let byWeek = matches(fields[4], weekday, from: 0, alias: weekday == 0 && fields[4] != "*" && !fields[4].hasPrefix("*") ? 7 : nil)
        let isBoth = fields[2].hasPrefix("*") || fields[4].hasPrefix("*")
        return matches(fields[0], minute, from: 0) && matches(fields[1], hour, from: 0) && matches(fields[3], month, from: 1)
            && (isBoth ? byMonth && byWeek : byMonth || byWeek)
    }

    func fires(from start: Int, to end: Int) -> [Int] {
        let isWildcard = fields[0].hasPrefix("*") || fields[1].hasPrefix("*")
        var fires: [Int] = []
        func wall(_ minute: Int) -> Int {
            minute + calendar.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(minute) * 60)) / 60
        }
        // The daemon was started a day earlier, so that it knows which wall minutes it has lived through.
        var furthest = wall(start / 60 - 1_440)
        for minute in (start / 60 - 1_439)..<(end / 60) {
            let now = wall(minute)
            if isWildcard {
                if matches(wallMinute: now), minute >= start / 60 { fires.append(minute * 60) }
                furthest = max(furthest, now)
                continue
            }
            // At fixed times: never twice; what was jumped over by less than three hours is made up for at once.
            guard now > furthest else { continue }
            let jumped = now - furthest - 1
            let candidates = jumped < 180 ? (furthest + 1)...now : now...now
            if candidates.contains(where: { matches(wallMinute: $0) }), minute >= start / 60 { fires.append(minute * 60) }
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
            return Bool.random(using: &generator) ? "*" : "*/\(Int.random(in: 1...max(1, (range.count - 1) / 2), using: &generator))"
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
        for round in 0..<24 {
            // Every third expression aims at the hours in which clocks change.
            let hours = round % 3 == 0 ? randomField(0...3, wildcard: 0.1, &generator) : randomField(0...23, wildcard: 0.4, &generator)
            let expression = [
                randomField(0...59, wildcard: 0.3, &generator), hours, randomField(1...31, wildcard: 0.7, &generator),
                "*", randomField(0...7, wildcard: 0.7, &generator),
            ].joined(separator: " ")
            let cron = try CronExpression(expression)
            let expected = MinuteWalker(expression, timeZone: timeZone).fires(from: start, to: end)
            var forwards: [Int] = []
            var instant = start
            while let fire = cron.fire(atOrAfter: instant, zone: zone), fire < end {
                forwards.append(fire)
                instant = fire + 1
            }
            #expect(forwards == expected, "\(expression) in \(name)")
            var backwards: [Int] = []
            instant = end - 1
            while let fire = cron.fire(atOrBefore: instant, zone: zone), fire >= start {
                backwards.append(fire)
                instant = fire - 1
            }
            #expect(backwards.reversed() == expected, "\(expression) in \(name), backwards")
        }
    }
}
