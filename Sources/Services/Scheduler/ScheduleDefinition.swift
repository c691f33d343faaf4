public import Contracts
import Crypto
public import Foundation

/// One schedule as people write it: which jobs there are, for which intervals, and when they are due.
public struct ScheduleDefinition: Sendable, Hashable {
    /// What happens to intervals that were due while nobody could publish them.
    public enum CatchUp: String, Sendable, Hashable, CaseIterable {
        /// All of them are published.
        case all
        /// Those of the latest missed fire are published, earlier ones are left out.
        case latest
        /// None of them; the schedule goes on with its next fire.
        case none
    }

    /// The schedule's name: lower-case letters, digits and `-`, at most 63 characters; part of its jobs' ids.
    public var name: String
    /// The kind of job that is published, such as `conversation`.
    public var kind: String
    /// The data set that the jobs add to, such as `conversations`.
    public var dataset: String
    /// The vendor account, such as `genesys/main`.
    public var source: String
    /// When it fires.
    public var cadence: Cadence
    /// The zone of business days, windows and cron times.
    public var zone: BusinessZone
    /// How many business days back the last day lies that a fire publishes; 0 is the day of the fire.
    public var lag: Int
    /// How long an interval is.
    public var window: WindowLength
    /// How long after its end an interval is published at the earliest.
    public var settle: Duration
    /// The first business day; nil for the first fire after the scheduler first knows the schedule.
    public var start: CalendarDay?
    /// The last business day; nil for no end.
    public var end: CalendarDay?
    /// What happens after downtime.
    public var catchUp: CatchUp
    /// How many intervals one tick publishes at most.
    public var maximumCatchUp: Int
    /// How long after it was due (or published, when caught up later) a job may take; nil for no limit.
    public var deadline: Duration?
    /// How urgent the jobs are, 0 (least) to 9.
    public var priority: Int
    /// What only the worker understands: an object.
    public var parameters: JSONValue
    /// Whether it publishes nothing for now. When it goes on, the time of the pause is downtime.
    public var isPaused: Bool

    /// A schedule; the values are not checked here but where they are read (``ScheduleFile``).
    public init(
        name: String, kind: String, dataset: String, source: String, cadence: Cadence, zone: BusinessZone, lag: Int = 0,
        window: WindowLength = .days(1), settle: Duration = .zero, start: CalendarDay? = nil, end: CalendarDay? = nil,
        catchUp: CatchUp = .all, maximumCatchUp: Int = 100, deadline: Duration? = nil, priority: Int = 5,
        parameters: JSONValue = .object([:]), isPaused: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.dataset = dataset
        self.source = source
        self.cadence = cadence
        self.zone = zone
        self.lag = lag
        self.window = window
        self.settle = settle
        self.start = start
        self.end = end
        self.catchUp = catchUp
        self.maximumCatchUp = maximumCatchUp
        self.deadline = deadline
        self.priority = priority
        self.parameters = parameters
        self.isPaused = isPaused
    }

    /// The first fire after an instant; nil when there is none within 45 years.
    public func nextFire(after instant: Date) -> Date? {
        cadence.fire(atOrAfter: instant.wholeSeconds + 1, zone: zone, anchor: anchor).map(Date.init(seconds:))
    }

    /// A hash that changes with everything that decides what is published; pausing isn't part of it.
    public var hash: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        // Numbers that aren't finite are refused when the file is read, so the parameters can always be encoded.
        let parameters = (try? encoder.encode(self.parameters)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let parts = [
            name, kind, dataset, source, "\(cadence)", zone.name, "\(lag)", "\(window)", "\(settle)", "\(start, default: "-")",
            "\(end, default: "-")", catchUp.rawValue, "\(maximumCatchUp)", "\(deadline, default: "-")", "\(priority)", parameters,
        ]
        let digest = SHA256.hash(data: Data(parts.joined(separator: "\u{1f}").utf8))
        return digest.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The window of the schedule's grid that an instant lies inside of, uncut; nil at a border between two.
    public func window(around instant: Date) -> Interval? {
        let second = instant.wholeSeconds
        let start = grid.boundary(atOrBefore: second)
        return start == second ? nil : Interval(start: Date(seconds: start), end: Date(seconds: grid.boundary(after: second)))
    }

    // MARK: Shared by the functions that decide what is due

    /// Where windows and cadences of several days begin to count.
    var anchor: CalendarDay { start ?? CalendarDay(number: 0) }

    var grid: WindowGrid { WindowGrid(length: window, zone: zone, anchor: anchor) }

    var settleSeconds: Int { Int(settle.components.seconds) }

    /// The first instant that the schedule may not reach any more; `Int.max` without an end.
    var endInstant: Int { end.map { zone.startOfDay($0.number + 1) } ?? .max }
}
