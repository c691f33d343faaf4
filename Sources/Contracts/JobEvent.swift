public import Foundation

/// Something that happened to a job. A run's events, its children's too, are in one partition of `job.events`.
public struct JobEvent: Sendable, Hashable, Codable {
    /// What can happen.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// The scheduler published it.
        case expected
        /// A worker began an attempt.
        case started
        /// It goes forward; sent now and then.
        case progressed
        /// It returned children; it is complete when they are.
        case planned
        /// It is done and its result stands.
        case completed
        /// An attempt failed; another follows.
        case retrying
        /// It waits for something outside; no attempt was spent.
        case snoozed
        /// It was given up.
        case failed
        /// Somebody cancelled it.
        case cancelled
        /// It came upon something that others should know; its own state is as before.
        case notice
        /// Readers of this version don't know the word.
        case unknown

        /// Whether nothing follows for this revision.
        public var isTerminal: Bool { self == .completed || self == .failed || self == .cancelled }

        /// Decodes; a newer word becomes `unknown`.
        public init(from decoder: any Decoder) throws {
            self = Kind(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
        }
    }

    /// The version of the message.
    public var version: Int
    /// What happened.
    public var event: Kind
    /// When.
    public var at: Date
    /// The job that it happened to.
    public var job: JobReference
    /// The attempt, from 1; 0 before the first.
    public var attempt: Int
    /// The worker, `name@instance`; nil when it was no worker.
    public var worker: String?
    /// Why, for retrying, snoozed, failed and cancelled.
    public var failure: Failure?
    /// When the next attempt is due, for retrying and snoozed.
    public var nextAttempt: Date?
    /// The object key of the job's manifest, for completed.
    public var manifest: String?
    /// Figures such as `pages`, `records`, `bytes`, `duplicates`.
    public var figures: [String: Int]
    /// The ids of the children, for planned.
    public var children: [String]
    /// What the monitor must know from the start, for expected.
    public var expectation: Expectation?
    /// What others should know, for notice.
    public var notice: Notice?

    /// Why a job did not succeed.
    public struct Failure: Sendable, Hashable, Codable {
        /// A short class for filters, such as `vendor-unavailable`.
        public var reason: String
        /// One line for people, without secrets.
        public var message: String
        /// What to do about it.
        public var advice: String?

        /// A reason.
        public init(reason: String, message: String, advice: String? = nil) {
            self.reason = reason
            self.message = message
            self.advice = advice
        }
    }

    /// Something that a job came upon, such as a vendor's request to delete somebody's data.
    ///
    /// It names people by opaque ids only: names, numbers and addresses stay where they were found.
    public struct Notice: Sendable, Hashable, Codable {
        /// What it is about, such as `gdpr-request`.
        public var topic: String
        /// The id of what it is about.
        public var subject: String
        /// Facts such as `requestType`, `status`, dates and opaque ids.
        public var facts: [String: String]

        /// A notice.
        public init(topic: String, subject: String, facts: [String: String]) {
            self.topic = topic
            self.subject = subject
            self.facts = facts
        }
    }

    /// What the scheduler promised.
    public struct Expectation: Sendable, Hashable, Codable {
        /// The schedule that published it.
        public var schedule: String
        /// When the job must be complete; nil for never late.
        public var deadline: Date?
        /// How many jobs of this schedule make the business day whole.
        public var jobsOfDay: Int

        /// An expectation.
        public init(schedule: String, deadline: Date?, jobsOfDay: Int) {
            self.schedule = schedule
            self.deadline = deadline
            self.jobsOfDay = jobsOfDay
        }
    }

    /// An event of version 1.
    public init(
        _ event: Kind, of job: Job, at: Date, attempt: Int = 0, worker: String? = nil, failure: Failure? = nil,
        nextAttempt: Date? = nil, manifest: String? = nil, figures: [String: Int] = [:], children: [String] = [],
        expectation: Expectation? = nil, notice: Notice? = nil
    ) {
        version = Message.version
        self.event = event
        self.at = at
        self.job = JobReference(job)
        self.attempt = attempt
        self.worker = worker
        self.failure = failure
        self.nextAttempt = nextAttempt
        self.manifest = manifest
        self.figures = figures
        self.children = children
        self.expectation = expectation
        self.notice = notice
    }

    /// Decodes an event; what only some events have may be absent.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int.self, forKey: .version)
        event = try container.decode(Kind.self, forKey: .event)
        at = try container.decode(Date.self, forKey: .at)
        job = try container.decode(JobReference.self, forKey: .job)
        attempt = try container.decodeIfPresent(Int.self, forKey: .attempt) ?? 0
        worker = try container.decodeIfPresent(String.self, forKey: .worker)
        failure = try container.decodeIfPresent(Failure.self, forKey: .failure)
        nextAttempt = try container.decodeIfPresent(Date.self, forKey: .nextAttempt)
        manifest = try container.decodeIfPresent(String.self, forKey: .manifest)
        figures = try container.decodeIfPresent([String: Int].self, forKey: .figures) ?? [:]
        children = try container.decodeIfPresent([String].self, forKey: .children) ?? []
        expectation = try container.decodeIfPresent(Expectation.self, forKey: .expectation)
        notice = try container.decodeIfPresent(Notice.self, forKey: .notice)
        if let expectation, !(1...100_000).contains(expectation.jobsOfDay) {
            throw DecodingError.dataCorruptedError(
                forKey: .expectation, in: container, debugDescription: "jobsOfDay is not 1 to 100000")
        }
    }

    /// The event as it is published, keyed by the root job.
    public func message(to topics: TopicNames, traceparent: String? = nil) -> Message {
        var id = "\(job.id).\(job.revision).\(event.rawValue).\(attempt).\(Int64(at.timeIntervalSince1970 * 1000))"
        // A job gives several notices at one instant.
        if let notice { id += ".\(notice.subject)" }
        let headers = CloudEventHeaders.make(
            id: id, type: "switchboard.job.\(event.rawValue)", source: worker ?? job.source, time: at, subject: job.id,
            traceparent: traceparent)
        return Message(topic: topics.jobEvents, key: job.root, value: self, headers: headers)
    }

    /// Reads an event from a record's value.
    public static func decode(_ value: [UInt8]?) throws(ContractError) -> JobEvent {
        try Message.decode(JobEvent.self, from: value)
    }
}
