import Contracts
import Foundation
import Kafka
import Messaging
import Scheduler
import Testing

@testable import Operations

extension ConsumerRecord {
    /// A message as it is read.
    init(_ message: Message, offset: Int64 = 0, timestamp: Int64 = 1) {
        let record = ProducerRecord(message)
        self.init(
            topic: record.topic, partition: 0, offset: offset, timestamp: timestamp, key: record.key, value: record.value,
            headers: record.headers)
    }
}

@Suite("what is published, and what is not")
struct PublicationPlanTests {
    private static let interval = Sample.interval("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")

    private func known(_ wanted: [Job], _ events: [JobEvent]) -> KnownJobs {
        var known = KnownJobs(of: wanted)
        for event in events { known.take(ConsumerRecord(event.message(to: TopicNames()))) }
        return known
    }

    private func submit(
        _ job: Job, id: String? = "x", knowing events: [JobEvent], force: Bool = false
    ) -> PublicationPlan {
        var request = JobRequest()
        request.id = id
        return .submit([(request, job)], known: known([job], events), force: force)
    }

    @Test("a job of which nothing is known is published once")
    func unknown() {
        let job = Sample.job("x", interval: Self.interval)
        #expect(submit(job, knowing: []).publications.map(\.job) == [job])
        let other = Sample.event(.expected, of: Sample.job("other"), after: 1)
        #expect(submit(job, knowing: [other]).publications.count == 1)
        var request = JobRequest()
        request.id = "x"
        let twice = PublicationPlan.submit([(request, job), (request, job)], known: known([job], []))
        #expect(twice.publications.count == 1 && twice.refused.first?.reason == "given twice")
    }

    @Test("a job that is active or ended is refused, and it is said what to do instead")
    func refusals() {
        let job = Sample.job("x", interval: Self.interval)
        let cases: [(JobEvent.Kind, String)] = [
            (.started, "jobs status x"), (.completed, "jobs rerun x"), (.failed, "dead redrive conversation --id x"),
            (.cancelled, "jobs rerun x"), (.retrying, "--force"),
        ]
        for (kind, advice) in cases {
            let plan = submit(job, knowing: [Sample.event(kind, of: job, after: 1)])
            #expect(plan.publications.isEmpty && plan.refused.first?.advice?.contains(advice) ?? false, "\(kind): \(plan)")
        }
        #expect(submit(job, knowing: [Sample.event(.started, of: job, after: 1)], force: true).publications.count == 1)
        #expect(submit(job, knowing: [Sample.event(.completed, of: job, after: 1)], force: true).publications.isEmpty)
        let later = Sample.job("x", revision: 1, interval: Self.interval)
        #expect(submit(later, knowing: [Sample.event(.completed, of: job, after: 1)]).publications.count == 1)
    }

    @Test("a job that is known under its schedule's id is that job")
    func otherID() {
        let scheduled = Sample.job("nightly-1", interval: Self.interval)
        let job = Sample.job("derived", interval: Self.interval)
        let events = [Sample.event(.expected, of: scheduled, after: 1), Sample.event(.completed, of: scheduled, after: 2)]
        let plan = submit(job, id: nil, knowing: events)
        #expect(plan.publications.isEmpty && plan.refused.first?.id == "nightly-1")
        #expect(plan.refused.first?.reason == "is completed at revision 0")
        // Who names an id means it.
        #expect(submit(job, id: "derived", knowing: events).publications.map(\.job.id) == ["derived"])
        // Another interval is other work.
        let other = Sample.job("derived", interval: Sample.interval("2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z"))
        #expect(submit(other, id: nil, knowing: events).publications.map(\.job.id) == ["derived"])
    }

    // MARK: Reruns

    private func rerun(_ ids: [String], _ run: JobRun?, _ messages: [Job], force: Bool = false) -> PublicationPlan {
        var found = JobMessages(of: ids)
        for message in messages { found.take(ConsumerRecord(message.message(to: TopicNames()))) }
        return .rerun(ids, known: { _ in run }, messages: found, force: force, now: Sample.start.addingTimeInterval(100))
    }

    private func run(_ kind: JobEvent.Kind, of job: Job) -> JobRun? {
        var history = JobHistory()
        history.apply(Sample.event(kind, of: job, after: 1))
        return history.latest(job.root)
    }

    @Test("a rerun is the next revision of the message that is kept, without its deadline")
    func rerun() throws {
        var job = Sample.job("x", interval: Self.interval)
        job.parameters = .object(["pageSize": .integer(7)])
        job.deadline = Sample.start
        var second = job
        second.revision = 2
        second.parameters = .object(["pageSize": .integer(8)])
        let plan = rerun(["x", "x"], run(.completed, of: job), [second, job])
        let made = try #require(plan.publications.first?.job)
        #expect(plan.publications.count == 1 && made.revision == 3 && made.parameters["pageSize"] == .integer(8))
        #expect(made.deadline == nil && made.interval == Self.interval && made.createdAt > job.createdAt)
        #expect(plan.publications.first?.expectation == nil, "a rerun promises nothing new")
        let ahead = rerun(["x"], run(.failed, of: Sample.job("x", revision: 5)), [second])
        #expect(ahead.publications.first?.job.revision == 6)
    }

    @Test("a rerun of a job whose last run was a correction does the whole work")
    func rerunOfCorrection() throws {
        var job = Sample.job("x", revision: 2, interval: Self.interval)
        job.parameters = .object(["task": .string("finish"), "correction": .bool(true), "request": .object([:])])
        let made = try #require(rerun(["x"], run(.completed, of: job), [job]).publications.first?.job)
        #expect(made.revision == 3 && made.parameters == .object(["request": .object([:])]))
    }

    @Test("a rerun is refused while the job is active, when nothing of it is kept, and for a part of a whole")
    func rerunRefusals() {
        let job = Sample.job("x", interval: Self.interval)
        let active = rerun(["x"], run(.started, of: job), [job])
        #expect(active.publications.isEmpty && active.refused.first?.advice?.contains("jobs cancel x") ?? false)
        #expect(rerun(["x"], run(.started, of: job), [job], force: true).publications.count == 1)
        let gone = rerun(["x"], run(.completed, of: job), [])
        let advice = gone.refused.first?.advice ?? ""
        #expect(gone.publications.isEmpty && advice.contains("jobs submit --id x --revision 1 --kind conversation"), "\(advice)")
        #expect(advice.contains("--from 2026-03-01T00:00:00.000Z") && advice.contains("--parameters"))
        #expect(rerun(["x"], nil, []).refused.first?.advice?.contains("jobs list") ?? false)
        let part = rerun(["x"], nil, [Sample.job("x", parent: "whole", root: "whole")])
        #expect(part.publications.isEmpty && part.refused.first?.advice?.contains("jobs rerun whole") ?? false)
    }
}

@Suite("a backfill")
struct BackfillTests {
    private func schedule(_ more: String) throws -> ScheduleDefinition {
        let text = "schedules:\n  - {name: s, kind: conversation, dataset: conversations, source: genesys/main, \(more)}\n"
        return try #require(try ScheduleFile.parse(yaml: text).first)
    }

    private func backfill(_ schedule: ScheduleDefinition, _ from: String, _ to: String) throws -> Backfill {
        try Backfill(of: schedule, from: try #require(CalendarDay(from)), to: try #require(CalendarDay(to)))
    }

    private static let later = Timestamp.date("2026-12-01T00:00:00Z") ?? .distantFuture

    @Test("its intervals and ids are those that the scheduler publishes")
    func sameAsScheduler() throws {
        for window in ["1d", "6h", "15m"] {
            let definition = try schedule(
                "cron: \"0 6 * * *\", zone: Europe/Berlin, lag: 1, window: \(window), start: 2026-03-27, maximum-catch-up: 1000, deadline: 6h"
            )
            let scheduled = definition.tick(state: nil, now: Timestamp.date("2026-03-31T12:00:00Z") ?? .distantPast).due
            let backfill = try backfill(definition, "2026-03-27", "2026-03-30")
            #expect(scheduled.count > 3 && backfill.intervals.map(\.jobID) == scheduled.map(\.jobID), "\(window)")
            #expect(backfill.intervals.map(\.jobsOfDay) == scheduled.map(\.jobsOfDay))
            let plan = backfill.plan(.missing, revision: nil, known: KnownJobs(of: []), now: Self.later)
            #expect(plan.publications.map(\.job.id) == scheduled.map(\.jobID))
            #expect(plan.publications.allSatisfy { $0.expectation?.schedule == "s" && $0.job.revision == 0 })
            #expect(plan.publications.allSatisfy { $0.expectation?.deadline == Self.later.addingTimeInterval(6 * 3600) })
        }
    }

    @Test("days before the schedule's start are cut as its own, and windows of several days stay on its grid")
    func beforeStart() throws {
        let daily = try schedule("cron: \"0 6 * * *\", zone: UTC, lag: 1, start: 2026-03-10, end: 2026-03-20")
        let days = try backfill(daily, "2026-03-08", "2026-03-22").intervals.map(\.day.description)
        #expect(days.first == "2026-03-08" && days.count == 15)
        let weekly = try schedule("cron: \"0 6 * * *\", zone: UTC, lag: 1, window: 7d, start: 2026-03-09")
        let weeks = try backfill(weekly, "2026-02-20", "2026-03-20").intervals.map(\.day.description)
        #expect(weeks.contains("2026-03-09") && weeks.contains("2026-03-02") && weeks.contains("2026-02-23"), "\(weeks)")
    }

    @Test("a paused schedule can be filled back; what isn't due yet is the scheduler's")
    func pausedAndFuture() throws {
        let definition = try schedule("cron: \"0 6 * * *\", zone: UTC, lag: 1, paused: true")
        let now = try #require(Timestamp.date("2026-03-03T12:00:00Z"))
        let plan = try backfill(definition, "2026-03-01", "2026-03-05")
            .plan(.missing, revision: nil, known: KnownJobs(of: []), now: now)
        #expect(plan.publications.map(\.job.day) == ["2026-03-01", "2026-03-02"])
        #expect(plan.leftOutCounts.map(\.reason) == ["not due yet"] && plan.leftOutCounts.first?.count == 3)
    }

    @Test("what is published again depends on the mode, and never what is active")
    func modes() throws {
        let definition = try schedule("cron: \"0 6 * * *\", zone: UTC, lag: 1")
        let backfill = try backfill(definition, "2026-03-01", "2026-03-05")
        let jobs = backfill.jobs(now: Sample.start)
        var known = KnownJobs(of: jobs)
        for (job, kind) in zip(jobs, [JobEvent.Kind.completed, .failed, .started, .cancelled]) {
            known.take(ConsumerRecord(Sample.event(kind, of: job, after: 1).message(to: TopicNames())))
        }
        func plan(_ mode: Backfill.Mode, revision: Int? = nil) -> [String] {
            backfill.plan(mode, revision: revision, known: known, now: Self.later).publications
                .map { "\($0.job.day ?? "").\($0.job.revision)" }
        }
        #expect(plan(.missing) == ["2026-03-05.0"])
        #expect(plan(.failed) == ["2026-03-02.1", "2026-03-04.1", "2026-03-05.0"])
        #expect(plan(.all) == ["2026-03-01.1", "2026-03-02.1", "2026-03-04.1", "2026-03-05.0"])
        // Run again with the revision that the first time reached for: what has it stays.
        #expect(plan(.all, revision: 1) == ["2026-03-01.1", "2026-03-02.1", "2026-03-04.1", "2026-03-05.1"])
        #expect(plan(.all, revision: 0) == ["2026-03-05.0"])
    }
}
