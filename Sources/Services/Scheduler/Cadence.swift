/// When a schedule fires.
public enum Cadence: Sendable, Hashable, CustomStringConvertible {
    /// At the times of a cron expression in the schedule's zone.
    case cron(CronExpression)
    /// At every boundary of a grid of this length, counted from midnight in the schedule's zone.
    case every(WindowLength)

    /// The cadence as it is written.
    public var description: String {
        switch self {
        case .cron(let expression): "cron \(expression)"
        case .every(let length): "every \(length)"
        }
    }

    func fire(atOrAfter instant: Int, zone: BusinessZone, anchor: CalendarDay) -> Int? {
        switch self {
        case .cron(let expression): expression.fire(atOrAfter: instant, zone: zone)
        case .every(let length): WindowGrid(length: length, zone: zone, anchor: anchor).boundary(after: instant - 1)
        }
    }

    func fire(atOrBefore instant: Int, zone: BusinessZone, anchor: CalendarDay) -> Int? {
        switch self {
        case .cron(let expression): expression.fire(atOrBefore: instant, zone: zone)
        case .every(let length): WindowGrid(length: length, zone: zone, anchor: anchor).boundary(atOrBefore: instant)
        }
    }
}
