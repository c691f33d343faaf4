public import Contracts
public import Foundation
public import Scheduler

/// What moving a schedule's cursor would do: which intervals would be published again, and which never.
public struct CursorPlan: Sendable, Hashable {
    /// What is stored; nil for a schedule that was never seen.
    public let old: ScheduleState?
    /// What would be stored.
    public let new: ScheduleState
    /// The intervals that were published and would be published again, in order; the first of them.
    public let repeated: [Interval]
    /// The intervals that would be passed over, in order; the first of them.
    public let skipped: [Interval]
    /// How many intervals there are of the one sort or the other; nil when the definition isn't known.
    public let count: Int?
    /// What the scheduler does then, at the time of the plan; nil when the definition isn't known.
    public let tick: ScheduleTick?
    /// The borders of the interval that the new cursor lies inside of; nil when it lies between two, or that isn't known.
    public let cut: Interval?

    /// The most intervals that are counted.
    public static let maximumIntervals = 100_000
    /// How many intervals are listed.
    public static let listed = 20

    /// Whether nothing would change.
    public var isEmpty: Bool { old?.lastIntervalEnd == new.lastIntervalEnd }

    /// Plans a move.
    ///
    /// - Parameters:
    ///   - schedule: the schedule's name.
    ///   - old: what is stored.
    ///   - cursor: the end of the last interval that is to count as published.
    ///   - definition: the schedule, if its file is known.
    public init(
        schedule: String, old: ScheduleState?, to cursor: Date, definition: ScheduleDefinition?, by: String, now: Date
    ) {
        // Whole seconds, as the scheduler counts.
        let cursor = Date(timeIntervalSince1970: cursor.timeIntervalSince1970.rounded(.down))
        self.old = old
        new = ScheduleState(
            schedule: schedule, lastFire: nil, lastIntervalEnd: cursor,
            definitionHash: old?.definitionHash ?? definition?.hash ?? "-",
            updatedAt: now, moves: old?.moves, movedBy: by)
        guard let definition else {
            repeated = []
            skipped = []
            count = nil
            tick = nil
            cut = nil
            return
        }
        tick = definition.tick(state: new, now: now)
        var between: [Interval] = []
        var count = 0
        var position = min(old?.lastIntervalEnd ?? cursor, cursor)
        let end = max(old?.lastIntervalEnd ?? cursor, cursor)
        while position < end, count < Self.maximumIntervals, let next = definition.interval(after: position) {
            guard next.interval.start < end else { break }
            if between.count < Self.listed { between.append(next.interval) }
            count += 1
            position = next.interval.end
        }
        self.count = count
        let isBack = old.map { cursor < $0.lastIntervalEnd } ?? false
        repeated = isBack ? between : []
        skipped = isBack ? [] : between
        cut = definition.window(around: cursor)
    }
}
