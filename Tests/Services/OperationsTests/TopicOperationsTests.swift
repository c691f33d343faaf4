import Foundation
import Kafka
import TestSupport
import Testing

@testable import Operations

@Suite("topics of a real broker")
struct TopicOperationsTests {
    @Test("a plan that was carried out leaves nothing to do, and what is changed since is found and mended")
    func converges() async throws {
        let prefix = "plan-\(UUID().uuidString.prefix(8).lowercased())."
        let catalogue = try TopicCatalogue.load(folder: TopicCatalogueTests.folder, prefix: prefix, environment: "development")
        let admin = try Admin(try await TestBroker.shared.kafka())
        let operations = TopicOperations(admin)

        let first = TopicPlan(catalogue: catalogue, cluster: try await operations.cluster(for: catalogue))
        #expect(first.steps.count == catalogue.topics.count)
        #expect(try await operations.execute(first).allSatisfy { $0.failure == nil && $0.action == "created" })
        // Somebody else may have been quicker: creating again is no failure.
        #expect(try await operations.execute(first).allSatisfy { $0.failure == nil })

        let second = TopicPlan(catalogue: catalogue, cluster: try await operations.cluster(for: catalogue))
        #expect(second.isEmpty && second.unmanaged.isEmpty && second.unchanged == catalogue.topics.count, "\(second.table)")

        let name = try #require(catalogue.topics.first { $0.name.hasSuffix("job.events") }?.name)
        try await admin.alterConfiguration(of: name, setting: ["retention.ms": "3600000", "segment.bytes": "1048576"])
        let third = TopicPlan(catalogue: catalogue, cluster: try await operations.cluster(for: catalogue))
        #expect(third.steps == [.alter(topic: name, changes: [.init(name: "retention.ms", from: "3600000", to: "5184000000")])])
        #expect(try await operations.execute(third).allSatisfy { $0.failure == nil && $0.action == "altered" })
        #expect(TopicPlan(catalogue: catalogue, cluster: try await operations.cluster(for: catalogue)).isEmpty)
        #expect(
            try await admin.configuration(of: name)["segment.bytes"]?.value == "1048576",
            "a setting that no file names was touched")

        _ = try await admin.deleteTopics(catalogue.topics.map(\.name))
        await admin.close()
    }
}
