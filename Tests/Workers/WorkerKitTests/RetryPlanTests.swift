import Contracts
import Foundation
import Kafka
import Testing

@testable import WorkerKit

@Suite("Retry plan")
struct RetryPlanTests {
    private let plan = RetryPlan(
        kind: "test", topics: TopicNames(prefix: "p."), delays: [.seconds(60), .seconds(600), .seconds(3600)], maximumAttempts: 5)
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let failure = JobEvent.Failure(reason: "r", message: "line one\nline two")

    private func record(_ headers: [RecordHeader] = []) -> ConsumerRecord {
        ConsumerRecord(topic: "p.jobs.test", partition: 3, offset: 7, timestamp: 5, key: [1], value: [2], headers: headers)
    }

    @Test(
        "attempts go through the delays, and the last one is used again",
        arguments: [(1, "1m"), (2, "10m"), (3, "1h"), (4, "1h"), (900, "1h")])
    func hops(attempt: Int, delay: String) {
        let hop = plan.retry(record(), attempt: attempt, wish: nil, failure: failure, now: now, jitter: 0)
        #expect(hop.record.topic == "p.jobs.test.retry-\(delay)")
        #expect(hop.record.headers.text(of: "job-attempt") == "\(attempt)")
        #expect(hop.record.headers.text(of: "job-not-before") == "\(Int64(hop.due.timeIntervalSince1970 * 1000))")
        #expect(hop.record.key == [1] && hop.record.value == [2])
    }

    @Test("jitter adds at most a fifth, so that what failed together doesn't come back together")
    func jitter() {
        let least = plan.retry(record(), attempt: 1, wish: nil, failure: failure, now: now, jitter: 0).due
        let most = plan.retry(record(), attempt: 1, wish: nil, failure: failure, now: now, jitter: 1).due
        #expect(least == now.addingTimeInterval(60))
        #expect(most == now.addingTimeInterval(72))
    }

    @Test("where a job was first seen stays through all hops")
    func first() {
        let one = plan.retry(record([RecordHeader("x", "y")]), attempt: 1, wish: nil, failure: failure, now: now, jitter: 0)
            .record
        let again = ConsumerRecord(
            topic: one.topic, partition: 0, offset: 99, timestamp: 9, key: one.key, value: one.value, headers: one.headers)
        let two = plan.retry(again, attempt: 2, wish: nil, failure: failure, now: now, jitter: 0).record
        #expect(two.headers.text(of: "job-first-topic") == "p.jobs.test")
        #expect(two.headers.text(of: "job-first-offset") == "7")
        #expect(two.headers.text(of: "x") == "y")
        #expect(two.headers.filter { $0.name == "job-attempt" }.count == 1)
        #expect(two.headers.text(of: "job-last-error") == "line one line two")
    }

    @Test("an absurd instant in a header is bounded, not a crash", arguments: [1e18, 1e300, -1e300, .infinity])
    func absurdSnooze(seconds: Double) {
        let until = Date(timeIntervalSince1970: seconds)
        let hop = plan.snooze(record(), attempt: 1, until: until, failure: failure, now: now)
        #expect(hop.due <= now.addingTimeInterval(3600))
        #expect(hop.record.headers.text(of: "job-attempt") == "0")
    }

    @Test("a deadline that has passed leaves no attempt")
    func deadline() {
        var job = Job(id: "a", kind: "test", source: "s", dataset: "d", createdAt: now)
        #expect(plan.hasAttempts(after: 1, job: job, now: now))
        #expect(!plan.hasAttempts(after: 5, job: job, now: now))
        job.deadline = now
        #expect(!plan.hasAttempts(after: 1, job: job, now: now))
    }

    @Test("a dead letter has its bytes untouched and says why, bounded")
    func dead() {
        let long = JobEvent.Failure(reason: "r", message: String(repeating: "ä", count: 5000), advice: "do this")
        let letter = plan.dead(record(), attempt: 4, failure: long, group: "g", worker: "w", now: now)
        #expect(letter.topic == "p.jobs.test.dead")
        #expect(letter.key == [1] && letter.value == [2])
        #expect((letter.headers.text(of: "dlq-message")?.utf8.count ?? 0) <= 1026)
        #expect(letter.headers.text(of: "dlq-advice") == "do this")
        #expect(letter.headers.text(of: "dlq-attempts") == "4")
    }
}
