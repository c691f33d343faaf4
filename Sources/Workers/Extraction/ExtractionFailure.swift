internal import Contracts
public import Foundation
public import GenesysCloud
public import ObjectStorage
public import WorkerKit

/// Why an extract ended without its result, and what should become of its job.
public struct ExtractionFailure: OutcomeError, CustomStringConvertible {
    /// What should become of the job.
    public let outcome: Outcome
    /// One line for people.
    public let description: String

    /// A failure that no repetition mends.
    public init(reason: String, message: String, advice: String) {
        outcome = .dead(JobEvent.Failure(reason: reason, message: message, advice: advice), cause: .job)
        description = message
    }

    /// It can't be done before an instant, through nobody's fault.
    public init(until: Date, reason: String, message: String, advice: String) {
        outcome = .snooze(until: until, JobEvent.Failure(reason: reason, message: message, advice: advice))
        description = message
    }

    /// It may succeed later; an attempt is spent.
    public init(retryBecause reason: String, message: String, advice: String) {
        outcome = .retry(JobEvent.Failure(reason: reason, message: message, advice: advice))
        description = message
    }

    /// The vendor's failure: what is nobody's fault waits, what only a person can change is given up.
    public init(_ error: GenesysCloudError) {
        let reason =
            switch error.kind {
            case .credentials: "vendor-credentials"
            case .permission: "vendor-permission"
            case .notFound: "vendor-not-found"
            case .badRequest(.paginationTooDeep): "vendor-result-cap"
            case .badRequest: "vendor-bad-request"
            case .throttled: "vendor-throttled"
            case .unavailable: "vendor-unavailable"
            case .badAnswer: "vendor-bad-answer"
            case .transport: "vendor-unreachable"
            }
        let failure = JobEvent.Failure(reason: reason, message: error.description, advice: error.advice)
        outcome =
            switch error.disposition {
            case .retry: .retry(failure)
            case .snooze(let wait): .snooze(until: Date().addingTimeInterval(wait / .seconds(1)), failure)
            case .fatal: .dead(failure, cause: error.concernsRequestAlone ? .job : .surroundings)
            }
        description = error.description
    }

    /// The lake's failure: not the job's fault, so it is tried again, unless the lake can't hold what the job is called.
    public init(_ error: ObjectStorageError) {
        let isHopeless = error.kind == .invalidKey
        let failure = JobEvent.Failure(
            reason: isHopeless ? "bad-key" : "lake-unavailable", message: error.description,
            advice: isHopeless
                ? "shorten lake.day-folder or the names of the schedule" : "check lake.url, its permissions and its space")
        outcome = isHopeless ? .dead(failure, cause: .job) : .retry(failure)
        description = error.description
    }
}

extension GenesysCloudError {
    /// Whether the vendor refuses what this job asks for, and would take another's.
    fileprivate var concernsRequestAlone: Bool {
        switch kind {
        case .badRequest, .notFound: true
        case .credentials, .permission, .throttled, .unavailable, .badAnswer, .transport: false
        }
    }
}
