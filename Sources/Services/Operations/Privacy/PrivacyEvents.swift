public import Contracts
public import Foundation

/// What `job.events` know of the days that a rewriting is about, and what it tells them: pure.
///
/// A rewriting is told as a new revision of the day's run, so that the monitor verifies it and writes the tag anew. A run that
/// was fanned out is told whole: of a new revision nothing else would be known.
public struct PrivacyEvents: Sendable {
    /// A business day of a data set.
    public struct Day: Hashable, Sendable {
        let source: String
        let dataset: String
        let day: String?

        /// The day of a manifest.
        public init(_ manifest: Manifest) {
            source = manifest.source
            dataset = manifest.dataset
            day = manifest.day
        }

        init(_ job: Job) { self.init(JobReference(job)) }

        init(_ job: JobReference) {
            source = job.source
            dataset = job.dataset
            day = job.day
        }
    }

    private let days: Set<Day>
    private var history = JobHistory()

    /// Looks for the runs of these days.
    public init(_ days: some Sequence<Day>) { self.days = Set(days) }

    /// Takes an event in.
    public mutating func take(_ event: JobEvent) {
        if days.contains(Day(event.job)) { history.apply(event) }
    }

    /// The runs of a day that haven't ended: while they run, the day isn't touched.
    public func active(on day: Day) -> [JobRun] {
        history.runs(matching: JobFilter()).filter { run in
            run.job.map { Day($0) == day } ?? false && !run.state.isTerminal
        }
    }

    private func run(of manifest: Manifest) -> JobRun? { history.root(of: manifest.job).flatMap { history.latest($0) } }

    /// The revision that follows a manifest's, and what is known of its run.
    public func revision(after manifest: Manifest) -> Int { max(manifest.revision, run(of: manifest)?.revision ?? 0) + 1 }

    /// The events that tell of a manifest's new revision; none when they were told already or the job belongs to no day.
    public func events(for manifest: Manifest, at key: String, now: Date) -> [JobEvent] {
        guard manifest.day != nil else { return [] }
        let figures = ["records": manifest.records, "bytes": manifest.bytes, "objects": manifest.objects.count]
        guard let run = run(of: manifest), run.rootNode != nil else {
            // Of a run that is forgotten, the monitor has forgotten everything too: it goes by the tag that was.
            let job = job(JobReference(Self.stranger(manifest, now: now)), manifest.revision, now)
            return [event(.completed, job, now, manifest: key, figures: figures)]
        }
        if run.revision >= manifest.revision, run.state == .completed { return [] }
        var events: [JobEvent] = []
        for node in run.nodes.values.sorted(by: { $0.job.id < $1.job.id }) {
            let job = job(node.job, manifest.revision, now)
            if let children = node.children {
                events.append(event(.planned, job, now, children: children))
            } else if node.job.id == manifest.job {
                events.append(event(.completed, job, now, manifest: key, figures: figures))
            } else {
                events.append(event(.completed, job, now, manifest: node.manifest, figures: node.figures))
            }
        }
        return events
    }

    private func event(
        _ kind: JobEvent.Kind, _ job: Job, _ now: Date, manifest: String? = nil, figures: [String: Int] = [:],
        children: [String] = []
    ) -> JobEvent {
        JobEvent(
            kind, of: job, at: now, attempt: 1, worker: "switchboard", manifest: manifest, figures: figures, children: children)
    }

    private func job(_ reference: JobReference, _ revision: Int, _ now: Date) -> Job {
        Job(
            id: reference.id, kind: reference.kind, source: reference.source, dataset: reference.dataset, day: reference.day,
            interval: reference.interval, revision: revision, parent: reference.parent, root: reference.root, createdAt: now)
    }

    private static func stranger(_ manifest: Manifest, now: Date) -> Job {
        Job(
            id: manifest.job, kind: ReportKind(manifest.dataset)?.kind ?? "conversation", source: manifest.source,
            dataset: manifest.dataset, day: manifest.day, interval: manifest.interval, createdAt: now)
    }
}
