/// A consumer group as its coordinator describes it.
public struct ConsumerGroup: Sendable, Hashable {
    /// What a group is doing.
    public enum State: String, Sendable, Hashable {
        /// Members are joining.
        case preparingRebalance = "preparing-rebalance"
        /// Members wait for their partitions.
        case completingRebalance = "completing-rebalance"
        /// Every member has its partitions.
        case stable
        /// It has committed offsets but no members.
        case empty
        /// It doesn't exist, or not any more.
        case dead
        /// The coordinator doesn't say.
        case unknown
    }

    /// One member.
    public struct Member: Sendable, Hashable {
        /// The id that the coordinator gave it.
        public let id: String
        /// The name that the client gave itself.
        public let client: String
        /// Its static name; nil when it has none.
        public let instance: String?
        /// Where it connects from.
        public let host: String
        /// What is assigned to it, sorted.
        public let partitions: [TopicPartition]

        /// A member.
        public init(id: String, client: String, instance: String? = nil, host: String, partitions: [TopicPartition]) {
            self.id = id
            self.client = client
            self.instance = instance
            self.host = host
            self.partitions = partitions
        }
    }

    /// The group's name.
    public let id: String
    /// What it is doing.
    public let state: State
    /// The strategy that divides the partitions, such as `cooperative-sticky`; empty without members.
    public let assignor: String
    /// The members, sorted by client and id.
    public let members: [Member]

    /// Whether it has members; a broker may say so without naming them.
    public var isActive: Bool {
        switch state {
        case .stable, .preparingRebalance, .completingRebalance: true
        case .empty, .dead, .unknown: !members.isEmpty
        }
    }

    /// A group.
    public init(id: String, state: State, assignor: String, members: [Member]) {
        self.id = id
        self.state = state
        self.assignor = assignor
        self.members = members.sorted { ($0.client, $0.id) < ($1.client, $1.id) }
    }
}
