extension CronExpression {
    /// The first time at or after an instant; nil when there is none within 45 years.
    func fire(atOrAfter instant: Int, zone: BusinessZone) -> Int? {
        // One day earlier, because clocks that go back over midnight can bring yesterday's times again.
        let first = (instant + zone.offset(at: instant)).flooredQuotient(86_400) - 1
        for day in first...first + Self.horizon where matches(CalendarDay(number: day)) {
            guard let fire = fires(onDay: day, zone: zone).first(where: { $0 >= instant }) else { continue }
            // A change over midnight can put a time of the next day before one of this day.
            return ([fire] + fires(ifMatching: day + 1, zone: zone).filter { $0 >= instant }).min()
        }
        return nil
    }

    /// The last time at or before an instant; nil when there is none within 45 years.
    func fire(atOrBefore instant: Int, zone: BusinessZone) -> Int? {
        let last = (instant + zone.offset(at: instant)).flooredQuotient(86_400) + 1
        for day in stride(from: last, through: last - Self.horizon, by: -1) where matches(CalendarDay(number: day)) {
            guard let fire = fires(onDay: day, zone: zone).last(where: { $0 <= instant }) else { continue }
            return ([fire] + fires(ifMatching: day - 1, zone: zone).filter { $0 <= instant }).max()
        }
        return nil
    }

    /// 29 February on a given weekday comes at least every 40 years.
    private static let horizon = 45 * 366

    private func fires(ifMatching day: Int, zone: BusinessZone) -> [Int] {
        matches(CalendarDay(number: day)) ? fires(onDay: day, zone: zone) : []
    }

    /// The instants at which the expression fires for the times of one local date, in order.
    func fires(onDay day: Int, zone: BusinessZone) -> [Int] {
        let midnight = day * 86_400
        let segments = zone.segments(from: midnight - BusinessZone.margin, to: midnight + 86_400 + BusinessZone.margin)
        var fires: Set<Int> = []
        for hour in hours {
            for minute in minutes {
                let local = midnight + hour * 3_600 + minute * 60
                let instants = segments.map { ($0, local - $0.offset) }.filter { $0.start <= $1 && $1 < $0.end }.map(\.1)
                if followsTheClock {
                    fires.formUnion(instants)
                } else if let first = instants.first {
                    fires.insert(first)
                } else if let after = endOfGap(holding: local, in: segments) {
                    fires.insert(after)
                }
            }
        }
        return fires.sorted()
    }

    /// The first instant after the change of less than three hours that skips a local time.
    private func endOfGap(holding local: Int, in segments: [BusinessZone.Segment]) -> Int? {
        for (before, after) in zip(segments, segments.dropFirst()) {
            let gap = before.end + before.offset..<max(before.end + before.offset, after.start + after.offset)
            if gap.contains(local) { return gap.count < 3 * 3_600 ? after.start : nil }
        }
        return nil
    }
}
