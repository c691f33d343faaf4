import Foundation
import Testing

@testable import Operations

@Suite("the plan for topics")
struct TopicPlanTests {
    private func catalogue(prefix: String = "") throws -> TopicCatalogue {
        let yaml = """
            topic: jobs.x
            owner: t
            about: a
            key: k
            message: m
            partitions: 4
            replication: 3
            retention: 7d
            cleanup: "compact,delete"
            config: { min.insync.replicas: 2, min.cleanable.dirty.ratio: 0.5 }
            """
        return try TopicCatalogue(definitions: [try TopicFile.parse(yaml: yaml, file: "x")], prefix: prefix)
    }

    private let settings = [
        "retention.ms": "604800000", "cleanup.policy": "delete,compact", "min.insync.replicas": "2",
        "min.cleanable.dirty.ratio": "0.50",
        "segment.bytes": "1",
    ]

    private func plan(_ topic: ClusterTopic, grows: Bool = false) throws -> TopicPlan {
        TopicPlan(catalogue: try catalogue(), cluster: [topic], allowsPartitionGrowth: grows)
    }

    @Test("a topic that is as declared needs nothing, whatever else is set for it and however values are spelt")
    func same() throws {
        let plan = try plan(ClusterTopic(name: "jobs.x", partitions: 4, replication: 3, settings: settings))
        #expect(plan.isEmpty && plan.unchanged == 1 && plan.unknown.isEmpty && plan.unmanaged.isEmpty)
    }

    @Test("a missing topic is created as declared")
    func missing() throws {
        let catalogue = try catalogue()
        let plan = TopicPlan(catalogue: catalogue, cluster: [])
        #expect(plan.steps == [.create(catalogue.topics[0])])
        #expect(plan.table.contains("create  jobs.x  partitions=4 replication=3 cleanup.policy=compact,delete"))
    }

    @Test("only settings that the file names are changed")
    func altered() throws {
        let other = settings.merging(["retention.ms": "1", "segment.bytes": "99"]) { _, new in new }
        let plan = try plan(ClusterTopic(name: "jobs.x", partitions: 4, replication: 3, settings: other))
        #expect(plan.steps == [.alter(topic: "jobs.x", changes: [.init(name: "retention.ms", from: "1", to: "604800000")])])
    }

    @Test("partitions are added only when that is allowed, and never removed")
    func partitions() throws {
        let few = ClusterTopic(name: "jobs.x", partitions: 2, replication: 3, settings: settings)
        #expect(try plan(few).refusals.count == 1)
        #expect(try plan(few).table.contains("--allow-partition-growth"))
        #expect(try plan(few, grows: true).steps == [.addPartitions(topic: "jobs.x", from: 2, to: 4)])
        let many = ClusterTopic(name: "jobs.x", partitions: 8, replication: 3, settings: settings)
        for grows in [false, true] {
            let plan = try plan(many, grows: grows)
            #expect(plan.steps.count == 1 && plan.refusals.count == 1)
        }
    }

    @Test("another number of replicas is drift that is told and not changed")
    func replication() throws {
        let plan = try plan(ClusterTopic(name: "jobs.x", partitions: 4, replication: 2, settings: settings))
        #expect(plan.steps.count == 1 && plan.refusals.count == 1)
    }

    @Test("more replicas in sync than there are is refused: it would stop all writes")
    func inSync() throws {
        let lax = settings.merging(["min.insync.replicas": "1"]) { _, new in new }
        let plan = try plan(ClusterTopic(name: "jobs.x", partitions: 4, replication: 1, settings: lax))
        #expect(plan.steps.count == 2 && plan.refusals.count == 2)
    }

    @Test("settings that the cluster doesn't tell are not compared, and that is said")
    func untold() throws {
        let plan = try plan(ClusterTopic(name: "jobs.x", partitions: 4, replication: 3, settings: [:]))
        #expect(plan.isEmpty && plan.unknown.count == 4 && plan.table.contains("doesn't tell"))
    }

    @Test("other topics are left alone: listed below the prefix, unseen elsewhere, Kafka's own never")
    func unmanaged() throws {
        let cluster = ["a.other", "b.other", "__consumer_offsets", "a.jobs.x"].map {
            ClusterTopic(name: $0, partitions: 4, replication: 3, settings: settings)
        }
        #expect(TopicPlan(catalogue: try catalogue(prefix: "a."), cluster: cluster).unmanaged == ["a.other"])
        #expect(TopicPlan(catalogue: try catalogue(), cluster: cluster).unmanaged == ["a.jobs.x", "a.other", "b.other"])
    }

    @Test("the JSON form has every step with its action")
    func json() throws {
        let few = ClusterTopic(name: "jobs.x", partitions: 2, replication: 1, settings: ["retention.ms": "1"])
        let text = try plan(few, grows: true).json()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let steps = try #require(object["steps"] as? [[String: Any]])
        #expect(steps.compactMap { $0["action"] as? String } == ["alter", "grow", "refuse"])
        #expect(steps[1]["to"] as? Int == 4)
        #expect((object["unknown"] as? [String])?.count == 3)
    }
}
