import Contracts
import Foundation
import Kafka
import Testing

@testable import Operations

@Suite("what goes back to work")
struct RedrivePlanTests {
    private func plan(
        _ letters: [DeadLetter], limit: Int = 100, events: [JobEvent] = [], force: Bool = false
    ) -> RedrivePlan {
        var known = KnownJobs(ids: letters.compactMap { $0.job?.root })
        for event in events { known.take(ConsumerRecord(event.message(to: DeadSample.topics))) }
        return RedrivePlan(letters, kind: "conversation", limit: limit, known: known, force: force, now: Sample.start)
    }

    @Test("what completed since, or was run again, stays")
    func obsolete() {
        let jobs = ["done", "again", "failed", "part"].map {
            Sample.job($0, parent: $0 == "part" ? "whole" : nil, root: $0 == "part" ? "whole" : nil)
        }
        let letters = jobs.enumerated().map { DeadSample.letter($1, offset: Int64($0)) }
        let events = [
            Sample.event(.failed, of: jobs[0], after: 1), Sample.event(.completed, of: jobs[0], after: 2),
            Sample.event(.started, of: Sample.job("again", revision: 1), after: 1), Sample.event(.failed, of: jobs[2], after: 1),
            Sample.event(.planned, of: Sample.job("whole"), after: 1, children: ["part"]),
            Sample.event(.failed, of: jobs[3], after: 2),
        ]
        let plan = plan(letters, events: events)
        #expect(plan.letters.map(\.name) == ["failed", "part"])
        #expect(plan.omissionCounts.map(\.reason) == ["of jobs that completed since", "of jobs that have a later revision"])
        #expect(self.plan(letters, events: events, force: true).letters.count == 4)
    }

    @Test("the oldest go first, and not more than allowed")
    func order() {
        let letters = (0..<5).map { DeadSample.letter(Sample.job("j\($0)"), offset: Int64($0), timestamp: 100 - Int64($0)) }
        #expect(plan(letters, limit: 2).letters.map(\.name) == ["j4", "j3"])
        #expect(plan([]).letters.isEmpty)
    }

    @Test("of several letters of one job and revision the newest goes back, once; another revision is other work")
    func superseded() {
        let letters = [
            DeadSample.letter(Sample.job("x"), offset: 0), DeadSample.letter(Sample.job("x"), offset: 1),
            DeadSample.letter(Sample.job("x", revision: 1), offset: 2), DeadSample.letter(Sample.job("x"), offset: 3),
        ]
        let plan = plan(letters)
        #expect(plan.letters.map(\.position.offset) == [2, 3])
        #expect(plan.superseded[DeadLetter.Position(partition: 0, offset: 3)]?.map(\.position.offset) == [0, 1])
        // What doesn't go back replaces nothing.
        let one = self.plan(letters, limit: 1)
        #expect(one.letters.map(\.position.offset) == [2] && one.superseded.isEmpty)
    }

    @Test("what would die at once or never stops dying stays, unless by force; a value that was cut always does")
    func omissions() {
        var late = Sample.job("late")
        late.deadline = Sample.start
        let letters = [
            DeadSample.poison(offset: 0), DeadSample.letter(late, offset: 1),
            DeadSample.letter(Sample.job("often"), offset: 2, redrives: 3),
            DeadSample.letter(Sample.job("cut"), offset: 3, truncated: 2_000_000),
            DeadSample.letter(Sample.job("other", kind: "report"), offset: 4),
            DeadSample.letter(Sample.job("good"), offset: 5, redrives: 2),
        ]
        let plan = plan(letters)
        #expect(plan.letters.map(\.name) == ["good"])
        #expect(plan.omissions.count == 5 && plan.omissionCounts.allSatisfy { !$0.advice.isEmpty })
        let forced = self.plan(letters, force: true)
        #expect(forced.letters.count == 5 && forced.omissions.map(\.letter.name) == ["cut"])
        #expect(forced.omissions.first?.advice.contains("jobs.conversation-2 at 3") ?? false)
    }

    @Test("key and value go back untouched, headers of the life that ended don't, and the redrive is counted")
    func record() {
        let letter = DeadSample.poison(offset: 7)
        let record = RedrivePlan.record(of: letter, to: "jobs.conversation")
        #expect(record.topic == "jobs.conversation" && record.key == letter.record.key && record.value == letter.record.value)
        #expect(record.partition == nil && record.timestamp == nil)
        #expect(
            record.headers.map(\.name) == [
                "ce_id", "custom", JobHeader.firstTopic, JobHeader.firstPartition, JobHeader.firstOffset,
                JobHeader.firstTimestamp, JobHeader.redrives,
            ])
        #expect(record.headers[1].value == [0xff, 0])
        let again = RedrivePlan.record(of: DeadSample.letter(Sample.job("x"), redrives: 2), to: "t")
        #expect(again.headers.filter { $0.name == JobHeader.redrives }.map(\.text) == ["3"])
    }

    @Test("outcomes are those that come after, of the job and revision; what can't be read is known by where it was first read")
    func watch() {
        var watch = RedriveWatch(eventsTopic: "job.events")
        let poison = DeadSample.poison(offset: 9)
        watch.watch([
            DeadSample.letter(Sample.job("a"), offset: 1), DeadSample.letter(Sample.job("b"), offset: 2),
            DeadSample.letter(Sample.job("c"), offset: 3), DeadSample.letter(Sample.job("d"), offset: 4), poison,
        ])
        func tell(_ kind: JobEvent.Kind, _ job: Job) {
            watch.take(ConsumerRecord(Sample.event(kind, of: job, after: 1).message(to: DeadSample.topics)))
        }
        tell(.started, Sample.job("a"))
        tell(.completed, Sample.job("a", revision: 1))
        tell(.completed, Sample.job("stranger"))
        #expect(watch.pending == 5 && watch.counts.isEmpty)
        tell(.completed, Sample.job("a"))
        tell(.failed, Sample.job("a"))
        tell(.failed, Sample.job("b"))
        tell(.planned, Sample.job("c"))
        tell(.cancelled, Sample.job("d"))
        // b's death is told by its letter, too, and counts once.
        watch.take(DeadSample.letter(Sample.job("b"), offset: 2).record)
        watch.take(DeadSample.poison(offset: 9).record)
        watch.take(DeadSample.poison(offset: 12).record)
        #expect(watch.pending == 0 && watch.counts == [.succeeded: 2, .died: 2, .cancelled: 1])
    }

    @Test(
        "limits of new deaths are counts or shares",
        arguments: [
            ("5%", 5, 100, false), ("5%", 6, 100, true), ("0", 0, 10, false), ("0", 1, 10, true), ("10", 10, 10, false),
            ("0.5%", 1, 100, true),
        ])
    func limits(text: String, deaths: Int, published: Int, isExceeded: Bool) throws {
        let limit = try #require(RedrivePolicy.DeathLimit(text))
        #expect(limit.isExceeded(deaths: deaths, of: published) == isExceeded && limit.description == text)
    }

    @Test("other texts are no limits", arguments: ["", "%", "-1", "101%", "a", "5 %", "nan%", "inf%"])
    func wrongLimits(text: String) { #expect(RedrivePolicy.DeathLimit(text) == nil) }
}
