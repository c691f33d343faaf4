internal import Contracts
internal import Foundation

/// A data set of a source on a business day; what tags are about.
struct DayKey: Hashable, Sendable, Comparable {
    let source: String
    let dataset: String
    let day: String

    static func < (left: DayKey, right: DayKey) -> Bool {
        (left.day, left.dataset, left.source) < (right.day, right.dataset, right.source)
    }

    var description: String { "\(source)/\(dataset)/\(day)" }
}

/// What the monitor is to do about an event.
enum MonitorEffect: Sendable, Equatable {
    /// Every part of the day is complete: verify these manifests and say so.
    case succeed(DayKey, manifests: [String])
    /// The day was given up or is late.
    case fail(DayKey, JobEvent.Failure, since: Date)
    /// The day is worked on again: what a tag said is no longer so.
    case reopen(DayKey)
    /// Somebody should know.
    case alert(Alert)
    /// It is over.
    case resolve(key: String)
}

/// All runs by source, data set and day. Pure: events and instants in, effects out.
struct DayBoard: Sendable {
    enum Status: String, Sendable {
        case planned
        case running
        case waiting
        case done
        case failed
        case late
    }

    private struct Day: Sendable {
        var runs: [String: RootRun] = [:]
        /// What was last said in the lake.
        var said: Status?
        /// Set when the manifests didn't verify.
        var mismatch: JobEvent.Failure?

        /// How many roots make the day whole: what the schedules promise, or what there is without a promise.
        var promised: Int {
            var bySchedule: [String: Int] = [:]
            var unscheduled = 0
            for run in runs.values {
                if let expectation = run.expectation {
                    bySchedule[expectation.schedule] = max(bySchedule[expectation.schedule] ?? 0, expectation.jobsOfDay)
                } else {
                    unscheduled += 1
                }
            }
            return bySchedule.values.reduce(unscheduled, +)
        }

        var deadline: Date? { runs.values.filter { $0.status != .done }.compactMap { $0.expectation?.deadline }.min() }

        func status(now: Date) -> Status {
            let statuses = runs.values.map(\.status)
            if statuses.contains(.failed) || statuses.contains(.cancelled) || mismatch != nil { return .failed }
            if statuses.allSatisfy({ $0 == .done }) && runs.count >= promised { return .done }
            if let deadline, deadline <= now { return .late }
            if statuses.contains(.running) { return .running }
            if statuses.contains(.waiting) { return .waiting }
            return statuses.contains(.done) ? .running : .planned
        }
    }

    private var days: [DayKey: Day] = [:]
    /// Jobs that belong to no business day, by root id; only their failures are told.
    private var loose: [String: RootRun] = [:]
    /// How many business days are kept for each source and data set.
    let keep: Int

    init(keep: Int = 100) { self.keep = keep }

    /// Takes an event in; what follows from it.
    mutating func apply(_ event: JobEvent, now: Date) -> [MonitorEffect] {
        guard event.event != .unknown else { return [] }
        guard let day = event.job.day else { return applyLoose(event) }
        let key = DayKey(source: event.job.source, dataset: event.job.dataset, day: day)
        var state = days[key] ?? Day()
        var effects: [MonitorEffect] = []
        var run = state.runs[event.job.root] ?? RootRun(id: event.job.root, revision: event.job.revision, at: event.at)
        guard event.job.revision >= run.revision else { return [] }
        if event.job.revision > run.revision {
            let expectation = run.expectation
            run = RootRun(id: event.job.root, revision: event.job.revision, at: event.at)
            run.expectation = expectation
            state.mismatch = nil
        }
        run.apply(event)
        state.runs[event.job.root] = run
        effects += say(state.status(now: now), of: &state, key, now: now)
        days[key] = state
        prune(like: key)
        return effects
    }

    /// Looks for deadlines that passed.
    mutating func check(now: Date) -> [MonitorEffect] {
        var effects: [MonitorEffect] = []
        for (key, day) in days where day.said != .late && day.status(now: now) == .late {
            var day = day
            effects += say(.late, of: &day, key, now: now)
            days[key] = day
        }
        return effects
    }

    /// Notes that the manifests of a day are not what they say.
    mutating func mismatched(_ key: DayKey, _ failure: JobEvent.Failure, now: Date) -> [MonitorEffect] {
        guard var day = days[key] else { return [] }
        day.mismatch = failure
        let effects = say(.failed, of: &day, key, now: now)
        days[key] = day
        return effects
    }

    private func say(_ status: Status, of day: inout Day, _ key: DayKey, now: Date) -> [MonitorEffect] {
        guard status != day.said else { return [] }
        let before = day.said
        let alertKey = "day-failed/\(key.description)"
        switch status {
        case .done:
            day.said = .done
            return [.succeed(key, manifests: day.runs.values.flatMap(\.manifests).sorted()), .resolve(key: alertKey)]
        case .failed, .late:
            day.said = status
            let failure = reason(status, day)
            let since = status == .late ? (day.deadline ?? now) : (day.runs.values.map(\.lastEvent).max() ?? now)
            let alert = Alert(
                key: alertKey, state: .firing, severity: .critical,
                summary:
                    "\(key.dataset) of \(key.source) for \(key.day) \(status == .late ? "is late" : "failed"): \(failure.message)",
                advice: failure.advice, source: key.source, dataset: key.dataset, day: key.day, since: since, at: now)
            return [.fail(key, failure, since: since), .alert(alert)]
        case .planned, .running, .waiting:
            // Only a day about which something was said needs its tags taken back; a failed one keeps its tag until it is done.
            guard before == .done else { return [] }
            day.said = nil
            return [.reopen(key)]
        }
    }

    private func reason(_ status: Status, _ day: Day) -> JobEvent.Failure {
        if let mismatch = day.mismatch { return mismatch }
        if status == .late {
            let open = day.runs.values.filter { $0.status != .done }.map(\.id).sorted()
            let deadline = day.deadline.map { Timestamp.string($0) } ?? "?"
            return JobEvent.Failure(
                reason: "deadline", message: "not complete by \(deadline); open: \(open.prefix(3).joined(separator: ", "))",
                advice: "look at the worker's log and lag; the tag is corrected when the job completes")
        }
        let failed = day.runs.values.first { $0.status == .failed || $0.status == .cancelled }
        return failed?.failure
            ?? JobEvent.Failure(
                reason: "failed", message: "job \(failed?.id ?? "?") was given up", advice: "redrive it from the dead topic")
    }

    private mutating func applyLoose(_ event: JobEvent) -> [MonitorEffect] {
        let key = "job-failed/\(event.job.kind)/\(event.job.root)"
        var run = loose[event.job.root] ?? RootRun(id: event.job.root, revision: event.job.revision, at: event.at)
        let before = run.status
        run.apply(event)
        loose[event.job.root] = run.status == .done ? nil : run
        if loose.count > 10_000, let oldest = loose.min(by: { $0.value.lastEvent < $1.value.lastEvent }) {
            loose[oldest.key] = nil
        }
        if run.status == .failed, before != .failed {
            let failure = run.failure
            return [
                .alert(
                    Alert(
                        key: key, state: .firing, severity: .warning,
                        summary: "job \(event.job.id) was given up: \(failure?.message ?? "no reason")", advice: failure?.advice,
                        source: event.job.source, dataset: event.job.dataset, since: event.at, at: event.at))
            ]
        }
        return run.status == .done && before == .failed ? [.resolve(key: key)] : []
    }

    private mutating func prune(like key: DayKey) {
        guard days.count > keep else { return }
        let same = days.keys.filter { $0.source == key.source && $0.dataset == key.dataset }.sorted()
        for old in same.dropLast(keep) where days[old]?.said == .done { days[old] = nil }
    }

    // MARK: Reading

    /// One row of the page.
    struct Row: Sendable, Equatable {
        let key: DayKey
        let status: Status
        let jobs: Int
        let jobsDone: Int
        let figures: [String: Int]
        let schedule: String?
        let worker: String?
        let failure: JobEvent.Failure?
        let deadline: Date?
        let lastEvent: Date
    }

    /// All days, newest first.
    func rows(now: Date) -> [Row] {
        days.sorted { $0.key > $1.key }.map { key, day in
            let runs = Array(day.runs.values)
            return Row(
                key: key, status: day.status(now: now), jobs: max(day.promised, runs.count),
                jobsDone: runs.count { $0.status == .done },
                figures: runs.reduce(into: [:]) { sum, run in sum.merge(run.figures) { $0 &+ $1 } },
                schedule: runs.compactMap { $0.expectation?.schedule }.sorted().first,
                worker: runs.max { $0.lastEvent < $1.lastEvent }?.worker,
                failure: day.status(now: now) == .failed ? reason(.failed, day) : runs.compactMap(\.failure).first,
                deadline: day.deadline, lastEvent: runs.map(\.lastEvent).max() ?? now)
        }
    }
}
