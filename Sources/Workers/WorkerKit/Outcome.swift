public import Contracts
public import Foundation

/// How an attempt ended.
public enum Outcome: Sendable {
    /// The result stands.
    case done(JobResult)
    /// It failed and may succeed later; an attempt is spent. Without a delay the worker's policy chooses.
    case retry(after: Duration? = nil, JobEvent.Failure)
    /// It can't be done before an instant, through nobody's fault; no attempt is spent.
    case snooze(until: Date, JobEvent.Failure)
    /// It can never succeed.
    case dead(JobEvent.Failure, cause: DeathCause = .surroundings)
    /// Somebody called it off.
    case cancelled(JobEvent.Failure)
    /// It is complete when these jobs are.
    case children([Job], figures: [String: Int] = [:])
}

/// Where the cause of a death lies: too many whose cause lies around them open the worker's circuit.
public enum DeathCause: Sendable, Hashable {
    /// In the job itself: its message or its parameters are wrong.
    case job
    /// Outside: the vendor, its credentials, the network, the lake.
    case surroundings
}

/// What a finished job tells.
public struct JobResult: Sendable, Hashable {
    /// The object key of its manifest.
    public var manifest: String?
    /// Figures such as `pages`, `records` and `bytes`.
    public var figures: [String: Int]
    /// Jobs that are published together with the completion, in one transaction: what the result makes necessary, such as reruns
    /// of days that turned out to have changed. Unlike children they are runs of their own; nothing waits for them.
    public var successors: [Job]
    /// What others should know, published in the same transaction.
    public var notices: [JobEvent.Notice]

    /// A result.
    public init(
        manifest: String? = nil, figures: [String: Int] = [:], successors: [Job] = [], notices: [JobEvent.Notice] = []
    ) {
        self.manifest = manifest
        self.figures = figures
        self.successors = successors
        self.notices = notices
    }
}

/// An error that knows what should become of the job; any other error is retried.
public protocol OutcomeError: Error {
    /// What should become of the job.
    var outcome: Outcome { get }
}
