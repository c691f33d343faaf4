import Contracts
import DevelopmentStack
import Foundation
import Kafka
import TestSupport
import Testing

@testable import WorkerKit

@Suite("A flood of messages that are no jobs", .timeLimit(.minutes(5)))
struct PoisonFloodTests {
    @Test("each of 20,000 has exactly one end, and what is not done keeps every byte of its key and value")
    func flood() async throws {
        let count = 20_000
        let seed = UInt64.random(in: 1...1_000_000)
        let bench = try await WorkerBench(partitions: 4, retryDelays: [.seconds(3600)])
        let flood = PoisonMessages(seed: seed, topic: bench.topics.jobs("test"), kind: "test", isWithLargeOnes: false)
        try await bench.publish((0..<count).map { flood.message($0) })
        let events = try await bench.run(handler: Handler { _, _ in .done(JobResult()) }) {
            try await bench.awaitCommitted(Int64(count))
            return try await bench.events { events in
                events.count { $0.event.isTerminal || $0.event == .snoozed || $0.event == .retrying } >= count
            }
        }
        var account = PoisonAccount(of: flood, messages: count)
        for event in events { account.note(event) }
        let topics = [bench.topics.dead("test"), bench.topics.retry("test", after: .seconds(3600))]
        let records = try await TopicScan(bench.kafka, topics: topics).read { records in
            try await records.reduce(into: [ConsumerRecord]()) { $0.append($1) }
        }
        for record in records { account.note(record) }
        let result = account.result()
        #expect(account.differences.isEmpty, "seed \(seed)")
        #expect(result.lost.prefix(10) == [], "seed \(seed)")
        #expect(result.twice == 0, "seed \(seed)")
        #expect(result.done + account.intact == count, "seed \(seed)")
        // A flood that breaks nothing, or in which nothing survives, would prove nothing.
        #expect(account.intact > count / 2 && result.done > count / 10, "seed \(seed)")
    }

    @Test("a dead letter says nothing about itself that came with the message")
    func hostileHeaders() {
        let plan = RetryPlan(kind: "test", topics: TopicNames(), delays: [], maximumAttempts: 1)
        let record = ConsumerRecord(
            topic: "jobs.test", partition: 0, offset: 7, timestamp: 0, key: nil, value: nil,
            headers: [
                RecordHeader(JobHeader.deadTruncated, "1"), RecordHeader(JobHeader.deadReason, "x"),
                RecordHeader(JobHeader.redrives, "2"), RecordHeader("custom", "kept"),
            ])
        let dead = plan.dead(
            record, attempt: 1, failure: JobEvent.Failure(reason: "malformed", message: "m"), group: "g", worker: "w",
            now: Date())
        #expect(dead.headers.text(of: JobHeader.deadTruncated) == nil)
        #expect(dead.headers.filter { $0.name == JobHeader.deadReason }.map(\.text) == ["malformed"])
        #expect(dead.headers.text(of: JobHeader.redrives) == "2")
        #expect(dead.headers.text(of: "custom") == "kept")
    }
}
