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

    /// The key of the alert that says that the day failed or is late.
    var alertKey: String { "day-failed/\(description)" }
}

/// What the monitor is to do about an event.
enum MonitorEffect: Sendable, Equatable {
    /// Every part of the day is complete: verify these manifests, say so, and resolve the day's alert. Of a day that is only
    /// known from reruns, what an earlier tag names besides counts too.
    case succeed(DayKey, manifests: [String], isKnownFromReruns: Bool = false)
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
///
/// What it knows follows from the set of events and not from the order in which they come; what it asks for is what that order
/// made it learn.
struct DayBoard: Sendable {
    enum Status: String, Sendable {
        case planned
        case running
        case waiting
        case done
        case failed
        case late
    }

    /// What the scheduler promised about a root, and with which revision.
    private struct Promise: Sendable {
        let expectation: JobEvent.Expectation
        let revision: Int
        let at: Date
    }

    /// What was said in the lake, and what it was said for.
    private struct Said: Sendable {
        let status: Status
        var failure: JobEvent.Failure?
        /// The manifests that a day is complete by.
        var manifests: [String] = []
        /// The revisions that they are of: a rerun has a manifest of the same name.
        var revisions: [String: Int] = [:]
    }

    private struct Day: Sendable {
        var runs: [String: RootRun] = [:]
        var promises: [String: Promise] = [:]
        /// What was last said in the lake.
        var said: Said?
        /// Set when the manifests didn't verify.
        var mismatch: JobEvent.Failure?
        /// Roots of which only reruns were seen: the day was forgotten since, and there may be others of which nothing is known.
        var reruns: Set<String> = []

        /// How many roots make the day whole: what the schedules promise, or what there is without a promise.
        var promised: Int {
            var bySchedule: [String: Int] = [:]
            for promise in promises.values {
                let expectation = promise.expectation
                bySchedule[expectation.schedule] = max(bySchedule[expectation.schedule] ?? 0, expectation.jobsOfDay)
            }
            return bySchedule.values.reduce(runs.keys.count { promises[$0] == nil }, +)
        }

        /// The first deadline that isn't met yet. A rerun has none: it was asked for after the promise was kept or broken.
        var deadline: Date? {
            runs.values.compactMap { run in
                guard let promise = promises[run.id], promise.revision == run.revision, run.status != .done else { return nil }
                return promise.expectation.deadline
            }.min()
        }

        func status(now: Date) -> Status {
            let statuses = runs.values.map(\.status)
            if statuses.contains(.failed) || statuses.contains(.cancelled) || mismatch != nil { return .failed }
            if statuses.allSatisfy({ $0 == .done }) && runs.count >= promised { return .done }
            if let deadline, deadline <= now { return .late }
            if statuses.contains(.running) { return .running }
            if statuses.contains(.waiting) { return .waiting }
            return statuses.contains(.done) ? .running : .planned
        }

        /// The run that was given up first.
        var firstFailed: RootRun? {
            runs.values.filter { $0.status == .failed || $0.status == .cancelled }
                .min { ($0.failedSince ?? .distantPast, $0.id) < ($1.failedSince ?? .distantPast, $1.id) }
        }

        /// The manifests of all parts; none when a part has none, because what it did can't be verified.
        var manifests: [String] {
            runs.values.contains(where: \.lacksManifest) ? [] : runs.values.flatMap(\.manifests).sorted()
        }
    }

    private var days: [DayKey: Day] = [:]
    /// Jobs that belong to no business day, by root id; only their failures are told.
    private var loose: [String: RootRun] = [:]
    /// When a message was last seen that couldn't be read, by the kind of its topic.
    private var unreadable: [String: Date] = [:]
    /// How many business days are kept for each source and data set; up to four times as many that are not complete.
    let keep: Int
    /// How many jobs without a business day are kept.
    private static let keptLooseJobs = 10_000

    init(keep: Int = 100) { self.keep = keep }

    /// Takes an event in; what follows from it.
    mutating func apply(_ event: JobEvent, now: Date) -> [MonitorEffect] {
        guard event.event != .unknown, event.event != .notice else { return [] }
        guard let day = event.job.day else { return applyLoose(event) }
        let key = DayKey(source: event.job.source, dataset: event.job.dataset, day: day)
        let isNew = days[key] == nil
        var state = days[key] ?? Day()
        let root = event.job.root
        if let expectation = event.expectation {
            let known = state.promises[root]
            if known.map({ ($0.revision, $0.at) < (event.job.revision, event.at) }) ?? true {
                state.promises[root] = Promise(expectation: expectation, revision: event.job.revision, at: event.at)
            }
        }
        var run = state.runs[root] ?? RootRun(id: root, revision: event.job.revision, at: event.at)
        if state.runs[root] == nil, event.job.revision > 0 { state.reruns.insert(root) }
        if event.job.revision == 0 { state.reruns.remove(root) }
        if event.job.revision > run.revision {
            run = RootRun(id: root, revision: event.job.revision, at: event.at)
            state.mismatch = nil
        }
        if event.job.revision == run.revision {
            run.apply(event)
            // Whoever completes a job anew has written its manifest anew: it is verified again.
            if event.event == .completed { state.mismatch = nil }
        }
        state.runs[root] = run
        let effects = say(state.status(now: now), of: &state, key, now: now)
        days[key] = state
        if isNew { prune(like: key) }
        return effects
    }

    /// Looks for deadlines that passed.
    mutating func check(now: Date) -> [MonitorEffect] {
        var effects: [MonitorEffect] = []
        // Those that are complete have met theirs; what they say next follows from an event.
        let open = days.filter { $0.value.said?.status != .late && $0.value.said?.status != .done }
        for (key, day) in open.sorted(by: { $0.key < $1.key }) where day.status(now: now) == .late {
            var day = day
            effects += say(.late, of: &day, key, now: now)
            days[key] = day
        }
        for (kind, last) in unreadable where now.timeIntervalSince(last) > Self.unreadableQuiet {
            unreadable[kind] = nil
            effects.append(.resolve(key: Self.unreadableKey(kind)))
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

    /// After the events that were acted on before were applied again: brings what was said in line with the alerts that are
    /// firing. A late day was told then; a complete one whose alert still fires had a mismatch and is verified again; a failed
    /// one whose alert doesn't fire was never told.
    mutating func resume(firing: Set<String>, now: Date) -> [MonitorEffect] {
        var effects: [MonitorEffect] = []
        for (key, day) in days.sorted(by: { $0.key < $1.key }) {
            var day = day
            let status = day.status(now: now)
            switch (status, firing.contains(key.alertKey)) {
            case (.done, true), (.failed, false):
                day.said = nil
                effects += say(status, of: &day, key, now: now)
            case (.late, true): day.said = Said(status: .late, failure: reason(.late, day))
            case (.planned, _), (.running, _), (.waiting, _), (.done, false), (.failed, true), (.late, false): continue
            }
            days[key] = day
        }
        // Of these the topic of events no longer knows when it was.
        let known = Set(unreadable.keys.map(Self.unreadableKey))
        for key in firing.sorted() where key.hasPrefix(Self.unreadableKey("")) && !known.contains(key) {
            effects.append(.resolve(key: key))
        }
        return effects
    }

    /// The days that are complete and of which something was heard since, newest first.
    func complete(since: Date) -> [DayKey] {
        days.filter { _, day in
            day.said?.status == .done && day.runs.values.contains { $0.lastEvent >= since }
        }.keys.sorted(by: >)
    }

    /// What a day is complete by, and whether it is only known from reruns; nil when it isn't complete.
    func completion(of key: DayKey) -> (manifests: [String], isKnownFromReruns: Bool)? {
        guard let day = days[key], let said = day.said, said.status == .done else { return nil }
        return (said.manifests, !day.reruns.isEmpty)
    }

    private func say(_ status: Status, of day: inout Day, _ key: DayKey, now: Date) -> [MonitorEffect] {
        let said = day.said
        switch status {
        case .done:
            let manifests = day.manifests
            let revisions = day.runs.mapValues(\.revision)
            guard said?.status != .done || said?.manifests != manifests || said?.revisions != revisions else { return [] }
            day.said = Said(status: .done, manifests: manifests, revisions: revisions)
            return [.succeed(key, manifests: manifests, isKnownFromReruns: !day.reruns.isEmpty)]
        case .failed, .late:
            let failure = reason(status, day)
            // A failure is told again when another takes its place; who is late only gets less late.
            guard said?.status != status || (status == .failed && said?.failure != failure) else { return [] }
            day.said = Said(status: status, failure: failure)
            let lastEvent = day.runs.values.map(\.lastEvent).max() ?? now
            let since = status == .late ? (day.deadline ?? now) : (day.firstFailed?.failedSince ?? lastEvent)
            let alert = Alert(
                key: key.alertKey, state: .firing, severity: .critical,
                summary:
                    "\(key.dataset) of \(key.source) for \(key.day) \(status == .late ? "is late" : "failed"): \(failure.message)",
                advice: failure.advice, source: key.source, dataset: key.dataset, day: key.day, since: since, at: now)
            return [.fail(key, failure, since: since), .alert(alert)]
        case .planned, .running, .waiting:
            // Only a day about which something was said needs its tags taken back; a failed one keeps its tag until it is done.
            guard said?.status == .done else { return [] }
            day.said = nil
            return [.reopen(key)]
        }
    }

    private func reason(_ status: Status, _ day: Day) -> JobEvent.Failure {
        if status == .late {
            let open = day.runs.values.filter { $0.status != .done }.map(\.id).sorted()
            let deadline = day.deadline.map { Timestamp.string($0) } ?? "?"
            return JobEvent.Failure(
                reason: "deadline", message: "not complete by \(deadline); open: \(open.prefix(3).joined(separator: ", "))",
                advice: "look at the worker's log and lag; the tag is corrected when the job completes")
        }
        if let mismatch = day.mismatch { return mismatch }
        let failed = day.firstFailed
        return failed?.failure
            ?? JobEvent.Failure(
                reason: "failed", message: "job \(failed?.id ?? "?") was given up", advice: "redrive it from the dead topic")
    }

    /// How long after the last message that nobody could read its alert is taken back, since no event tells that it was mended.
    private static let unreadableQuiet: TimeInterval = 86_400

    private static func unreadableKey(_ kind: String) -> String { "job-failed/unreadable/\(kind)" }

    /// Messages that are no jobs have neither a name nor an end: a flood of them is one trouble.
    private mutating func applyUnreadable(_ event: JobEvent) -> [MonitorEffect] {
        let kind = event.job.kind
        if unreadable[kind] == nil, unreadable.count >= Self.keptLooseJobs { return [] }
        unreadable[kind] = max(unreadable[kind] ?? .distantPast, event.at)
        let alert = Alert(
            key: Self.unreadableKey(kind), state: .firing, severity: .warning,
            summary: "messages in the topic of \(kind) jobs can't be read and were put into its dead topic",
            advice: "`switchboard dead list` shows them; correct the program that writes them", since: event.at, at: event.at)
        return [.alert(alert)]
    }

    private mutating func applyLoose(_ event: JobEvent) -> [MonitorEffect] {
        if event.event == .failed, event.job.isUnreadable { return applyUnreadable(event) }
        let root = event.job.root
        var run = loose[root] ?? RootRun(id: root, revision: event.job.revision, at: event.at)
        guard event.job.revision >= run.revision else { return [] }
        let before = run.status
        if event.job.revision > run.revision { run = RootRun(id: root, revision: event.job.revision, at: event.at) }
        run.apply(event)
        loose[root] = run
        if loose.count > Self.keptLooseJobs { pruneLoose() }
        let alertKey = "job-failed/\(root)"
        if run.status == .failed, before != .failed {
            let failure = run.failure
            return [
                .alert(
                    Alert(
                        key: alertKey, state: .firing, severity: .warning,
                        summary: "job \(event.job.id) was given up: \(failure?.message ?? "no reason")", advice: failure?.advice,
                        source: event.job.source, dataset: event.job.dataset, since: run.failedSince ?? event.at, at: event.at))
            ]
        }
        // Whether it was firing is for the book of alerts to know: the failure may have been an earlier revision's.
        return run.status == .done && before != .done ? [.resolve(key: alertKey)] : []
    }

    /// Forgets the older half, those that are done first: seldom, so that it costs little for each event.
    private mutating func pruneLoose() {
        let runs = loose.values.map { (run: $0, isOpen: $0.status != .done) }.sorted { left, right in
            left.isOpen == right.isOpen ? (left.run.lastEvent, left.run.id) < (right.run.lastEvent, right.run.id) : right.isOpen
        }
        for (run, _) in runs.prefix(runs.count / 2) { loose[run.id] = nil }
    }

    private mutating func prune(like key: DayKey) {
        guard days.count > keep else { return }
        let same = days.keys.filter { $0.source == key.source && $0.dataset == key.dataset }.sorted()
        for old in same.dropLast(keep) where days[old]?.said?.status == .done { days[old] = nil }
        for old in same.dropLast(keep * 4) { days[old] = nil }
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
            let runs = day.runs.values.sorted { $0.id < $1.id }
            let status = day.status(now: now)
            return Row(
                key: key, status: status, jobs: max(day.promised, runs.count), jobsDone: runs.count { $0.status == .done },
                figures: runs.reduce(into: [:]) { sum, run in sum.merge(run.figures) { $0 &+ $1 } },
                schedule: day.promises.values.map(\.expectation.schedule).min(),
                worker: runs.max { $0.lastEvent < $1.lastEvent }?.worker,
                failure: status == .failed || status == .late ? reason(status, day) : runs.compactMap(\.failure).first,
                deadline: day.deadline, lastEvent: runs.map(\.lastEvent).max() ?? now)
        }
    }
}
