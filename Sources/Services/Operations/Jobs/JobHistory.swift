public import Contracts
internal import Foundation

/// What `job.events` say of many jobs: by root and revision.
public struct JobHistory: Sendable {
    private var runs: [String: [Int: JobRun]] = [:]
    /// Roots that were left out because there are more than can be kept.
    public private(set) var isTruncated = false

    /// The most roots that are kept.
    public static let maximumRoots = 500_000

    /// Nothing is known.
    public init() {}

    /// Takes an event in.
    public mutating func apply(_ event: JobEvent) {
        let root = event.job.root
        guard runs[root] != nil || runs.count < Self.maximumRoots else {
            isTruncated = true
            return
        }
        runs[root, default: [:]][event.job.revision, default: JobRun(root: root, revision: event.job.revision)].apply(event)
    }

    /// The latest revision of a root; nil when none is known.
    public func latest(_ root: String) -> JobRun? { runs[root]?.max { $0.key < $1.key }?.value }

    /// All revisions of a root, ascending.
    public func revisions(of root: String) -> [JobRun] { (runs[root] ?? [:]).values.sorted { $0.revision < $1.revision } }

    /// The root of a job; itself when it is one.
    public func root(of job: String) -> String? {
        if runs[job] != nil { return job }
        return runs.first { $0.value.values.contains { $0.nodes[job] != nil } }?.key
    }

    /// The latest revisions that a filter lets through, the last heard of first.
    public func runs(matching filter: JobFilter) -> [JobRun] {
        runs.keys.compactMap { latest($0) }.filter { filter.matches($0) }
            .sorted { ($0.lastEvent, $0.root) > ($1.lastEvent, $1.root) }
    }
}

/// Which roots a command is about; what is nil or empty doesn't matter.
public struct JobFilter: Sendable, Hashable {
    /// The roots by id.
    public var ids: Set<String> = []
    /// The kind of worker.
    public var kind: String?
    /// The vendor account.
    public var source: String?
    /// The data set.
    public var dataset: String?
    /// The business day, `yyyy-MM-dd`.
    public var day: String?
    /// Where they stand.
    public var states: Set<JobState> = []

    /// Lets everything through.
    public init() {}

    /// Whether anything but the state restricts it.
    public var namesJobs: Bool { !ids.isEmpty || kind != nil || source != nil || dataset != nil || day != nil }

    /// Whether an event concerns a root that the filter is about, its state apart.
    public func matches(_ job: JobReference) -> Bool {
        (ids.isEmpty || ids.contains(job.root)) && (kind == nil || kind == job.kind) && (source == nil || source == job.source)
            && (dataset == nil || dataset == job.dataset) && (day == nil || day == job.day)
    }

    /// Whether a run is meant.
    public func matches(_ run: JobRun) -> Bool {
        (run.job.map { matches($0) } ?? false) && (states.isEmpty || states.contains(run.state))
    }
}
