internal import Contracts
public import Foundation
public import Scheduler
internal import Service

/// Instants as operators write them.
///
/// `2026-03-01T16:00:00Z` and other offsets from UTC; `now`; `@-2h` and `@+30m` from now; `@1772380800000`, ms since 1970; and,
/// where a zone is named, `2026-03-01` and `2026-03-01T08:30` by its clocks. An instant may have an `@` before it. Without a
/// zone a local time is refused: to guess one is how hours get lost.
public enum TimeExpression {
    /// What is allowed, for problems and help.
    public static let allowed =
        "2026-03-01T16:00:00Z, @-2h, @<ms since 1970>, now, or with --zone 2026-03-01 or 2026-03-01T08:30"

    /// Reads an instant.
    ///
    /// - Parameter option: what it was given for, such as `--from`.
    /// - Throws: a ``UsageProblem`` that names the option.
    public static func parse(
        _ text: String, option: String, now: Date, zone: BusinessZone? = nil
    ) throws(UsageProblem) -> Date {
        let refusal = UsageProblem(option, given: text, allowed: allowed)
        guard text.utf8.count <= 60 else { throw refusal }
        let body = text.hasPrefix("@") ? text.dropFirst() : text[...]
        if body == "now" { return now }
        if let date = Timestamp.date(String(body)) { return try bounded(date, refusal) }
        if text.hasPrefix("@") {
            if let sign = body.first, sign == "-" || sign == "+" {
                guard let duration = DurationText.parse(String(body.dropFirst())) else { throw refusal }
                return now.addingTimeInterval((sign == "-" ? -1 : 1) * (duration / .seconds(1)))
            }
            if body.allSatisfy({ $0.isASCII && $0.isNumber }), let milliseconds = Int64(body) {
                return try bounded(Date(timeIntervalSince1970: Double(milliseconds) / 1000), refusal)
            }
        }
        guard let local = LocalTime(body) else { throw refusal }
        guard let zone else {
            throw UsageProblem("\(option): \"\(body)\" is a local time without a zone; add --zone, or an offset such as Z")
        }
        return zone.instant(of: local.day, second: local.second)
    }

    /// A zone by its name.
    ///
    /// - Throws: a ``UsageProblem`` that names the option.
    public static func zone(_ name: String?, option: String = "--zone") throws(UsageProblem) -> BusinessZone? {
        guard let name else { return nil }
        guard let zone = BusinessZone(name) else {
            throw UsageProblem(option, given: name, allowed: "an IANA name such as Asia/Manila or UTC")
        }
        return zone
    }

    /// The years that a topic could hold and that JSON and Kafka can say.
    private static func bounded(_ date: Date, _ refusal: UsageProblem) throws(UsageProblem) -> Date {
        guard (0..<253_402_300_800).contains(date.timeIntervalSince1970) else { throw refusal }
        return date
    }

    private struct LocalTime {
        let day: CalendarDay
        let second: Int

        init?(_ text: Substring) {
            let pattern = /([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?/
            guard let match = text.wholeMatch(of: pattern), let day = CalendarDay(String(match.1)) else { return nil }
            let hour = match.2.flatMap { Int($0) } ?? 0
            let minute = match.3.flatMap { Int($0) } ?? 0
            let second = match.4.flatMap { $0 }.flatMap { Int($0) } ?? 0
            guard hour < 24, minute < 60, second < 60, (1970...9998).contains(day.date.year) else { return nil }
            self.day = day
            self.second = hour * 3600 + minute * 60 + second
        }
    }
}

/// Instants as the tool prints them: always in UTC, and in a zone where one is named.
public struct TimeText: Sendable {
    private let style: Date.VerbatimFormatStyle?
    private let zone: BusinessZone?

    /// Times in UTC and, if given, in a zone.
    public init(zone: BusinessZone? = nil) {
        self.zone = zone?.name == "UTC" ? nil : zone
        style = self.zone.flatMap { zone in
            TimeZone(identifier: zone.name).map { timeZone in
                Date.VerbatimFormatStyle(
                    format:
                        "\(year: .padded(4))-\(month: .twoDigits)-\(day: .twoDigits) \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits)",
                    locale: Locale(identifier: "en_US_POSIX"), timeZone: timeZone, calendar: Calendar(identifier: .gregorian))
            }
        }
    }

    /// Such as `2026-03-01T16:00:00.000Z (2026-03-02 00:00:00 Asia/Manila)`.
    public func text(_ date: Date?) -> String {
        guard let date else { return "-" }
        guard let zone, let style else { return Timestamp.string(date) }
        return "\(Timestamp.string(date)) (\(style.format(date)) \(zone))"
    }

    /// A record's time, ms since 1970; `-` when it has none.
    public func text(milliseconds: Int64?) -> String {
        guard let milliseconds, milliseconds >= 0 else { return "-" }
        return text(Date(timeIntervalSince1970: Double(milliseconds) / 1000))
    }
}
