extension CronExpression {
    /// The first time at or after an instant; nil when there is none within 45 years.
    func fire(atOrAfter instant: Int, zone: BusinessZone) -> Int? {
        // One day earlier, because clocks that go back over midnight can bring yesterday's times again.
        let first = (instant + zone.offset(at: instant)).flooredQuotient(86_400) - 1
        for day in first...first + Self.horizon where matches(CalendarDay(number: day)) {
            let segments = segments(ofDay: day, zone: zone)
            if segments.count == 1 {
                // Without a change nearby the times of a day come in order, and nothing of another day comes between.
                let local = instant + segments[0].offset - day * 86_400
                for hour in hours where hour * 3_600 + 3_540 >= local {
                    for minute in minutes where hour * 3_600 + minute * 60 >= local {
                        return day * 86_400 + hour * 3_600 + minute * 60 - segments[0].offset
                    }
                }
            } else if let fire = fires(onDay: day, in: segments).first(where: { $0 >= instant }) {
                // A change over midnight can put a time of the next day before one of this day.
                return ([fire] + fires(ifMatching: day + 1, zone: zone).filter { $0 >= instant }).min()
            }
        }
        return nil
    }

    /// The last time at or before an instant; nil when there is none within 45 years.
    func fire(atOrBefore instant: Int, zone: BusinessZone) -> Int? {
        let last = (instant + zone.offset(at: instant)).flooredQuotient(86_400) + 1
        for day in stride(from: last, through: last - Self.horizon, by: -1) where matches(CalendarDay(number: day)) {
            let segments = segments(ofDay: day, zone: zone)
            if segments.count == 1 {
                let local = instant + segments[0].offset - day * 86_400
                for hour in hours.reversed() where hour * 3_600 <= local {
                    for minute in minutes.reversed() where hour * 3_600 + minute * 60 <= local {
                        return day * 86_400 + hour * 3_600 + minute * 60 - segments[0].offset
                    }
                }
            } else if let fire = fires(onDay: day, in: segments).last(where: { $0 <= instant }) {
                return ([fire] + fires(ifMatching: day - 1, zone: zone).filter { $0 <= instant }).max()
            }
        }
        return nil
    }

    /// 29 February on a given weekday comes at least every 40 years.
    private static let horizon = 45 * 366

    /// The stretches of constant offset that the times of a local date, and of its neighbours' edges, can fall into.
    private func segments(ofDay day: Int, zone: BusinessZone) -> [BusinessZone.Segment] {
        zone.segments(from: day * 86_400 - BusinessZone.margin, to: (day + 1) * 86_400 + BusinessZone.margin)
    }

    private func fires(ifMatching day: Int, zone: BusinessZone) -> [Int] {
        matches(CalendarDay(number: day)) ? fires(onDay: day, in: segments(ofDay: day, zone: zone)) : []
    }

    /// The instants at which the expression fires for the times of one local date, in order.
    private func fires(onDay day: Int, in segments: [BusinessZone.Segment]) -> [Int] {
        let midnight = day * 86_400
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
