internal import Contracts
internal import Foundation
internal import Scheduler

/// A day as the scripts' files say it: so many days before today, or a date.
enum ImportedDay: Sendable, Hashable {
    /// Days from today as written: scripts count back with and without a sign.
    case delta(Int)
    /// A date, `yyyy-MM-dd`.
    case date(String)

    /// Reads a number, `today`, `yesterday`, `today-2`, `T-1`, `-2d`, `2 days ago`, `{"days": -2}` or a date; nil for others.
    init?(_ value: JSONValue) {
        switch value {
        case .integer(let number):
            guard let delta = Self.checked(number) else { return nil }
            self = .delta(delta)
        case .object(let fields):
            guard fields.count == 1, let field = fields.first,
                ["days", "day", "delta", "offset"].contains(field.key.lowercased()),
                let number = field.value.integer, let delta = Self.checked(number)
            else { return nil }
            self = .delta(delta)
        case .string(let text):
            guard text.utf8.count <= 64, let day = Self.read(text.trimmingCharacters(in: .whitespaces).lowercased()) else {
                return nil
            }
            self = day
        case .null, .bool, .number, .array: return nil
        }
    }

    private static func checked(_ number: Int64) -> Int? { (-4000...4000).contains(number) ? Int(number) : nil }

    private static func read(_ text: String) -> ImportedDay? {
        if text == "today" || text == "now" { return .delta(0) }
        if text == "yesterday" { return .delta(-1) }
        if let match = text.wholeMatch(of: /([0-9]+)\s*d(?:ays?)?\s+ago/), let number = Int64(match.1), let days = checked(number)
        {
            return .delta(-days)
        }
        if let match = text.wholeMatch(of: /(?:today|now|t|d)?\s*([+\-]?)\s*([0-9]{1,4})\s*(?:d|days?)?/),
            let number = Int64(match.2), let days = checked(number)
        {
            return .delta(match.1 == "-" ? -days : days)
        }
        if let match = text.prefixMatch(of: /([0-9]{4})-?([0-9]{2})-?([0-9]{2})/) {
            let date = "\(match.1)-\(match.2)-\(match.3)"
            return CalendarDay(date) == nil ? nil : .date(date)
        }
        return nil
    }
}

/// A time of day as the scripts' files say it.
struct ImportedTime: Sendable, Hashable {
    /// Seconds after midnight, up to 86,400.
    let second: Int
    /// Seconds east of Greenwich that it is given in, where it says so: 0 for `Z`.
    let offset: Int?
    /// Whether it was the last second or millisecond of a minute, which stands for the minute's end.
    let wasLastSecond: Bool

    /// Reads `16:00`, `16:00:00.000Z`, `T16:00:00+08:00`, `160000` or an hour alone; nil for others.
    init?(_ value: JSONValue) {
        switch value {
        case .integer(let hour) where (0...24).contains(hour):
            self.init(second: Int(hour) * 3600, offset: nil, wasLastSecond: false)
        case .string(let text):
            guard text.utf8.count <= 40,
                let match = text.trimmingCharacters(in: .whitespaces).wholeMatch(
                    of:
                        /[Tt]?([0-9]{1,2})(?::?([0-9]{2}))?(?::?([0-9]{2})(?:[.,]([0-9]{1,9}))?)?\s*([Zz]|[+\-][0-9]{2}:?[0-9]{2})?/
                ),
                let hour = Int(match.1), hour <= 24
            else { return nil }
            let minute = match.2.flatMap { Int($0) } ?? 0
            let second = match.3.flatMap { Int($0) } ?? 0
            guard minute < 60, second < 60, hour < 24 || minute + second == 0 else { return nil }
            let isLast = second == 59
            let whole = hour * 3600 + minute * 60 + (isLast ? 60 : second)
            self.init(second: whole, offset: match.5.flatMap { Self.offset(String($0)) }, wasLastSecond: isLast)
        default: return nil
        }
    }

    private init(second: Int, offset: Int?, wasLastSecond: Bool) {
        self.second = second
        self.offset = offset
        self.wasLastSecond = wasLastSecond
    }

    private static func offset(_ text: String) -> Int? {
        if text.lowercased() == "z" { return 0 }
        let digits = text.filter(\.isNumber)
        guard digits.count == 4, let number = Int(digits) else { return nil }
        return (number / 100 * 3600 + number % 100 * 60) * (text.hasPrefix("-") ? -1 : 1)
    }
}
