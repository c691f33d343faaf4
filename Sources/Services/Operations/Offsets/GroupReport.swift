public import Kafka

/// How far a consumer group has come in everything that it reads.
public struct GroupReport: Sendable, Hashable {
    /// One partition.
    public struct Row: Sendable, Hashable {
        /// The partition.
        public let partition: TopicPartition
        /// What is committed; nil for nothing.
        public let committed: Int64?
        /// The oldest offset that is kept; nil when the topic doesn't exist any more.
        public let oldest: Int64?
        /// The offset that the next record will get; nil when the topic doesn't exist any more.
        public let end: Int64?
        /// Records at or behind the committed offset; markers of transactions aren't counted where `isExact`.
        public let lag: Int64
        /// Whether the lag was counted; otherwise it is the distance of the offsets, an upper bound.
        public let isExact: Bool
        /// Records behind the committed offset that are done, from the window beside it.
        public let doneAhead: Int
        /// The time of the first record that is not done, ms since 1970; nil when all is done.
        public let oldestUndone: Int64?
        /// The member that reads it, if the broker tells.
        public let member: ConsumerGroup.Member?
        /// Whether the group doesn't read it but owns it to lead: an offset there means nothing.
        public let isLease: Bool

        /// Records that are not done.
        public var undone: Int64 { max(0, lag - Int64(doneAhead)) }
    }

    /// The group's name.
    public let group: String
    /// What its coordinator says.
    public let state: ConsumerGroup.State
    /// How its partitions are divided; empty when that isn't told.
    public let assignor: String
    /// Its members.
    public let members: [ConsumerGroup.Member]
    /// Its partitions, in order.
    public let rows: [Row]

    /// Records that are not done, of all partitions.
    public var undone: Int64 { rows.reduce(0) { $0 + ($1.isLease ? 0 : $1.undone) } }
    /// Whether every lag was counted.
    public var isExact: Bool { rows.allSatisfy(\.isExact) }
    /// The time of the oldest record that is not done, ms since 1970.
    public var oldestUndone: Int64? { rows.filter { !$0.isLease }.compactMap(\.oldestUndone).min() }
}
