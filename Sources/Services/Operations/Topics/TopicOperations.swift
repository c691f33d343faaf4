public import Kafka

/// Reads a cluster's topics and carries out plans.
public struct TopicOperations: Sendable {
    private let admin: Admin

    /// Operations over an admin client, which the caller closes.
    public init(_ admin: Admin) {
        self.admin = admin
    }

    /// What came of one step of a plan.
    public struct Outcome: Sendable {
        /// The topic.
        public let topic: String
        /// What was done, such as `created`.
        public let action: String
        /// Why it failed; nil when it was done.
        public let failure: KafkaError?
    }

    /// The topics that exist below the catalogue's prefix; the settings of those that it names.
    public func cluster(for catalogue: TopicCatalogue) async throws(KafkaError) -> [ClusterTopic] {
        let named = Set(catalogue.topics.map(\.name))
        var topics: [ClusterTopic] = []
        for topic in try await admin.metadata().topics where topic.name.hasPrefix(catalogue.prefix) {
            var settings: [String: String] = [:]
            if named.contains(topic.name) {
                settings = try await admin.configuration(of: topic.name).compactMapValues(\.value)
            }
            topics.append(
                ClusterTopic(name: topic.name, partitions: topic.partitions, replication: topic.replication, settings: settings))
        }
        return topics
    }

    /// Carries out a plan's steps, all of them whatever fails; refusals are left out. A topic that somebody else has just
    /// created counts as created.
    public func execute(_ plan: TopicPlan) async throws(KafkaError) -> [Outcome] {
        var outcomes: [Outcome] = []
        let created = plan.steps.compactMap { if case .create(let topic) = $0 { topic } else { nil } }
        let failures = try await admin.createTopics(
            created.map {
                Admin.NewTopic(
                    name: $0.name, partitions: $0.shape.partitions, replication: $0.shape.replication,
                    configuration: $0.shape.settings)
            })
        for topic in created {
            let failure = failures[topic.name].flatMap { $0.kind == .topicExists ? nil : $0 }
            outcomes.append(Outcome(topic: topic.name, action: "created", failure: failure))
        }
        for step in plan.steps {
            switch step {
            case .create, .refuse: continue
            case .alter(let topic, let changes):
                let settings = Dictionary(changes.map { ($0.name, $0.to) }) { _, last in last }
                outcomes.append(
                    await outcome(topic, "altered") { () async throws(KafkaError) in
                        try await admin.alterConfiguration(of: topic, setting: settings)
                    })
            case .addPartitions(let topic, _, let total):
                outcomes.append(
                    await outcome(topic, "grown") { () async throws(KafkaError) in
                        try await admin.createPartitions(of: topic, total: total)
                    })
            }
        }
        return outcomes
    }

    private func outcome(
        _ topic: String, _ action: String, _ body: () async throws(KafkaError) -> Void
    ) async -> Outcome {
        do {
            try await body()
            return Outcome(topic: topic, action: action, failure: nil)
        } catch {
            return Outcome(topic: topic, action: action, failure: error)
        }
    }
}
