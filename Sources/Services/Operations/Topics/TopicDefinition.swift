/// One topic as its file describes it, before prefix and environment.
public struct TopicDefinition: Sendable, Hashable {
    /// The topic's name without a prefix, such as `jobs.conversation`.
    public var topic: String
    /// The team that is called.
    public var owner: String
    /// What it is for, one line.
    public var about: String
    /// What a record's key is.
    public var key: String
    /// What a record's value is.
    public var message: String
    /// How many partitions, how many replicas, and its settings.
    public var shape: TopicShape
    /// The retry topics that are derived from it; nil for none.
    public var retry: Retry?
    /// The dead topic that is derived from it; nil for none.
    public var dead: Dead?
    /// What differs in an environment, by its name.
    public var environments: [String: Overlay]

    /// The retry topics: one for each delay, so that the head of each is always the next due.
    public struct Retry: Sendable, Hashable {
        /// The delays, ascending.
        public var delays: [Duration]
        /// How many partitions each has.
        public var partitions: Int
    }

    /// The topic of work that was given up.
    public struct Dead: Sendable, Hashable {
        /// How long it is kept, as Kafka's `retention.ms`.
        public var retention: String
        /// How many partitions it has.
        public var partitions: Int
    }

    /// What differs in one environment; nil and absent settings are as in the topic itself.
    public struct Overlay: Sendable, Hashable {
        /// The partitions of the topic.
        public var partitions: Int?
        /// The partitions of each retry topic.
        public var retryPartitions: Int?
        /// The partitions of the dead topic.
        public var deadPartitions: Int?
        /// The replicas of the topic and those derived from it.
        public var replication: Int?
        /// Settings of the topic and those derived from it, by Kafka's names and spelling.
        public var settings: [String: String]
    }
}

/// What a topic is made of.
public struct TopicShape: Sendable, Hashable {
    /// How many partitions.
    public var partitions: Int
    /// How many replicas of each.
    public var replication: Int
    /// The settings that are managed, by Kafka's names and spelling.
    public var settings: [String: String]

    /// A shape.
    public init(partitions: Int, replication: Int, settings: [String: String]) {
        self.partitions = partitions
        self.replication = replication
        self.settings = settings
    }
}
