public import Foundation

/// Something that a person should know, and later that it is over; compacted by its key.
public struct Alert: Sendable, Hashable, Codable {
    /// Whether it is still so.
    public enum State: String, Sendable, Codable {
        /// It is so.
        case firing
        /// It is over.
        case resolved
    }

    /// How bad it is.
    public enum Severity: String, Sendable, Codable {
        /// Somebody should look today.
        case warning
        /// Somebody must act.
        case critical
    }

    /// The version of the message.
    public var version: Int
    /// What it is about, such as `day-failed/genesys/main/conversations/2026-03-01`: the same trouble has the same key.
    public var key: String
    /// Whether it is still so.
    public var state: State
    /// How bad it is.
    public var severity: Severity
    /// One line for people.
    public var summary: String
    /// What to do.
    public var advice: String?
    /// The vendor account concerned.
    public var source: String?
    /// The data set concerned.
    public var dataset: String?
    /// The business day concerned.
    public var day: String?
    /// Since when.
    public var since: Date
    /// When this was last said.
    public var at: Date

    /// An alert of version 1.
    public init(
        key: String, state: State, severity: Severity, summary: String, advice: String? = nil, source: String? = nil,
        dataset: String? = nil, day: String? = nil, since: Date, at: Date
    ) {
        version = Message.version
        self.key = key
        self.state = state
        self.severity = severity
        self.summary = summary
        self.advice = advice
        self.source = source
        self.dataset = dataset
        self.day = day
        self.since = since
        self.at = at
    }

    /// The alert as it is published.
    public func message(to topics: TopicNames) -> Message {
        Message(
            topic: topics.alerts, key: key, value: self,
            headers: CloudEventHeaders.make(
                id: "\(key).\(state.rawValue).\(Int64(since.timeIntervalSince1970 * 1000))",
                type: "switchboard.alert.\(state.rawValue)",
                source: "monitor", time: at, subject: key, traceparent: nil))
    }

    /// Reads an alert from a record's value.
    public static func decode(_ value: [UInt8]?) throws(ContractError) -> Alert {
        try Message.decode(Alert.self, from: value)
    }
}
