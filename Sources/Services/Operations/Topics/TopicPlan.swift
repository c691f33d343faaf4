/// A topic as a cluster describes it.
public struct ClusterTopic: Sendable, Hashable {
    /// The name.
    public let name: String
    /// How many partitions.
    public let partitions: Int
    /// The smallest number of replicas among its partitions.
    public let replication: Int
    /// The values in force by Kafka's names; a setting that the cluster doesn't tell is absent.
    public let settings: [String: String]

    /// A topic.
    public init(name: String, partitions: Int, replication: Int, settings: [String: String]) {
        self.name = name
        self.partitions = partitions
        self.replication = replication
        self.settings = settings
    }
}

/// What would have to change on a cluster so that it is as the catalogue says. Nothing is ever deleted, and nothing shrinks.
public struct TopicPlan: Sendable, Hashable {
    /// One setting that differs.
    public struct SettingChange: Sendable, Hashable {
        /// Kafka's name.
        public let name: String
        /// The value in force.
        public let from: String
        /// The value of the catalogue.
        public let to: String
    }

    /// One step.
    public enum Step: Sendable, Hashable {
        /// The topic doesn't exist: create it.
        case create(TopicSpecification)
        /// Settings differ: set them, and leave all others alone.
        case alter(topic: String, changes: [SettingChange])
        /// Partitions are missing; adding them moves keys to other partitions.
        case addPartitions(topic: String, from: Int, to: Int)
        /// It differs in a way that can't or mustn't be changed here; says what and what to do.
        case refuse(topic: String, reason: String)
    }

    /// The steps, by topic.
    public let steps: [Step]
    /// Topics below the prefix that no file names; they are left alone.
    public let unmanaged: [String]
    /// Settings that the cluster doesn't tell, so that they can't be compared, as `topic: setting`.
    public let unknown: [String]
    /// How many topics are as they should be.
    public let unchanged: Int

    /// Compares a catalogue with a cluster.
    ///
    /// - Parameters:
    ///   - catalogue: What should exist.
    ///   - cluster: What exists.
    ///   - allowsPartitionGrowth: Whether partitions may be added; otherwise missing ones are refused.
    public init(catalogue: TopicCatalogue, cluster: [ClusterTopic], allowsPartitionGrowth: Bool = false) {
        let existing = Dictionary(cluster.map { ($0.name, $0) }) { first, _ in first }
        var steps: [Step] = []
        var unknown: [String] = []
        var unchanged = 0
        for topic in catalogue.topics {
            guard let found = existing[topic.name] else {
                steps.append(.create(topic))
                continue
            }
            let differences = Self.compare(topic, found, allowsPartitionGrowth: allowsPartitionGrowth)
            steps += differences
            if differences.isEmpty { unchanged += 1 }
            unknown += topic.shape.settings.keys.filter { found.settings[$0] == nil }.sorted().map { "\(topic.name): \($0)" }
        }
        self.steps = steps
        self.unknown = unknown
        self.unchanged = unchanged
        let names = Set(catalogue.topics.map(\.name))
        unmanaged = cluster.map(\.name).filter { $0.hasPrefix(catalogue.prefix) && !names.contains($0) && !$0.hasPrefix("__") }
            .sorted()
    }

    private static func compare(_ topic: TopicSpecification, _ found: ClusterTopic, allowsPartitionGrowth: Bool) -> [Step] {
        var steps: [Step] = []
        var changes = topic.shape.settings.sorted { $0.key < $1.key }.compactMap { name, value -> SettingChange? in
            guard let inForce = found.settings[name], !TopicSetting.isEqual(inForce, value) else { return nil }
            return SettingChange(name: name, from: inForce, to: value)
        }
        // More replicas in sync than there are would stop every write to the topic.
        let tooMany = changes.first { $0.name == "min.insync.replicas" && Int($0.to) ?? 0 > found.replication }
        if let tooMany {
            changes.removeAll { $0 == tooMany }
            steps.append(
                .refuse(
                    topic: topic.name,
                    reason: "\(tooMany.name): \(tooMany.from) -> \(tooMany.to) would stop all writes, it has "
                        + "\(found.replication) replicas; raise the replicas first"))
        }
        if !changes.isEmpty { steps.append(.alter(topic: topic.name, changes: changes)) }
        let wanted = topic.shape.partitions
        if found.partitions < wanted {
            steps.append(
                allowsPartitionGrowth
                    ? .addPartitions(topic: topic.name, from: found.partitions, to: wanted)
                    : .refuse(
                        topic: topic.name,
                        reason: "has \(found.partitions) partitions, should have \(wanted); adding them moves keys: "
                            + "allow it with --allow-partition-growth"))
        } else if found.partitions > wanted {
            steps.append(
                .refuse(
                    topic: topic.name,
                    reason:
                        "has \(found.partitions) partitions, should have \(wanted); partitions can't be removed: correct the file"
                ))
        }
        if found.replication != topic.shape.replication {
            steps.append(
                .refuse(
                    topic: topic.name,
                    reason: "has \(found.replication) replicas, should have \(topic.shape.replication); "
                        + "reassign its replicas with the cluster's tools or correct the file"))
        }
        return steps
    }

    /// Whether the cluster is as the catalogue says.
    public var isEmpty: Bool { steps.isEmpty }

    /// The steps that can't be carried out.
    public var refusals: [Step] { steps.filter { if case .refuse = $0 { true } else { false } } }
}
