import Foundation
import Kafka
import TestSupport
import Testing

@testable import Operations

@Suite("topics of a real broker")
struct TopicOperationsTests {
    /// Runs with a catalogue of its own prefix and removes its topics afterwards.
    private func withCatalogue(_ body: (TopicCatalogue, TopicOperations, Admin) async throws -> Void) async throws {
        let prefix = "plan-\(UUID().uuidString.prefix(8).lowercased())."
        let catalogue = try TopicCatalogue.load(folder: TopicCatalogueTests.folder, prefix: prefix, environment: "development")
        let admin = try Admin(try await TestBroker.shared.kafka())
        do {
            try await body(catalogue, TopicOperations(admin), admin)
            _ = try await admin.deleteTopics(catalogue.topics.map(\.name))
        } catch {
            await admin.close()
            throw error
        }
        await admin.close()
    }

    @Test("a plan that was carried out leaves nothing to do, and carrying it out again does no harm")
    func converges() async throws {
        try await withCatalogue { catalogue, operations, _ in
            let plan = TopicPlan(catalogue: catalogue, cluster: try await operations.cluster(for: catalogue))
            #expect(plan.steps.count == catalogue.topics.count)
            #expect(try await operations.execute(plan).allSatisfy { $0.failure == nil && $0.action == "created" })
            #expect(try await operations.execute(plan).allSatisfy { $0.failure == nil })
            let again = TopicPlan(catalogue: catalogue, cluster: try await operations.cluster(for: catalogue))
            #expect(again.isEmpty && again.unmanaged.isEmpty && again.unchanged == catalogue.topics.count, "\(again.table)")
        }
    }

    @Test("a topic that differs is found, and mended where the broker can; where it can't, the others are done and it is said")
    func mends() async throws {
        try await withCatalogue { catalogue, operations, admin in
            let events = try #require(catalogue.topics.first { $0.name.hasSuffix("job.events") })
            let jobs = try #require(catalogue.topics.first { $0.name.hasSuffix("jobs.conversation") })
            var other = events.shape.settings
            other["retention.ms"] = "3600000"
            other["segment.bytes"] = "1048576"
            let failures = try await admin.createTopics([
                Admin.NewTopic(name: events.name, partitions: events.shape.partitions, replication: 1, configuration: other),
                Admin.NewTopic(name: jobs.name, partitions: 2, replication: 1, configuration: jobs.shape.settings),
            ])
            #expect(failures.isEmpty)

            let cluster = try await operations.cluster(for: catalogue)
            #expect(TopicPlan(catalogue: catalogue, cluster: cluster).refusals.count == 1)
            let plan = TopicPlan(catalogue: catalogue, cluster: cluster, allowsPartitionGrowth: true)
            let change = TopicPlan.SettingChange(name: "retention.ms", from: "3600000", to: "5184000000")
            #expect(plan.steps.contains(.alter(topic: events.name, changes: [change])))
            #expect(plan.steps.contains(.addPartitions(topic: jobs.name, from: 2, to: 4)))

            let outcomes = try await operations.execute(plan)
            #expect(outcomes.filter { $0.action == "created" }.count == catalogue.topics.count - 2)
            #expect(outcomes.allSatisfy { $0.action != "created" || $0.failure == nil })
            if TestBroker.isExternal {
                #expect(outcomes.allSatisfy { $0.failure == nil })
                // The controller answers before the broker has the new state: asked until it has.
                var left = TopicPlan(catalogue: catalogue, cluster: try await operations.cluster(for: catalogue))
                for _ in 0..<50 where !left.isEmpty {
                    try await Task.sleep(for: .milliseconds(100))
                    left = TopicPlan(catalogue: catalogue, cluster: try await operations.cluster(for: catalogue))
                }
                #expect(left.isEmpty, "\(left.table)")
                let kept = try await admin.configuration(of: events.name)["segment.bytes"]?.value
                #expect(kept == "1048576", "a setting that no file names was touched")
            } else {
                // The development broker can't alter settings; it says so and the topic is named.
                #expect(outcomes.first { $0.topic == events.name }?.failure != nil)
            }
        }
    }
}
