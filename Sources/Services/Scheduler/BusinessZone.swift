public import Foundation

/// A named time zone and its days: where each begins, whatever the clocks do.
///
/// A day begins at the first instant whose local time has reached the day's 00:00. So days adjoin, a day of a clock change
/// has 23, 25 or another number of hours, a day whose midnight is skipped begins later, and a day that the zone left out
/// (Pacific/Apia, 2011-12-30) doesn't exist. Instants inside are whole seconds since 1970 (UTC).
public struct BusinessZone: Sendable, Hashable, CustomStringConvertible {
    /// The zone's IANA name.
    public let name: String
    private let timeZone: TimeZone

    /// A zone by its IANA name, such as `Asia/Manila` or `UTC`; nil when there is none of that name.
    ///
    /// Abbreviations (`PST`) and fixed offsets (`GMT+8`) are refused: they are ambiguous or know no clock changes.
    public init?(_ name: String) {
        guard name == "UTC" || name.contains("/"), let timeZone = TimeZone(identifier: name) else { return nil }
        self.name = name
        self.timeZone = timeZone
    }

    /// The zone's name.
    public var description: String { name }

    /// The day that an instant belongs to.
    public func day(of instant: Date) -> CalendarDay { CalendarDay(number: day(containing: instant.wholeSeconds)) }

    /// The first instant of a day.
    public func start(of day: CalendarDay) -> Date { Date(seconds: startOfDay(day.number)) }

    /// The first instant of which the zone's clocks show this time or a later one: a time that a change skips is the change, one
    /// that comes twice is the first.
    public func instant(of day: CalendarDay, second: Int) -> Date {
        Date(seconds: firstInstant(atOrAfterLocal: day.number * 86_400 + second))
    }

    // MARK: Days

    func startOfDay(_ day: Int) -> Int { firstInstant(atOrAfterLocal: day * 86_400) }

    func day(containing instant: Int) -> Int {
        let local = (instant + offset(at: instant)).flooredQuotient(86_400)
        // Clocks that go back over midnight show the old date again, but the new day has begun.
        return startOfDay(local + 1) <= instant ? local + 1 : local
    }

    func exists(day: Int) -> Bool { startOfDay(day) < startOfDay(day + 1) }

    /// The day `count` days after a day (before it, when negative), counting only days that exist.
    func day(_ day: Int, movedBy count: Int) -> Int {
        var day = day
        let step = count < 0 ? -1 : 1
        for _ in 0..<abs(count) {
            day += step
            while !exists(day: day) { day += step }
        }
        return day
    }

    // MARK: Local time

    /// A stretch of time in which the zone's offset doesn't change, both in seconds; `end` is exclusive.
    struct Segment {
        let start: Int
        let end: Int
        let offset: Int
    }

    func offset(at instant: Int) -> Int { timeZone.secondsFromGMT(for: Date(seconds: instant)) }

    /// The first instant whose local time, as seconds of a clock without a zone, has reached `local`.
    func firstInstant(atOrAfterLocal local: Int) -> Int {
        let around = segments(from: local - Self.margin, to: local + Self.margin)
        for segment in around where max(segment.start, local - segment.offset) < segment.end {
            return max(segment.start, local - segment.offset)
        }
        return local + Self.margin
    }

    /// The stretches of constant offset that make up a range of instants.
    func segments(from start: Int, to end: Int) -> [Segment] {
        var segments: [Segment] = []
        var segmentStart = start
        var instant = start
        var current = offset(at: start)
        while instant < end {
            let probe = min(instant + Self.probeStep, end)
            let there = offset(at: probe)
            if there != current {
                // Bisect to the second at which the offset changes; no zone changes twice within one probe step.
                var before = instant
                var after = probe
                while after - before > 1 {
                    let middle = before + (after - before) / 2
                    if offset(at: middle) == current { before = middle } else { after = middle }
                }
                segments.append(Segment(start: segmentStart, end: after, offset: current))
                segmentStart = after
                current = offset(at: after)
                instant = after
            } else {
                instant = probe
            }
        }
        segments.append(Segment(start: segmentStart, end: end, offset: current))
        return segments
    }

    /// No zone has ever been further than this from UTC.
    static let margin = 16 * 3_600
    private static let probeStep = 8 * 3_600
}

extension Date {
    init(seconds: Int) {
        self.init(timeIntervalSince1970: TimeInterval(seconds))
    }

    /// Whole seconds since 1970, rounded down.
    var wholeSeconds: Int {
        // Bounded so that no date whatever can trap the conversion: years -290,000 to 290,000.
        Int(max(-9e12, min(9e12, timeIntervalSince1970.rounded(.down))))
    }
}

extension Int {
    func flooredQuotient(_ divisor: Int) -> Int { self >= 0 ? self / divisor : (self + 1) / divisor - 1 }
}
