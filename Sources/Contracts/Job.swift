public import Foundation

/// A piece of work for one kind of worker: usually one data set of one source over one interval.
///
/// Its id follows from what it is about, so that the same work always has the same id; a rerun has a higher revision.
public struct Job: Sendable, Hashable, Codable {
    /// The version of the message.
    public var version: Int
    /// The id: letters, digits, `-`, `_` and `.`, at most 200 bytes, so that it can be part of an object key.
    public var id: String
    /// The kind of worker that runs it, such as `conversation`.
    public var kind: String
    /// The vendor account whose data it is about, such as `genesys/main`.
    public var source: String
    /// The data set that it adds to, such as `conversations`.
    public var dataset: String
    /// The business day that it belongs to, `yyyy-MM-dd` in the schedule's zone; the tags are written for it.
    public var day: String?
    /// What it covers, half-open.
    public var interval: Interval?
    /// 0 for the first run of this work; a rerun counts up.
    public var revision: Int
    /// The job that planned this one; nil for a root.
    public var parent: String?
    /// The job at the top; its own id for a root.
    public var root: String
    /// When it was published.
    public var createdAt: Date
    /// It may not run before this.
    public var notBefore: Date?
    /// After this it is given up.
    public var deadline: Date?
    /// How many attempts it has; nil leaves that to the worker.
    public var maximumAttempts: Int?
    /// What only the worker understands.
    public var parameters: JSONValue
    /// The W3C trace that it belongs to.
    public var traceparent: String?

    /// A root job of version 1.
    public init(
        id: String, kind: String, source: String, dataset: String, day: String? = nil, interval: Interval? = nil,
        revision: Int = 0, parent: String? = nil, root: String? = nil, createdAt: Date, notBefore: Date? = nil,
        deadline: Date? = nil, maximumAttempts: Int? = nil, parameters: JSONValue = .object([:]), traceparent: String? = nil
    ) {
        version = Message.version
        self.id = id
        self.kind = kind
        self.source = source
        self.dataset = dataset
        self.day = day
        self.interval = interval
        self.revision = revision
        self.parent = parent
        self.root = root ?? id
        self.createdAt = createdAt
        self.notBefore = notBefore
        self.deadline = deadline
        self.maximumAttempts = maximumAttempts
        self.parameters = parameters
        self.traceparent = traceparent
    }

    /// Decodes a job; `root` and `parameters` may be absent.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int.self, forKey: .version)
        id = try container.decode(String.self, forKey: .id)
        kind = try container.decode(String.self, forKey: .kind)
        source = try container.decode(String.self, forKey: .source)
        dataset = try container.decode(String.self, forKey: .dataset)
        day = try container.decodeIfPresent(String.self, forKey: .day)
        interval = try container.decodeIfPresent(Interval.self, forKey: .interval)
        revision = try container.decodeIfPresent(Int.self, forKey: .revision) ?? 0
        parent = try container.decodeIfPresent(String.self, forKey: .parent)
        root = try container.decodeIfPresent(String.self, forKey: .root) ?? id
        createdAt = try container.decode(Date.self, forKey: .createdAt)
        notBefore = try container.decodeIfPresent(Date.self, forKey: .notBefore)
        deadline = try container.decodeIfPresent(Date.self, forKey: .deadline)
        maximumAttempts = try container.decodeIfPresent(Int.self, forKey: .maximumAttempts)
        parameters = try container.decodeIfPresent(JSONValue.self, forKey: .parameters) ?? .object([:])
        // A trace that isn't one is ignored, as the specification wants, rather than passed on.
        traceparent = try container.decodeIfPresent(String.self, forKey: .traceparent).flatMap {
            Job.isTraceparent($0) ? $0 : nil
        }
        try JobReference(self).check(at: container.codingPath)
    }

    /// Whether a text can be the header `traceparent` of W3C Trace Context: lower-case hexadecimal fields joined by `-`.
    static func isTraceparent(_ text: String) -> Bool {
        (55...200).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }

    /// Whether a text can be a job's id: it becomes part of object keys.
    public static func isIdentifier(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...200).contains(bytes.count) && bytes.contains { $0 != UInt8(ascii: ".") }
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Whether a text can name a source or data set: identifiers joined by `/`.
    public static func isName(_ text: String) -> Bool {
        text.utf8.count <= 200
            && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { isIdentifier(String($0)) }
    }

    /// The job as it is published to its kind's topic.
    public func message(to topics: TopicNames) -> Message {
        var headers = CloudEventHeaders.make(
            id: "\(id).\(revision)", type: "switchboard.job.\(kind)", source: source, time: createdAt, subject: id,
            traceparent: traceparent)
        headers.append(Message.Header("job-kind", kind))
        return Message(topic: topics.jobs(kind), key: id, value: self, headers: headers)
    }

    /// Reads a job from a record's value.
    public static func decode(_ value: [UInt8]?) throws(ContractError) -> Job {
        try Message.decode(Job.self, from: value)
    }
}

/// Days without a time, as file names and tags carry them.
public enum BusinessDay {
    /// Whether the text is a real day `yyyy-MM-dd`.
    public static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
            parts.allSatisfy({ $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), (1...12).contains(month)
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...lengths[month - 1]).contains(day)
    }
}
