public import Contracts
internal import Foundation
public import Kafka

/// What `job.events` say about jobs that are about to be published: under their ids, and under other ids about the same.
public struct KnownJobs: Sendable {
    /// What makes two roots the same work.
    private struct Subject: Hashable {
        let kind: String
        let source: String
        let dataset: String
        let interval: Interval

        init?(_ job: JobReference) {
            guard let interval = job.interval, job.id == job.root else { return nil }
            kind = job.kind
            source = job.source
            dataset = job.dataset
            self.interval = interval
        }
    }

    private var wanted: Set<String>
    private var subjects: [Subject: Set<String>]
    private var history = JobHistory()
    /// Events of other programs or versions that couldn't be read.
    public private(set) var unreadable = 0

    /// Looks for these jobs.
    public init(of jobs: [Job]) {
        wanted = Set(jobs.map(\.id))
        subjects = Dictionary(jobs.compactMap { Subject(JobReference($0)).map { ($0, []) } }) { first, _ in first }
    }

    /// Looks for roots by their ids.
    public init(ids: some Sequence<String>) {
        wanted = Set(ids)
        subjects = [:]
    }

    /// Takes a record of `job.events` in. Most are about other jobs, which their keys say without a look at their values.
    public mutating func take(_ record: ConsumerRecord) {
        let key = String(decoding: record.key ?? [], as: UTF8.self)
        let isWanted = wanted.contains(key)
        let mayTell = !subjects.isEmpty && record.headers.text(of: "ce_type") == "switchboard.job.expected"
        guard isWanted || mayTell else { return }
        guard let event = try? JobEvent.decode(record.value) else {
            unreadable += 1
            return
        }
        if let subject = Subject(event.job), let roots = subjects[subject], !roots.contains(event.job.root) {
            subjects[subject]?.insert(event.job.root)
            wanted.insert(event.job.root)
        } else if !isWanted {
            return
        }
        history.apply(event)
    }

    /// The latest revision of a root.
    public func latest(_ root: String) -> JobRun? { history.latest(root) }

    /// All revisions of a root, ascending.
    public func revisions(of root: String) -> [JobRun] { history.revisions(of: root) }

    /// The id under which the same work is known already: the same kind, source, data set and interval.
    public func otherID(of job: Job) -> String? {
        guard let subject = Subject(JobReference(job)), history.latest(job.id) == nil else { return nil }
        return subjects[subject]?.filter { $0 != job.id && history.latest($0) != nil }
            .max { (history.latest($0)?.lastEvent ?? .distantPast, $0) < (history.latest($1)?.lastEvent ?? .distantPast, $1) }
    }
}
