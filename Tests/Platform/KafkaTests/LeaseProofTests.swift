import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Kafka

extension Consumer {
    /// Keeps the poll thread busy, as a process does that stands still.
    fileprivate func standStill(for seconds: UInt32) { sleep(seconds) }
}

@Suite("Proof of leadership", .timeLimit(.minutes(5)))
struct LeaseProofTests {
    @Test("a leader can prove that it leads; its offsets are committed on the way")
    func proves() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await TestBroker.shared.topic("lease")
        let other = TopicPartition(try await TestBroker.shared.topic("events"), 0)
        let lease = PartitionLease(kafka, topic: topic, group: topic, sessionTimeout: .seconds(6))
        let proven = Signal()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await lease.hold { term in
                    try await term.prove(committing: [other: CommittedOffset(7)])
                    proven.set()
                }
            }
            await proven.wait()
            tasks.cancelAll()
            try await tasks.waitForAll()
        }
        let reader = try await Consumer(ConsumerConfiguration(kafka, group: topic), listener: ConsumerEvents())
        #expect(try await reader.committed([other])[other]?.offset == 7)
        await reader.close()
    }

    @Test(
        "a leader that stood still past its time can't, though it doesn't know yet that another leads",
        .enabled(if: TestBroker.isExternal, "the development broker accepts a stale leader"))
    func refusesStaleLeader() async throws {
        var kafka = try await TestBroker.shared.kafka()
        let topic = try await TestBroker.shared.topic("lease")
        let successor = PartitionLease(kafka, topic: topic, group: topic, sessionTimeout: .seconds(6))
        // librdkafka leaves the group for a thread that doesn't poll; the thread's own view changes only when it polls again.
        kafka.properties["max.poll.interval.ms"] = "6000"
        let lease = PartitionLease(kafka, topic: topic, group: topic, sessionTimeout: .seconds(6))
        let (leads, isSucceeded, isRefused) = (Signal(), Signal(), Signal())
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await lease.hold { term in
                    leads.set()
                    guard !isRefused.isSet else { return }
                    async let stillness: Void = term.consumer.standStill(for: 14)
                    await isSucceeded.wait()
                    #expect(term.isCurrent)
                    await #expect { try await term.prove(committing: [TopicPartition(topic, 0): CommittedOffset(0)]) } throws: {
                        ($0 as? KafkaError)?.kind == .staleMember
                    }
                    isRefused.set()
                    await stillness
                }
            }
            await leads.wait()
            tasks.addTask {
                try await successor.hold { term in
                    isSucceeded.set()
                    while term.isCurrent, !Task.isCancelled { try await Task.sleep(for: .milliseconds(50)) }
                }
            }
            await isRefused.wait()
            tasks.cancelAll()
            try await tasks.waitForAll()
        }
    }
}
