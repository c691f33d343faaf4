/// One partition of one topic.
public struct TopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The topic's name, prefix included.
    public let topic: String
    /// The partition's number, from 0.
    public let partition: Int32

    /// Names a partition.
    public init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// Orders by topic, then by number.
    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }

    /// The form that Kafka's tools print: `topic-3`.
    public var description: String { "\(topic)-\(partition)" }
}

/// Where a consumer begins in a partition.
public enum StartOffset: Sendable, Hashable {
    /// The oldest record that is kept.
    case earliest
    /// After the newest record.
    case latest
    /// The group's committed offset; without one, the oldest record.
    case committed
    /// This record.
    case offset(Int64)
}

/// What a group has committed for a partition: the offset of the next record to read, and text beside it.
public struct CommittedOffset: Sendable, Hashable {
    /// The offset of the next record to read.
    public var offset: Int64
    /// Up to 4096 bytes of text that the broker keeps with the offset (`offset.metadata.max.bytes`); empty when none.
    public var metadata: String

    /// A committed offset.
    public init(_ offset: Int64, metadata: String = "") {
        self.offset = offset
        self.metadata = metadata
    }
}
