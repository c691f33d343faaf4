public import Kafka

/// A topic as it is on the cluster, beside what its file says.
public struct TopicReport: Sendable, Hashable {
    /// One partition.
    public struct Partition: Sendable, Hashable {
        /// The partition's number.
        public let number: Int32
        /// The broker that leads it; nil when none does.
        public let leader: Int32?
        /// How many replicas are in sync.
        public let inSync: Int
        /// The oldest kept offset, and the end.
        public let kept: Range<Int64>
        /// The time of the newest record, ms since 1970, as far as it was looked for; nil when there is none.
        public let newest: Int64?

        /// How many records it holds at most: markers of transactions count, and in a compacted topic what was compacted away.
        public var records: Int64 { kept.upperBound - kept.lowerBound }
    }

    /// A group that reads it.
    public struct Reader: Sendable, Hashable {
        /// The group's name.
        public let group: String
        /// What the group is doing.
        public let state: ConsumerGroup.State
        /// In how many partitions it has committed something.
        public let committed: Int
    }

    /// What the topic files say; nil when no file names it, or the files aren't known.
    public let declared: TopicSpecification?
    /// The name.
    public let name: String
    /// The smallest number of replicas among its partitions; 0 when it doesn't exist.
    public let replication: Int
    /// The values in force of the settings that the file names or that were set for the topic, by Kafka's names.
    public let settings: [String: String]
    /// Settings that the file names and the cluster doesn't tell, or not as the file says.
    public let differences: [String]
    /// The partitions, in order; empty when it doesn't exist.
    public let partitions: [Partition]
    /// The groups that have committed something in it.
    public let readers: [Reader]

    /// Whether it exists.
    public var exists: Bool { !partitions.isEmpty }
    /// How many records it holds at most.
    public var records: Int64 { partitions.reduce(0) { $0 + $1.records } }
}
