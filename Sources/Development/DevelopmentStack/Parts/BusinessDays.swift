public import Contracts
public import Foundation

/// Consecutive business days of a time zone.
public struct BusinessDays: Sendable {
    /// The zone's name.
    public let zone: String
    /// The days, `yyyy-MM-dd`, oldest first.
    public let days: [String]

    private let intervals: [String: Interval]

    /// The `count` days that end `lag` days before the day of `now` in the zone; nil for an unknown zone.
    public init?(count: Int, lag: Int, zone: String, now: Date) {
        guard let timeZone = TimeZone(identifier: zone) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = timeZone
        let today = calendar.startOfDay(for: now)
        var days: [String] = []
        var intervals: [String: Interval] = [:]
        for back in (lag..<lag + count).reversed() {
            guard let noon = calendar.date(byAdding: .day, value: -back, to: today.addingTimeInterval(12 * 3600)),
                let range = calendar.dateInterval(of: .day, for: noon),
                let interval = Interval(start: range.start, end: range.end)
            else { return nil }
            let parts = calendar.dateComponents([.year, .month, .day], from: noon)
            let day = [(parts.year, 4), (parts.month, 2), (parts.day, 2)].map { part, width in
                let digits = String(part ?? 0)
                return String(repeating: "0", count: max(0, width - digits.count)) + digits
            }.joined(separator: "-")
            days.append(day)
            intervals[day] = interval
        }
        self.zone = zone
        self.days = days
        self.intervals = intervals
    }

    /// What a day covers, half-open.
    public func interval(of day: String) -> Interval? { intervals[day] }
}
