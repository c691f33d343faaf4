public import Contracts
public import Foundation
public import Scheduler

/// The intervals of a schedule over a range of days, as the scheduler would publish them. Pure.
public struct Backfill: Sendable, Hashable {
    /// Which intervals are published again.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Only those of which no job is known.
        case missing
        /// Those whose job failed or was cancelled, too.
        case failed
        /// Those whose job completed, too. Only active ones are left out.
        case all
    }

    /// The schedule.
    public let schedule: ScheduleDefinition
    /// The first business day.
    public let from: CalendarDay
    /// The last business day.
    public let to: CalendarDay
    /// The intervals that begin in the range, in order.
    public let intervals: [DueInterval]

    /// The most intervals of one backfill.
    public static let maximumIntervals = 200_000

    /// More intervals than one backfill may have.
    public struct TooMany: Error, CustomStringConvertible {
        /// What to do.
        public var description: String {
            "more than \(Backfill.maximumIntervals) intervals; give a shorter range of days and run it several times"
        }
    }

    /// Cuts a range of days into the schedule's intervals; days before the schedule's start are cut in the same way.
    public init(of schedule: ScheduleDefinition, from: CalendarDay, to: CalendarDay) throws(TooMany) {
        var definition = schedule
        definition.isPaused = false
        definition.end = schedule.end.map { max($0, to) }
        if let start = schedule.start, start > from {
            // Windows of several days are counted from the start: it moves by whole windows, so that the others stay.
            var length = 1
            if case .days(let days) = schedule.window { length = days }
            let windows = (start.number - from.number + length - 1) / length
            definition.start = CalendarDay(number: start.number - windows * length)
        }
        self.schedule = schedule
        self.from = from
        self.to = to
        let end = schedule.zone.start(of: to.advanced(by: 1))
        var cursor = schedule.zone.start(of: from)
        var intervals: [DueInterval] = []
        while cursor < end, let next = definition.interval(after: cursor), next.interval.start < end, next.interval.end > cursor {
            guard intervals.count < Self.maximumIntervals else { throw TooMany() }
            intervals.append(next)
            cursor = next.interval.end
        }
        self.intervals = intervals
    }

    /// The jobs of all intervals.
    public func jobs(now: Date) -> [Job] { intervals.map { job($0, revision: 0, now: now) } }

    private func job(_ due: DueInterval, revision: Int, now: Date) -> Job {
        Job(
            id: due.jobID, kind: schedule.kind, source: schedule.source, dataset: schedule.dataset, day: due.day.description,
            interval: due.interval, revision: revision, createdAt: now, parameters: schedule.parameters,
            traceparent: Traceparent.random())
    }

    /// Which of the jobs are published, with which revision.
    ///
    /// - Parameters:
    ///   - revision: the revision to reach: an interval that has it, or a higher one, is left out, so that an interrupted
    ///     backfill can be run again. Nil takes 0 for what is missing and the next one for the rest.
    ///   - now: when they are published; an interval that isn't due yet is left to the scheduler.
    public func plan(_ mode: Mode, revision: Int?, known: KnownJobs, now: Date) -> PublicationPlan {
        var plan = PublicationPlan()
        for due in intervals {
            let run = known.latest(due.jobID)
            if let reason = reason(toLeaveOut: due, run, mode, revision: revision, now: now) {
                plan.leftOut.append(PublicationPlan.Omission(id: due.jobID, interval: due.interval, reason: reason))
                continue
            }
            let next = revision ?? run.map { $0.revision + 1 } ?? 0
            let deadline = schedule.deadline.map {
                max(due.fire, now).addingTimeInterval(TimeInterval($0.components.seconds))
            }
            plan.publications.append(
                PublicationPlan.Publication(
                    job(due, revision: next, now: now),
                    expectation: JobEvent.Expectation(schedule: schedule.name, deadline: deadline, jobsOfDay: due.jobsOfDay)))
        }
        return plan
    }

    private func reason(
        toLeaveOut due: DueInterval, _ run: JobRun?, _ mode: Mode, revision: Int?, now: Date
    ) -> String? {
        if due.fire > now { return "not due yet" }
        guard let run else { return nil }
        let state = run.state
        if !state.isTerminal { return "active" }
        if let revision, run.revision >= revision { return "\(state.rawValue) at revision \(run.revision)" }
        switch (mode, state) {
        case (.missing, _), (.failed, .completed): return state.rawValue
        default: return nil
        }
    }

    /// The revision with which a backfill of everything can be run again after an interruption: the highest of the plan.
    public static func resumableRevision(of plan: PublicationPlan) -> Int? { plan.publications.map(\.job.revision).max() }
}
