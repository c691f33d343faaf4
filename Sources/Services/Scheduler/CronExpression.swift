/// Five cron fields, as Vixie cron understands them: minute, hour, day of month, month, day of week.
///
/// - Fields hold `*`, numbers, ranges `a-b`, lists `a,b` and steps `*/n`, `a-b/n`; months and weekdays may be named (`JAN`,
///   `MON`), 0 and 7 are both Sunday. `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` and `@annually` are
///   short for the usual five fields.
/// - When neither day field begins with `*`, a day matches when *either* of them matches; otherwise both have to.
/// - Clock changes follow Vixie's rule. An entry whose minute or hour begins with `*` follows the clock as it is: times that
///   are skipped don't fire, times that come twice fire twice. An entry at fixed times fires once for each day: a time that a
///   change of less than three hours skips fires at the first instant after it, a time that comes twice fires the first time.
public struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    /// The expression as written.
    public let description: String

    /// In order.
    let minutes: [Int]
    /// In order.
    let hours: [Int]
    let daysOfMonth: Set<Int>
    let months: Set<Int>
    let daysOfWeek: Set<Int>
    /// Whether a day must match both day fields, because one of them begins with `*`.
    let needsBothDays: Bool
    /// Whether minute or hour begins with `*`: Vixie's wildcard entry.
    let followsTheClock: Bool

    /// Parses an expression; the error is one line that names the field, the value and what is allowed.
    public init(_ text: String) throws(CronError) {
        var fields = text.split(whereSeparator: \.isWhitespace).map(String.init)
        if let name = fields.first, name.hasPrefix("@") {
            guard fields.count == 1, let expansion = Self.shorthands[name.lowercased()] else {
                throw CronError(
                    "\"\(name)\" is not allowed; allowed are \(Self.shorthands.keys.sorted().joined(separator: ", "))")
            }
            fields = expansion.split(separator: " ").map(String.init)
        }
        guard text.utf8.count <= 512 else { throw CronError("it has more than 512 bytes") }
        guard fields.count == 5 else {
            throw CronError("it has \(fields.count) fields; allowed are 5: minute, hour, day of month, month, day of week")
        }
        minutes = try CronField.minute.parse(fields[0]).sorted()
        hours = try CronField.hour.parse(fields[1]).sorted()
        daysOfMonth = try CronField.dayOfMonth.parse(fields[2])
        months = try CronField.month.parse(fields[3])
        daysOfWeek = Set(try CronField.dayOfWeek.parse(fields[4]).map { $0 % 7 })
        needsBothDays = fields[2].hasPrefix("*") || fields[4].hasPrefix("*")
        followsTheClock = fields[0].hasPrefix("*") || fields[1].hasPrefix("*")
        description = text
        guard firesEver else {
            throw CronError("it never fires: no month that it names has such a day; allowed are days that exist")
        }
    }

    private static let shorthands = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]

    func matches(_ day: CalendarDay) -> Bool {
        let date = day.date
        guard months.contains(date.month) else { return false }
        let byMonth = daysOfMonth.contains(date.day)
        let byWeek = daysOfWeek.contains(day.weekday)
        return needsBothDays ? byMonth && byWeek : byMonth || byWeek
    }

    private var firesEver: Bool {
        // Weekdays come in every month and meet every date within 28 years (40 across a century without a leap day), so only
        // the dates decide, and only when the weekday can't stand in for them.
        guard needsBothDays else { return true }
        return months.contains { month in
            daysOfMonth.contains { $0 <= CalendarDay.length(ofMonth: month, year: 2000) }
        }
    }
}

/// Why a text is no cron expression: one line.
public struct CronError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong and what is allowed.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// One of the five fields: its name, its numbers and the names that stand for them.
private struct CronField {
    let name: String
    let range: ClosedRange<Int>
    var names: [String] = []

    static let minute = CronField(name: "minute", range: 0...59)
    static let hour = CronField(name: "hour", range: 0...23)
    static let dayOfMonth = CronField(name: "day of month", range: 1...31)
    static let month = CronField(
        name: "month", range: 1...12,
        names: ["", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
    static let dayOfWeek = CronField(
        name: "day of week", range: 0...7, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])

    func parse(_ text: String) throws(CronError) -> Set<Int> {
        var values: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            values.formUnion(try parse(part: String(part)))
        }
        return values
    }

    private func parse(part: String) throws(CronError) -> StrideThrough<Int> {
        let halves = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let base = halves.first else { throw problem(part) }
        var bounds = base.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let low: Int
        let high: Int
        if base == "*" {
            (low, high) = (range.lowerBound, name == Self.dayOfWeek.name ? 6 : range.upperBound)
            bounds = []
        } else {
            guard let first = bounds.first.flatMap(value), let last = bounds.last.flatMap(value) else { throw problem(part) }
            // SUN at the end of a range is 7: `FRI-SUN`.
            (low, high) = (first, bounds.count == 2 && last == 0 && first > 0 && name == Self.dayOfWeek.name ? 7 : last)
            guard low <= high else {
                throw CronError("\(name): the range \"\(part)\" runs backwards; allowed are ranges like \(high)-\(low)")
            }
        }
        guard halves.count == 2 else { return stride(from: low, through: high, by: 1) }
        guard bounds.count != 1 else {
            throw CronError(
                "\(name): the step \"\(part)\" has no range; allowed are */\(halves[1]) and \(base)-\(range.upperBound)/\(halves[1])"
            )
        }
        guard let step = number(halves[1]), step >= 1, step <= high - low + 1 else {
            throw CronError("\(name): the step of \"\(part)\" is not allowed; allowed is 1 to \(high - low + 1)")
        }
        return stride(from: low, through: high, by: step)
    }

    private func value(_ text: String) -> Int? {
        if let number = number(text) { return range.contains(number) ? number : nil }
        guard text.count == 3 else { return nil }
        return names.firstIndex(of: text.uppercased())
    }

    private func number(_ text: String) -> Int? {
        guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }

    private func problem(_ part: String) -> CronError {
        let shown = part.unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(40)
        let named = names.isEmpty ? "" : " or \(names.first { !$0.isEmpty } ?? "") to \(names.last ?? "")"
        return CronError(
            "\(name): \"\(String(String.UnicodeScalarView(shown)))\" is not allowed; "
                + "allowed are *, \(range.lowerBound) to \(range.upperBound)\(named), ranges a-b, lists a,b and steps */n")
    }
}
