internal import Contracts
internal import Foundation
internal import Scheduler

/// When the scripts extracted which time, said as a schedule says it: pure.
struct ImportedSchedule: Sendable {
    /// What the file and the options say about time.
    struct Given: Sendable {
        var startDay: ImportedDay?
        var endDay: ImportedDay?
        var startTime: ImportedTime?
        var endTime: ImportedTime?
        /// A zone that the file or an option names.
        var zone: BusinessZone?
    }

    /// The zone of business days.
    var zone = "UTC"
    /// Days between the last business day and the fire.
    var lag = 1
    /// The window's length.
    var window = "1d"
    /// The first business day.
    var start: String?
    /// The last business day.
    var end: String?
    /// What is said about it: the outcome and the text, for the days, the times and the zone.
    private(set) var days: (ImportNote.Outcome, String)
    private(set) var times: (ImportNote.Outcome, String)
    private(set) var zoning: (ImportNote.Outcome, String)

    init(_ given: Given) {
        days = (.missing, "the file names no days: each day is extracted once, the day after it (lag: 1)")
        times = (.missing, "the file names no times: days begin at midnight")
        zoning = (.missing, "the file names no zone: business days are in UTC; name yours with --zone")
        let isLocal = given.zone != nil && (given.startTime?.offset == nil)
        let startSecond = given.startTime?.second ?? 0
        // Where days begin, seconds east of Greenwich: what makes the script's first second a midnight.
        var offset = 0
        if let time = given.startTime?.offset, time != 0 {
            offset = time
        } else if !isLocal {
            offset = startSecond > 43_200 || startSecond == 43_200 ? 86_400 - startSecond : -startSecond
        }
        setZone(given, offset: offset, isLocal: isLocal)
        setSpan(given, shift: given.startTime?.offset.map { $0 == 0 ? offset : 0 } ?? (isLocal ? 0 : offset))
    }

    // MARK: Zone

    private mutating func setZone(_ given: Given, offset: Int, isLocal: Bool) {
        if let named = given.zone {
            zone = named.name
            zoning = (.carried, "schedules.yaml: zone: \(named.name)")
            if isLocal, given.startTime.map({ $0.second % 86_400 != 0 }) ?? false {
                times = (
                    .changed,
                    "days begin at 00:00 in \(named.name) here, not in the middle of a day; conversations belong to the day in which they start"
                )
            }
            return
        }
        guard given.startTime != nil else { return }
        if offset == 0 {
            zoning = (.carried, "schedules.yaml: zone: UTC")
        } else if let name = Self.fixedZone(offset) {
            zone = name
            zoning = (
                .changed,
                "schedules.yaml: zone: \(name), in which the script's day begins at midnight; name the real one with --zone, which knows clock changes"
            )
        } else {
            zoning = (.left, "no zone has its midnight at that time; name one with --zone. Business days are in UTC")
        }
    }

    /// A zone that always lies so many seconds east of Greenwich.
    static func fixedZone(_ offset: Int) -> String? {
        if offset == 0 { return "UTC" }
        if offset.isMultiple(of: 3600), (-12...14).contains(offset / 3600) {
            // POSIX counts to the west.
            return "Etc/GMT\(offset > 0 ? "-" : "+")\(abs(offset) / 3600)"
        }
        return [
            19_800: "Asia/Kolkata", 20_700: "Asia/Kathmandu", 23_400: "Asia/Yangon", 34_200: "Australia/Darwin",
            16_200: "Asia/Kabul", 12_600: "Asia/Tehran", 31_500: "Australia/Eucla", -34_200: "Pacific/Marquesas",
        ][offset]
    }

    // MARK: Days and times

    /// - Parameter shift: what a time as written needs to count from a business day's midnight, seconds.
    private mutating func setSpan(_ given: Given, shift: Int) {
        let startSecond = given.startTime?.second ?? 0
        switch (given.startDay, given.endDay) {
        case (.date(let first)?, let last):
            setDates(first, last, given, shift: shift, startSecond: startSecond)
            setTimes(given, length: nil)
        case (_, .date?):
            days = (
                .left, "a beginning that moves with the day and a fixed end; put start: and end: into schedules.yaml yourself"
            )
        case (nil, nil):
            setTimes(given, length: nil)
        case (let startDay, let endDay):
            let first = Self.number(startDay) ?? Self.number(endDay) ?? 0
            let last = Self.number(endDay) ?? Self.number(startDay) ?? 0
            setDeltas(given, first: first, last: last, startSecond: startSecond, shift: shift)
        }
    }

    private static func number(_ day: ImportedDay?) -> Int? { if case .delta(let number)? = day { number } else { nil } }

    private mutating func setDates(_ first: String, _ last: ImportedDay?, _ given: Given, shift: Int, startSecond: Int) {
        // The day that begins at the script's first instant: 16:00Z of one date is midnight of the next, east of Greenwich.
        let moved = Self.day(startSecond + shift)
        start = CalendarDay(first).map { "\(CalendarDay(number: $0.number + moved))" }
        var text = "schedules.yaml: start: \(start ?? first)"
        if case .date(let date)? = last, let day = CalendarDay(date), let startDay = start.flatMap(CalendarDay.init(_:)) {
            let lastDay: CalendarDay
            if let endSecond = given.endTime?.second {
                // The day of the last instant before the script's end: 00:00 of a date is the end of the day before.
                lastDay = CalendarDay(number: day.number + Self.day(endSecond + shift - 1))
            } else {
                // Without an end time nothing says whether the last date is read; a day too many harms nothing.
                lastDay = CalendarDay(number: day.number + (startSecond > 0 || moved > 0 ? moved - 1 : moved))
            }
            guard lastDay.number >= startDay.number || given.endTime == nil else {
                days = (.left, "the end isn't after the beginning: only start: \(startDay) is written; put end: there yourself")
                return
            }
            if lastDay.number >= startDay.number {
                end = "\(lastDay)"
                text += ", end: \(lastDay)"
            }
        }
        days = (
            .changed,
            text + "; days long past are published at once, 100 at a time. For a single backfill use `switchboard jobs backfill`"
        )
    }

    /// The day that a second counted from a date's midnight lies in, counted from that date.
    private static func day(_ second: Int) -> Int { Int((Double(second) / 86_400).rounded(.down)) }

    /// Makes it the schedule of a list of what there is now: once a day, whatever the script asked for.
    mutating func makeSnapshot() {
        lag = 0
        window = "1d"
        start = nil
        end = nil
    }

    private mutating func setDeltas(_ given: Given, first: Int, last: Int, startSecond: Int, shift: Int) {
        // Without a minus sign the scripts count back.
        let isSigned = first < 0 || last < 0
        let from = isSigned ? first : -first
        let to = isSigned ? last : -last
        let begin = from * 86_400 + startSecond + shift
        // Without an end time the end's day is the first that isn't read, or the only one that is.
        let endSecond = given.endTime?.second ?? (from == to ? startSecond + 86_400 : startSecond)
        let end = to * 86_400 + endSecond + shift
        let length = end - begin
        guard length > 0 else {
            days = (.left, "the end isn't after the beginning; each day is extracted once, the day after it (lag: 1)")
            setTimes(given, length: nil)
            return
        }
        let firstDay = Int((Double(begin) / 86_400).rounded(.down))
        guard length >= 86_400 else {
            lag = max(0, -firstDay)
            days = (.carried, "schedules.yaml: lag: \(lag)")
            setTimes(given, length: length)
            return
        }
        let count = length / 86_400
        let lastDay = firstDay + count - 1
        guard lastDay <= 0 else {
            days = (.left, "the interval lies in the future; each day is extracted once, the day after it (lag: 1)")
            setTimes(given, length: nil)
            return
        }
        lag = -lastDay
        days = (.carried, "schedules.yaml: lag: \(lag), counted in business days back from the fire")
        if count > 1 {
            days = (
                .changed,
                "schedules.yaml: lag: \(lag), window: 1d; the script read \(count) days at each run, here each day is extracted once and corrected later by its own jobs"
            )
        }
        setTimes(given, length: length.isMultiple(of: 86_400) ? nil : length)
    }

    /// - Parameter length: the interval's seconds where they are no whole days.
    private mutating func setTimes(_ given: Given, length: Int?) {
        guard given.startTime != nil || given.endTime != nil else { return }
        if let length {
            if length < 86_400, length >= 60, 86_400.isMultiple(of: length) {
                window =
                    length.isMultiple(of: 3600)
                    ? "\(length / 3600)h" : length.isMultiple(of: 60) ? "\(length / 60)m" : "\(length)s"
                times = (.changed, "schedules.yaml: window: \(window); windows cover the whole day, one after the other")
            } else {
                times = (
                    .changed, "schedules.yaml: window: 1d; whole days are extracted, the script's interval was no part of one"
                )
            }
        } else if times.0 != .changed {
            times = (.carried, "schedules.yaml: window: 1d in \(zone)")
        }
        if given.endTime?.wasLastSecond ?? false {
            times = (.changed, times.1 + "; intervals are half-open here, so the last second is no longer lost")
        }
    }
}
