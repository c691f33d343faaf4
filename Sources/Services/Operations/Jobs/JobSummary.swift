public import Contracts
public import Foundation

/// One run in a line: what `jobs list` and `jobs watch` show of it.
public struct JobSummary: Sendable, Hashable, Encodable {
    /// Why a run waits or was given up.
    public struct Failure: Sendable, Hashable, Encodable {
        /// The job of the run that it happened to.
        public let job: String
        /// The class.
        public let reason: String
        /// One line.
        public let message: String
        /// What to do.
        public let advice: String?
    }

    /// The root's id.
    public let id: String
    /// The kind of worker.
    public let kind: String
    /// The vendor account.
    public let source: String
    /// The data set.
    public let dataset: String
    /// The business day.
    public let day: String?
    /// What it covers.
    public let interval: Interval?
    /// The latest revision.
    public let revision: Int
    /// Where the whole stands.
    public let state: JobState
    /// Attempts at the root.
    public let attempts: Int
    /// Other jobs of the run by state; empty when it wasn't fanned out.
    public let parts: [String: Int]
    /// Figures of all parts, added up.
    public let figures: [String: Int]
    /// The worker that was last heard of.
    public let worker: String?
    /// The schedule that published it.
    public let schedule: String?
    /// When it must be complete.
    public let deadline: Date?
    /// When its next attempt is due.
    public let nextAttempt: Date?
    /// When the first thing that is known happened.
    public let firstEvent: Date
    /// When the last thing happened.
    public let lastEvent: Date
    /// The manifest of a run of one job.
    public let manifest: String?
    /// Why it waits or was given up.
    public let failure: Failure?

    /// The summary of a run; nil when nothing is known of it.
    public init?(_ run: JobRun) {
        guard let job = run.job else { return nil }
        id = run.root
        kind = job.kind
        source = job.source
        dataset = job.dataset
        day = job.day
        interval = job.id == run.root ? job.interval : nil
        revision = run.revision
        state = run.state
        attempts = run.rootNode?.attempt ?? 0
        parts = Dictionary(uniqueKeysWithValues: run.childCounts.map { ($0.key.rawValue, $0.value) })
        figures = run.figures
        worker = run.nodes.values.max { $0.lastEvent < $1.lastEvent }?.worker
        schedule = run.schedule
        deadline = run.deadline
        nextAttempt = run.nextAttempt
        firstEvent = run.nodes.values.map(\.firstEvent).min() ?? run.lastEvent
        lastEvent = run.lastEvent
        manifest = run.rootNode?.manifest
        failure = run.failure.map {
            Failure(job: $0.job, reason: $0.failure.reason, message: $0.failure.message, advice: $0.failure.advice)
        }
    }

    /// How many parts are done, such as `3/12`; `-` when it wasn't fanned out.
    public var partsText: String {
        let total = parts.values.reduce(0, +)
        return total == 0 ? "-" : "\(parts[JobState.completed.rawValue] ?? 0)/\(total)"
    }

    /// Why it stands where it does, in a few words.
    public var remark: String {
        if let failure {
            let next = state == .waiting ? nextAttempt.map { "next \(Timestamp.string($0)): " } ?? "" : ""
            return next + TerminalText.escaped("\(failure.reason): \(failure.message)", limit: 100)
        }
        if let deadline, !state.isTerminal { return "deadline \(Timestamp.string(deadline))" }
        return ""
    }

    /// A table of runs.
    public static func table(_ summaries: [JobSummary]) -> String {
        var table = TextTable([
            TextTable.Column("JOB"), TextTable.Column("REV", .right), TextTable.Column("STATE"), TextTable.Column("TRY", .right),
            TextTable.Column("PARTS", .right), TextTable.Column("RECORDS", .right), TextTable.Column("DAY"),
            TextTable.Column("LAST EVENT"), TextTable.Column("REMARK"),
        ])
        for summary in summaries {
            table.add([
                summary.id, "\(summary.revision)", summary.state.rawValue, "\(summary.attempts)", summary.partsText,
                summary.figures["records"].map { "\($0)" } ?? "-", summary.day ?? "-", Timestamp.string(summary.lastEvent),
                summary.remark,
            ])
        }
        return table.text
    }
}
