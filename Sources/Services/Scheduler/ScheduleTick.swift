public import Contracts
public import Foundation

/// An interval that is due: one job.
public struct DueInterval: Sendable, Hashable {
    /// The schedule's name.
    public let schedule: String
    /// The fire that made it due.
    public let fire: Date
    /// What the job covers.
    public let interval: Interval
    /// The business day in the schedule's zone that the interval begins on.
    public let day: CalendarDay
    /// How many jobs of this schedule make that business day whole.
    public let jobsOfDay: Int
    /// When the job must be complete: the deadline after the fire, or after `now` where it is published late.
    public let deadline: Date?

    /// The job's id, which follows from the schedule and the interval: `<schedule>-20260228T160000Z-20260301T160000Z`.
    public var jobID: String { Self.jobID(schedule: schedule, interval: interval) }

    /// The id of the job of a schedule and an interval: the same for whoever publishes it.
    public static func jobID(schedule: String, interval: Interval) -> String {
        "\(schedule)-\(Timestamp.compact(interval.start))-\(Timestamp.compact(interval.end))"
    }
}

/// What a schedule has to do at an instant.
public struct ScheduleTick: Sendable, Hashable {
    /// The intervals to publish, in order; at most `maximumCatchUp`.
    public var due: [DueInterval] = []
    /// Stretches that the catch-up policy leaves out, in order; to be logged.
    public var leftOut: [Interval] = []
    /// The state to store in the same transaction; nil when nothing changes.
    public var state: ScheduleState?
    /// Whether more is due than one tick publishes: tick again at once.
    public var hasMore = false
    /// When the next interval will be due; nil after the schedule's end, while it is paused and when `hasMore`.
    public var nextDue: Date?
    /// Whether the definition differs from the one that was in force at the last tick.
    public var definitionChanged = false
}

extension ScheduleDefinition {
    /// A fire that is older than this counts as missed for the policies `latest` and `none`: long enough for a new leader to
    /// take over or a process to be replaced.
    public static let tolerance: Duration = .seconds(60)

    /// What is due at `now`; see ``tick(state:now:)``.
    public func due(state: ScheduleState?, now: Date) -> [DueInterval] { tick(state: state, now: now).due }

    /// Decides what is due, from nothing but the definition, the stored state and the time.
    ///
    /// A fire publishes every window that is complete (its end plus `settle` has passed) and ends no later than the business
    /// day `lag` days before the fire. Every window so belongs to one fire, the first that may publish it.
    ///
    /// - `state` is nil for a schedule that was never seen: it then begins with its `start` day, or without one with its next
    ///   fire, which the returned state remembers.
    /// - The cursor only moves forward: a clock that goes back publishes nothing again. A changed definition goes on at the
    ///   cursor; where the new windows don't meet it, the first one is cut so that intervals still adjoin.
    /// - A fire that was begun is finished, whatever the policy and however long ago.
    public func tick(state: ScheduleState?, now: Date) -> ScheduleTick {
        var tick = ScheduleTick()
        guard !isPaused else { return tick }
        tick.definitionChanged = state.map { $0.definitionHash != hash } ?? false
        let instant = now.wholeSeconds
        guard var cursor = state?.lastIntervalEnd.wholeSeconds ?? firstCursor(at: instant) else { return tick }
        if let start { cursor = max(cursor, zone.startOfDay(start.number)) }
        var lastFire = state?.lastFire
        let floor = policyFloor(at: instant)

        while let window = window(after: cursor) {
            guard window.fire <= instant else {
                tick.nextDue = Date(seconds: window.fire)
                break
            }
            if let floor, cursor < floor, window.fire != lastFire?.wholeSeconds {
                tick.leftOut.append(
                    contentsOf: Interval(start: Date(seconds: cursor), end: Date(seconds: floor)).map { [$0] } ?? [])
                cursor = floor
                continue
            }
            guard tick.due.count < maximumCatchUp else {
                tick.hasMore = true
                break
            }
            tick.due.append(contentsOf: dueInterval(window, now: instant).map { [$0] } ?? [])
            cursor = window.end
            lastFire = max(lastFire ?? .distantPast, Date(seconds: window.fire))
        }

        let stored = ScheduleState(
            schedule: name, lastFire: lastFire, lastIntervalEnd: Date(seconds: cursor), definitionHash: hash, updatedAt: now,
            moves: state?.moves)
        // Before its first interval a schedule with a start day has no state, so that the day may still be edited.
        let isFirst = state == nil && start == nil
        if isFirst || !tick.due.isEmpty || !tick.leftOut.isEmpty || tick.definitionChanged { tick.state = stored }
        return tick
    }

    /// The interval that follows a cursor and the fire that will publish it; what comes next, for people and for the monitor.
    ///
    /// Nil after the schedule's end. The deadline counts from the fire.
    public func interval(after cursor: Date) -> DueInterval? {
        window(after: cursor.wholeSeconds).flatMap { dueInterval($0, now: $0.fire) }
    }

    // MARK: Windows and their fires

    private struct Window {
        let start: Int
        let end: Int
        let fire: Int
    }

    /// The window that follows the cursor, cut to begin at it, with the fire that publishes it.
    private func window(after cursor: Int) -> Window? {
        let start = max(cursor, anchorStart)
        guard start < endInstant else { return nil }
        let end = min(grid.boundary(after: start), endInstant)
        // The earliest instant at which a fire may publish it: settled, and its last day is `lag` days back.
        let day = zone.day(zone.day(containing: end - 1), movedBy: lag)
        let earliest = max(end + settleSeconds, zone.startOfDay(day))
        return cadence.fire(atOrAfter: earliest, zone: zone, anchor: anchor).map { Window(start: start, end: end, fire: $0) }
    }

    private var anchorStart: Int { start.map { zone.startOfDay($0.number) } ?? .min }

    /// The end of the last window that a fire may publish.
    private func horizon(ofFire fire: Int) -> Int {
        let day = zone.day(zone.day(containing: fire), movedBy: -lag)
        let reach = min(zone.startOfDay(day + 1), fire - settleSeconds)
        return reach >= endInstant ? endInstant : grid.boundary(atOrBefore: reach)
    }

    private func dueInterval(_ window: Window, now: Int) -> DueInterval? {
        guard let interval = Interval(start: Date(seconds: window.start), end: Date(seconds: window.end)) else { return nil }
        return DueInterval(
            schedule: name, fire: Date(seconds: window.fire), interval: interval, day: zone.day(of: interval.start),
            jobsOfDay: grid.windowsOfDay(containing: window.start),
            deadline: deadline.map { Date(seconds: max(window.fire, now) + Int($0.components.seconds)) })
    }

    // MARK: Beginnings and gaps

    /// Where a schedule that was never seen begins: at its first day, or after what its latest fire would have published.
    private func firstCursor(at instant: Int) -> Int? {
        if start != nil { return anchorStart }
        return horizon(ofFire: cadence.fire(atOrBefore: instant, zone: zone, anchor: anchor) ?? instant)
    }

    /// The cursor below which the catch-up policy leaves intervals out; nil when it leaves none out.
    private func policyFloor(at instant: Int) -> Int? {
        guard catchUp != .all, let latest = cadence.fire(atOrBefore: instant, zone: zone, anchor: anchor) else { return nil }
        let reach = horizon(ofFire: latest)
        switch catchUp {
        case .all: return nil
        case .latest:
            // The latest fires may have had nothing to publish; the one meant is the fire of the latest complete window.
            let lastStart = grid.boundary(atOrBefore: reach - 1)
            return window(after: lastStart).flatMap { before(fire: $0.fire) } ?? reach
        case .none:
            let tolerated = instant - Int(Self.tolerance.components.seconds)
            guard let onTime = cadence.fire(atOrAfter: tolerated, zone: zone, anchor: anchor), onTime <= instant else {
                return reach
            }
            return before(fire: onTime)
        }
    }

    /// What was published before a fire.
    private func before(fire: Int) -> Int? {
        cadence.fire(atOrBefore: fire - 1, zone: zone, anchor: anchor).map(horizon(ofFire:))
    }
}
