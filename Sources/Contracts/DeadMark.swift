public import Foundation

/// What an operator did about a dead letter: an entry of the compacted topic `dead.marks`.
///
/// Dead letters themselves are never touched. A mark is published in the transaction that sends the letter back to work, so
/// that no letter is sent back twice however often the command is run; a record without a value forgets the mark, once the
/// letter isn't kept any more.
public struct DeadMark: Sendable, Hashable, Codable {
    /// What was done.
    public enum Action: String, Sendable, Codable {
        /// It was sent back to its kind's topic.
        case redriven
        /// A later letter of the same job and revision was sent back instead.
        case superseded
        /// It was looked at and won't be sent back.
        case discarded
        /// Readers of this version don't know the word.
        case unknown

        /// Decodes; a newer word becomes `unknown`.
        public init(from decoder: any Decoder) throws {
            self = Action(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
        }
    }

    /// The version of the message.
    public var version: Int
    /// What was done.
    public var action: Action
    /// The kind in whose dead topic the letter is.
    public var kind: String
    /// The letter's partition.
    public var partition: Int32
    /// The letter's offset.
    public var offset: Int64
    /// The letter's timestamp, ms since 1970: where a topic was made anew, another letter may have the same offset.
    public var timestamp: Int64
    /// The id of the job in it; nil when it can't be read.
    public var job: String?
    /// Who did it, `user@host`.
    public var by: String
    /// Why, one line.
    public var reason: String?
    /// When.
    public var at: Date

    /// A mark of version 1.
    public init(
        _ action: Action, kind: String, partition: Int32, offset: Int64, timestamp: Int64, job: String?, by: String,
        reason: String? = nil, at: Date
    ) {
        version = Message.version
        self.action = action
        self.kind = kind
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.job = job
        self.by = by
        self.reason = reason
        self.at = at
    }

    /// The key under which a letter's mark stands, such as `conversation/0/42`.
    public static func key(kind: String, partition: Int32, offset: Int64) -> String { "\(kind)/\(partition)/\(offset)" }

    /// The mark as it is published.
    public func message(to topics: TopicNames) -> Message {
        let key = Self.key(kind: kind, partition: partition, offset: offset)
        return Message(
            topic: topics.deadMarks, key: key, value: self,
            headers: CloudEventHeaders.make(
                id: "\(key).\(action.rawValue)", type: "switchboard.dead.\(action.rawValue)", source: by, time: at,
                subject: job ?? key, traceparent: nil))
    }

    /// Reads a mark from a record's value.
    public static func decode(_ value: [UInt8]?) throws(ContractError) -> DeadMark {
        try Message.decode(DeadMark.self, from: value)
    }
}
