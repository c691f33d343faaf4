import Foundation
import Kafka
import TestSupport
import Testing

@Suite("Consumer groups from outside", .timeLimit(.minutes(5)))
struct ConsumerGroupTests {
    private static func withAdmin<Result: Sendable>(_ body: (Admin) async throws -> Result) async throws -> Result {
        let admin = try Admin(try await TestBroker.shared.kafka())
        do {
            let result = try await body(admin)
            await admin.close()
            return result
        } catch {
            await admin.close()
            throw error
        }
    }

    @Test("a group's members and their partitions are named; when the last one leaves it is empty and its offsets stay")
    func members() async throws {
        let topic = try await TestBroker.shared.topic("group", partitions: 2)
        let group = "group-\(UUID().uuidString)"
        let events = ConsumerEvents()
        var configuration = ConsumerConfiguration(try await TestBroker.shared.kafka(client: "somebody"), group: group)
        configuration.sessionTimeout = .seconds(6)
        let consumer = try await Consumer(configuration, listener: events)
        try await consumer.subscribe(to: [topic])
        for try await event in events {
            if case .assigned = event { break }
        }
        let partitions = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
        try await consumer.commit([partitions[1]: CommittedOffset(5)])
        try await Self.withAdmin { admin in
            let busy = try await admin.consumerGroup(group)
            #expect(busy.isActive && busy.members.map(\.client) == ["somebody"], "\(busy)")
            // The development broker doesn't tell what is assigned.
            if TestBroker.isExternal { #expect(busy.members.first?.partitions == partitions, "\(busy)") }
            #expect(try await admin.consumerGroups().contains(group))
            await consumer.close()
            let left = try await admin.consumerGroup(group)
            #expect(!left.isActive && left.members.isEmpty, "\(left)")
            #expect(try await admin.committedOffsets(of: group) == [partitions[1]: CommittedOffset(5)])
        }
    }

    @Test("offsets are set from outside, with what is beside them")
    func setting() async throws {
        let topic = try await TestBroker.shared.topic("group", partitions: 2)
        let group = "group-\(UUID().uuidString)"
        let first = TopicPartition(topic, 0)
        let second = TopicPartition(topic, 1)
        try await Self.withAdmin { admin in
            #expect(try await admin.committedOffsets(of: group).isEmpty)
            try await admin.setCommittedOffsets(
                of: group, to: [first: CommittedOffset(7, metadata: "w1:AQ"), second: CommittedOffset(9)])
            let set = try await admin.committedOffsets(of: group)
            #expect(set.mapValues(\.offset) == [first: 7, second: 9])
            if TestBroker.isExternal { #expect(set[first]?.metadata == "w1:AQ") }
            try await admin.setCommittedOffsets(of: group, to: [first: CommittedOffset(3)])
            #expect(try await admin.committedOffsets(of: group) == [first: CommittedOffset(3), second: CommittedOffset(9)])
        }
    }

    @Test("a group that doesn't exist has no members and no offsets")
    func missing() async throws {
        try await Self.withAdmin { admin in
            let group = try await admin.consumerGroup("nobody-\(UUID().uuidString)")
            #expect(group.members.isEmpty && !group.isActive, "\(group)")
        }
    }
}
