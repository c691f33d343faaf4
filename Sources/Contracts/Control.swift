public import Foundation

/// What operators tell the workers: an entry of the compacted topic `control`, which every worker reads from the beginning.
///
/// A record without a value takes the entry with its key back.
public struct Control: Sendable, Hashable, Codable {
    /// What workers are told to do.
    public enum Command: String, Sendable, Codable {
        /// Calls off a job and everything below it, up to a revision.
        case cancel
        /// Starts no jobs of the scope until it is resumed.
        case pause
        /// Lowers how much of the scope is done at a time.
        case limit
        /// Readers of this version don't know the word.
        case unknown

        /// Decodes; a newer word becomes `unknown`.
        public init(from decoder: any Decoder) throws {
            self = Command(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
        }
    }

    /// What an entry is about.
    public enum Target: Sendable, Hashable {
        /// A job or root, up to and including a revision.
        case job(id: String, revision: Int)
        /// All jobs of a kind.
        case kind(String)
        /// All jobs that concern a vendor account, of every kind.
        case source(String)

        /// How keys carry it.
        var text: String {
            switch self {
            case .job(let id, _): id
            case .kind(let kind): "kind/\(kind)"
            case .source(let source): "source/\(source)"
            }
        }
    }

    /// The version of the message.
    public var version: Int
    /// What to do.
    public var command: Command
    /// The job or root to cancel.
    public var job: String?
    /// The highest revision to cancel; a later rerun runs.
    public var revision: Int?
    /// The kind to pause or limit.
    public var kind: String?
    /// The vendor account to pause or limit.
    public var source: String?
    /// For the limit of a source: calls a minute of all workers together.
    public var requestsPerMinute: Int?
    /// For the limit of a kind: jobs at a time in each worker.
    public var slots: Int?
    /// Who said it, `user@host`.
    public var by: String
    /// Why, one line.
    public var reason: String?
    /// When it was said.
    public var at: Date
    /// When it stops to count; nil when it stays until it is taken back.
    public var expiresAt: Date?

    /// Cancels a job, its children included.
    public static func cancel(
        job: String, revision: Int, by: String, reason: String?, at: Date, expiresAt: Date?
    ) -> Control {
        var control = Control(.cancel, by: by, reason: reason, at: at, expiresAt: expiresAt)
        control.job = job
        control.revision = revision
        return control
    }

    /// Pauses a kind or a source.
    public static func pause(_ target: Target, by: String, reason: String?, at: Date, expiresAt: Date?) -> Control {
        Control(.pause, target, by: by, reason: reason, at: at, expiresAt: expiresAt)
    }

    /// Limits how many jobs of a kind each worker runs at a time.
    public static func limit(kind: String, slots: Int, by: String, reason: String?, at: Date, expiresAt: Date?) -> Control {
        var control = Control(.limit, .kind(kind), by: by, reason: reason, at: at, expiresAt: expiresAt)
        control.slots = slots
        return control
    }

    /// Limits how often all workers together call a source.
    public static func limit(
        source: String, requestsPerMinute: Int, by: String, reason: String?, at: Date, expiresAt: Date?
    ) -> Control {
        var control = Control(.limit, .source(source), by: by, reason: reason, at: at, expiresAt: expiresAt)
        control.requestsPerMinute = requestsPerMinute
        return control
    }

    private init(_ command: Command, _ target: Target? = nil, by: String, reason: String?, at: Date, expiresAt: Date?) {
        version = Message.version
        self.command = command
        switch target {
        case .kind(let kind): self.kind = kind
        case .source(let source): self.source = source
        case .job(let id, let revision):
            job = id
            self.revision = revision
        case nil: break
        }
        self.by = by
        self.reason = reason
        self.at = at
        self.expiresAt = expiresAt
    }

    /// What it is about; nil when the fields that its command needs are missing or contradict each other.
    public var target: Target? {
        switch (command, job, kind, source) {
        case (.cancel, let job?, nil, nil) where Job.isIdentifier(job): .job(id: job, revision: revision ?? 0)
        case (.pause, nil, let kind?, nil) where Job.isIdentifier(kind): .kind(kind)
        case (.pause, nil, nil, let source?) where Job.isName(source): .source(source)
        case (.limit, nil, let kind?, nil) where Job.isIdentifier(kind) && (slots ?? 0) > 0: .kind(kind)
        case (.limit, nil, nil, let source?) where Job.isName(source) && (requestsPerMinute ?? 0) > 0: .source(source)
        default: nil
        }
    }

    /// The key under which it stands in the topic, such as `pause/kind/conversation`.
    public static func key(_ command: Command, _ target: Target) -> String { "\(command.rawValue)/\(target.text)" }

    /// Whether it counts at an instant.
    public func isActive(at now: Date) -> Bool { expiresAt.map { $0 > now } ?? true }

    /// The entry as it is published; nil when it has no target.
    public func message(to topics: TopicNames) -> Message? {
        guard let target else { return nil }
        let key = Self.key(command, target)
        return Message(
            topic: topics.control, key: key, value: self,
            headers: CloudEventHeaders.make(
                id: "\(key).\(Int64(at.timeIntervalSince1970 * 1000))", type: "switchboard.control.\(command.rawValue)",
                source: by, time: at, subject: key, traceparent: nil))
    }

    /// Reads an entry from a record's value.
    public static func decode(_ value: [UInt8]?) throws(ContractError) -> Control {
        let control = try Message.decode(Control.self, from: value)
        guard control.command == .unknown || control.target != nil else {
            throw .malformed("\(control.command.rawValue) without a valid target")
        }
        return control
    }
}
