public import Contracts
internal import Foundation

/// Jobs that a command is about to publish, and those that it isn't, with the reasons. Pure.
public struct PublicationPlan: Sendable, Hashable {
    /// One job and what its `expected` event promises.
    public struct Publication: Sendable, Hashable {
        /// The job.
        public var job: Job
        /// What the monitor must know; nil where nothing was promised.
        public var expectation: JobEvent.Expectation?

        /// A publication.
        public init(_ job: Job, expectation: JobEvent.Expectation? = nil) {
            self.job = job
            self.expectation = expectation
        }
    }

    /// A job that isn't published.
    public struct Omission: Sendable, Hashable {
        /// Its id.
        public let id: String
        /// What it covers.
        public let interval: Interval?
        /// The reason in a word or two, which are counted.
        public let reason: String
        /// What to do about it; nil when nothing is to be done.
        public let advice: String?

        /// An omission.
        public init(id: String, interval: Interval? = nil, reason: String, advice: String? = nil) {
            self.id = id
            self.interval = interval
            self.reason = reason
            self.advice = advice
        }
    }

    /// What is published, in this order.
    public var publications: [Publication] = []
    /// What is left out because nothing is to be done about it.
    public var leftOut: [Omission] = []
    /// What was asked for and can't be done.
    public var refused: [Omission] = []

    /// Nothing.
    public init() {}

    /// How many are left out, by reason.
    public var leftOutCounts: [(reason: String, count: Int)] {
        Dictionary(grouping: leftOut, by: \.reason).map { ($0.key, $0.value.count) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }

    // MARK: Submitting

    /// What becomes of jobs that an operator asks for.
    ///
    /// A job that is active or ended at its revision is refused; one that is known under another id, such as its schedule's,
    /// is that job.
    ///
    /// - Parameter force: publishes jobs that are active, too.
    public static func submit(
        _ requests: [(request: JobRequest, job: Job)], known: KnownJobs, force: Bool = false
    ) -> PublicationPlan {
        var plan = PublicationPlan()
        var seen: Set<String> = []
        for (request, given) in requests {
            var job = given
            if request.id == nil, let id = known.otherID(of: job) {
                job.id = id
                job.root = id
            }
            guard seen.insert(job.id).inserted else {
                plan.refused.append(
                    Omission(id: job.id, interval: job.interval, reason: "given twice", advice: "give each job once"))
                continue
            }
            if let refusal = refusal(of: job, known: known.latest(job.id), force: force) {
                plan.refused.append(refusal)
            } else {
                plan.publications.append(Publication(job))
            }
        }
        return plan
    }

    private static func refusal(of job: Job, known: JobRun?, force: Bool) -> Omission? {
        guard let known else { return nil }
        let state = known.state
        func refuse(_ advice: String) -> Omission {
            Omission(
                id: job.id, interval: job.interval, reason: "is \(state.rawValue) at revision \(known.revision)", advice: advice)
        }
        if !state.isTerminal {
            return force ? nil : refuse("look with `switchboard jobs status \(job.id)`; publish it all the same with --force")
        }
        guard job.revision <= known.revision else { return nil }
        switch state {
        case .failed:
            return refuse(
                "mend the cause, then `switchboard dead redrive \(job.kind) --id \(job.id)` or `switchboard jobs rerun \(job.id)`"
            )
        default: return refuse("run it again with `switchboard jobs rerun \(job.id)`")
        }
    }
}
