/// How long a window is: a part of a day, or whole days.
public enum WindowLength: Sendable, Hashable, CustomStringConvertible {
    /// So many seconds, which divide a day of 24 hours evenly.
    case seconds(Int)
    /// So many days of the zone, whatever their length.
    case days(Int)

    /// Parses `15m`, `1h`, `1d`, `7d`; nil when it neither divides a day nor is whole days (at most 366).
    ///
    /// `24h` is refused, because a day of a clock change hasn't 24 hours: `1d` says what is meant.
    public init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.count <= 5, let count = Int(digits), count > 0 else { return nil }
        let unit: Int
        switch text.dropFirst(digits.count) {
        case "s": unit = 1
        case "m": unit = 60
        case "h": unit = 3_600
        case "d":
            guard count <= 366 else { return nil }
            self = .days(count)
            return
        default: return nil
        }
        guard count * unit < 86_400, 86_400 % (count * unit) == 0 else { return nil }
        self = .seconds(count * unit)
    }

    /// What is allowed, for problems.
    public static let allowed = "a part that divides a day (30s, 15m, 1h, 6h) or whole days (1d, 7d)"

    /// The spelling that is parsed.
    public var description: String {
        switch self {
        case .days(let days): "\(days)d"
        case .seconds(let seconds) where seconds % 3_600 == 0: "\(seconds / 3_600)h"
        case .seconds(let seconds) where seconds % 60 == 0: "\(seconds / 60)m"
        case .seconds(let seconds): "\(seconds)s"
        }
    }
}

/// The days of a zone cut into windows that adjoin.
///
/// Windows of a part of a day are steps of absolute time from the day's begin to the next day's; the last one of a day is cut
/// at midnight where a clock change leaves no whole step. Windows of several days are counted from an anchor day.
struct WindowGrid: Sendable, Hashable {
    let length: WindowLength
    let zone: BusinessZone
    /// Where windows of several days begin to count.
    let anchor: CalendarDay

    /// The latest boundary at or before an instant.
    func boundary(atOrBefore instant: Int) -> Int {
        let day = zone.day(containing: instant)
        switch length {
        case .days(1): return zone.startOfDay(day)
        case .days(let days):
            return zone.startOfDay(anchor.number + (day - anchor.number).flooredQuotient(days) * days)
        case .seconds(let step):
            let start = zone.startOfDay(day)
            return start + (instant - start) / step * step
        }
    }

    /// The first boundary after an instant.
    func boundary(after instant: Int) -> Int {
        let day = zone.day(containing: instant)
        switch length {
        case .days(let days):
            var next = day + 1
            if days > 1 { next = anchor.number + ((day - anchor.number).flooredQuotient(days) + 1) * days }
            // The begin of a day that doesn't exist is the begin of the next one.
            return zone.startOfDay(next)
        case .seconds(let step):
            let start = zone.startOfDay(day)
            return min(start + ((instant - start) / step + 1) * step, zone.startOfDay(day + 1))
        }
    }

    /// How many windows the day of an instant has; 1 for windows of a day or more.
    func windowsOfDay(containing instant: Int) -> Int {
        guard case .seconds(let step) = length else { return 1 }
        let day = zone.day(containing: instant)
        return (zone.startOfDay(day + 1) - zone.startOfDay(day) + step - 1) / step
    }
}
