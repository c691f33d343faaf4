import Contracts
import Foundation
import Kafka
import Rehearsal
import Testing

@testable import DevelopmentStack

/// A judge who never says no proves nothing.
@Suite("Chaos verdict")
struct ChaosVerdictTests {
    private static let instant = Date(timeIntervalSince1970: 1_770_000_000)
    private let plan = RehearsalPlan(seed: 1, jobs: 400, createdAt: ChaosVerdictTests.instant)

    private func event(_ kind: JobEvent.Kind, _ job: Job) -> ConsumerRecord {
        record(JobEvent(kind, of: job, at: Self.instant, attempt: 1).message(to: TopicNames()))
    }

    private func record(_ message: Message) -> ConsumerRecord {
        ConsumerRecord(
            topic: message.topic, partition: 0, offset: 0, timestamp: 0, key: message.key, value: message.value,
            headers: message.headers.map { RecordHeader($0.name, $0.value) })
    }

    private func perfect() -> [ConsumerRecord] {
        plan.expectations.map { expectation in
            switch expectation.end {
            case .completed: event(.completed, expectation.job)
            case .planned: event(.planned, expectation.job)
            case .failed: event(.failed, expectation.job)
            }
        }
    }

    private func judge(_ events: [ConsumerRecord], exactlyOnce: Bool = true, conversationJobs: Int = 0) -> ChaosVerdict {
        var ledger = EventLedger()
        for event in events { ledger.note(event) }
        var verdict = ChaosVerdict()
        verdict.judgeJobs(ledger, plan, conversationJobs: conversationJobs, claimsExactlyOnce: exactlyOnce)
        return verdict
    }

    private func broken(_ verdict: ChaosVerdict) -> [String] { verdict.checks.filter { $0.isKept == false }.map(\.name) }

    @Test("all ends as planned: good")
    func good() { #expect(judge(perfect()).isGood) }

    @Test("a job without an end is lost")
    func lost() {
        #expect(broken(judge(Array(perfect().dropLast()))) == ["jobs lost"])
        #expect(broken(judge(perfect(), conversationJobs: 1)) == ["jobs lost"])
    }

    @Test("a second result is told on Kafka, and on Tansu only not claimed")
    func twice() {
        let events = perfect()
        #expect(broken(judge(events + events.prefix(1))) == ["results published twice"])
        let onTansu = judge(events + events.prefix(1), exactlyOnce: false)
        #expect(onTansu.isGood)
        #expect(onTansu.checks.contains { $0.isKept == nil })
    }

    @Test("another end, an unknown job and an event that can't be read are told")
    func wrong() throws {
        let first = try #require(plan.expectations.first { if case .completed = $0.end { true } else { false } })
        var events = perfect()
        events.removeAll { $0 == event(.completed, first.job) }
        #expect(broken(judge(events + [event(.failed, first.job)])) == ["jobs with another end than the seed says"])
        let stranger = Job(id: "stranger", kind: "rehearsal", source: "s", dataset: "d", createdAt: Self.instant)
        #expect(broken(judge(perfect() + [event(.completed, stranger)])) == ["jobs that nobody published"])
        var unreadable = event(.completed, stranger)
        unreadable = ConsumerRecord(
            topic: unreadable.topic, partition: 0, offset: 0, timestamp: 0, key: unreadable.key, value: [1], headers: [])
        #expect(broken(judge(perfect() + [unreadable])) == ["events that can't be read"])
    }

    @Test("dead letters that are missing, strange, changed or there twice are told")
    func dead() {
        func letter(_ key: String, _ value: [UInt8]) -> ConsumerRecord {
            ConsumerRecord(topic: "d", partition: 0, offset: 0, timestamp: 0, key: Array(key.utf8), value: value, headers: [])
        }
        func judge(_ letters: [ConsumerRecord]) -> [String] {
            var verdict = ChaosVerdict()
            verdict.judgeDead(letters, plan, claimsExactlyOnce: true)
            return broken(verdict)
        }
        let doomed = plan.expectations.filter { $0.end == .failed }.map(\.job)
        let letters =
            doomed.map { letter($0.id, $0.message(to: TopicNames()).value) }
            + plan.poison.enumerated().map { letter("poison-\($0.offset)", $0.element) }
        #expect(judge(letters) == [])
        #expect(judge(Array(letters.dropLast())) == ["dead letters missing"])
        #expect(judge(letters + [letter("stranger", [1])]) == ["dead letters that shouldn't be"])
        #expect(judge(letters + letters.prefix(1)) == ["dead letters published twice"])
        #expect(judge(letters.dropLast() + [letter("poison-\(plan.poison.count - 1)", [1])]) == ["dead letters with other bytes"])
    }

    @Test("an object too many, too few or changed is told")
    func lake() {
        func content(_ text: String) -> LakeSnapshot.Content { LakeSnapshot.Content(Array(text.utf8)) }
        let expected = ["a": content("1"), "b": content("2")]
        let difference = LakeDifference(
            ["a": content("1"), "b": content("3"), "c": content("4")], expected: expected, anyContent: ["tag"])
        #expect(difference.equal == 1)
        #expect(difference.different == ["b"])
        #expect(difference.strange == ["c"])
        #expect(difference.missing == ["tag"])
    }
}
