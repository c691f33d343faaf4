public import Foundation

/// How far a schedule has come: the value of `schedule.state` under the schedule's name.
public struct ScheduleState: Sendable, Hashable, Codable {
    /// The version of the message.
    public var version: Int
    /// The schedule's name.
    public var schedule: String
    /// The fire of the last interval that was published; nil when none was.
    public var lastFire: Date?
    /// The cursor: every interval that ends at or before it was published or left out, none that ends after it was.
    public var lastIntervalEnd: Date
    /// The hash of the definition that was in force.
    public var definitionHash: String
    /// When this was written.
    public var updatedAt: Date
    /// How often operators have moved the cursor; the scheduler carries it on, so that who moved it sees that it counted.
    public var moves: Int?
    /// Who moved the cursor with this very record, `user@host`; nil in what the scheduler writes.
    public var movedBy: String?

    /// A state of version 1.
    public init(
        schedule: String, lastFire: Date?, lastIntervalEnd: Date, definitionHash: String, updatedAt: Date, moves: Int? = nil,
        movedBy: String? = nil
    ) {
        version = Message.version
        self.schedule = schedule
        self.lastFire = lastFire
        self.lastIntervalEnd = lastIntervalEnd
        self.definitionHash = definitionHash
        self.updatedAt = updatedAt
        self.moves = moves
        self.movedBy = movedBy
    }

    /// The state as it is published.
    public func message(to topics: TopicNames) -> Message {
        Message(
            topic: topics.scheduleState, key: schedule, value: self,
            headers: CloudEventHeaders.make(
                id: "\(schedule).\(Int64(lastIntervalEnd.timeIntervalSince1970))", type: "switchboard.schedule.state",
                source: movedBy ?? "scheduler", time: updatedAt, subject: schedule, traceparent: nil))
    }

    /// Reads a state from a record's value.
    public static func decode(_ value: [UInt8]?) throws(ContractError) -> ScheduleState {
        try Message.decode(ScheduleState.self, from: value)
    }
}
