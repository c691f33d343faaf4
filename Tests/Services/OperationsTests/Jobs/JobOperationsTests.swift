import Contracts
import Foundation
import Kafka
import TestSupport
import Testing

@testable import Operations

@Suite("jobs on a real broker", .timeLimit(.minutes(5)))
struct JobOperationsTests {
    private static let interval = Sample.interval("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")

    @Test("each job is published with its expected event, once, and is known from then on")
    func publish() async throws {
        let trial = try await OperatorTrial.make()
        let jobs = (0..<450).map { Sample.job("j\($0)", interval: Self.interval) }
        var plan = PublicationPlan()
        plan.publications = jobs.map {
            PublicationPlan.Publication(
                $0, expectation: JobEvent.Expectation(schedule: "s", deadline: nil, jobsOfDay: 1))
        }
        let publications = plan.publications
        try await trial.jobs.withRightToPublish { try await trial.jobs.publish(publications, $0) }
        let published = try await trial.records(trial.topics.jobs("conversation")).map { try Job.decode($0.value) }
        #expect(Set(published) == Set(jobs) && published.count == jobs.count)
        let events = try await trial.records(trial.topics.jobEvents).map { try JobEvent.decode($0.value) }
        #expect(events.count == jobs.count && events.allSatisfy { $0.event == .expected && $0.expectation?.schedule == "s" })

        let known = try await trial.jobs.look(for: KnownJobs(ids: jobs.map(\.id)))
        #expect(jobs.allSatisfy { known.latest($0.id)?.state == .expected })
        var request = JobRequest()
        request.id = "j1"
        let again = PublicationPlan.submit([(request, jobs[1])], known: known)
        #expect(again.publications.isEmpty && again.refused.count == 1)
    }

    @Test("who begins to publish stops whoever did before, and nothing is published in between")
    func fencing() async throws {
        let trial = try await OperatorTrial.make()
        let job = Sample.job("j", interval: Self.interval)
        let publication = PublicationPlan.Publication(job)
        let error = await #expect(throws: (any Error).self) {
            try await trial.jobs.withRightToPublish { first in
                try await trial.jobs.withRightToPublish { try await trial.jobs.publish([publication], $0) }
                try await trial.jobs.publish([publication], first)
            }
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("0 of 1 jobs were published") && text.contains("begun elsewhere"), "\(text)")
        #expect(try await trial.records(trial.topics.jobs("conversation")).count == 1)
    }

    @Test("a run's story is that of its root and all parts, whichever of them is asked for")
    func story() async throws {
        let trial = try await OperatorTrial.make()
        let root = Sample.job("root")
        let part = Sample.job("part", parent: "root", root: "root")
        try await trial.send([
            Sample.event(.planned, of: root, after: 1, children: ["part", "silent"]),
            Sample.event(.started, of: Sample.job("stranger"), after: 1),
            Sample.event(.failed, of: part, after: 3, reason: "vendor"),
        ])
        let story = try #require(JobStory(of: "root", events: try await trial.jobs.story(of: "root").events))
        #expect(story.events.count == 2 && story.run.state == .failed)
        let text = story.text()
        for mention in ["failed  part  vendor: because vendor", "advice    mend vendor", "1 planned, not begun", "2 children"] {
            #expect(text.contains(mention), "\(mention) in \(text)")
        }
        let below = try #require(JobStory(of: "part", events: try await trial.jobs.story(of: "part").events))
        #expect(below.run.root == "root" && below.events.map(\.event) == [.failed] && below.text().contains("root      root"))
        #expect(JobStory(of: "nobody", events: try await trial.jobs.story(of: "nobody").events) == nil)
    }

    @Test("a filter of roots takes their parts along, and leaves those of others out")
    func history() async throws {
        let trial = try await OperatorTrial.make(partitions: 1)
        let mine = Sample.job("mine", source: "genesys/a")
        let other = Sample.job("other", source: "genesys/b")
        try await trial.send([
            Sample.event(.planned, of: mine, after: 1, children: ["mine-1"]),
            Sample.event(.planned, of: other, after: 1, children: ["other-1"]),
            Sample.event(.completed, of: Sample.job("mine-1", source: "genesys/b", parent: "mine", root: "mine"), after: 2),
            Sample.event(.completed, of: Sample.job("other-1", source: "genesys/a", parent: "other", root: "other"), after: 2),
        ])
        var filter = JobFilter()
        filter.source = "genesys/a"
        let found = try await trial.jobs.history(filter, since: nil)
        #expect(found.history.runs(matching: filter).map(\.root) == ["mine"])
        #expect(found.history.latest("mine")?.state == .completed && found.history.latest("other") == nil)
    }

    @Test("a job's message is found in its kind's job, retry and dead topics, by the highest revision")
    func messages() async throws {
        let trial = try await OperatorTrial.make()
        var late = Sample.job("x", revision: 2)
        late.parameters = .object(["n": .integer(2)])
        try await trial.bury([late])
        var first = Sample.job("x")
        first.parameters = .object(["n": .integer(1)])
        let retry = first.message(to: trial.topics)
        try await trial.send([
            ProducerRecord(
                topic: trial.topics.retry("conversation", after: .seconds(60)), key: retry.key, value: retry.value, headers: [])
        ])
        let found = try await trial.jobs.messages(of: ["x", "y"], kinds: ["conversation", "none"])
        #expect(found["x"]?.parameters["n"] == .integer(2) && found["y"] == nil)
        #expect(try await trial.jobs.kinds().contains("conversation"))
    }

    @Test("what workers are told is there until it is taken back")
    func control() async throws {
        let trial = try await OperatorTrial.make()
        let pause = Control.pause(.kind("conversation"), by: "me@here", reason: "r", at: Date(), expiresAt: nil)
        let limit = Control.limit(
            source: "genesys/main", requestsPerMinute: 5, by: "me@here", reason: nil, at: Date(), expiresAt: nil)
        try await trial.jobs.tell([pause, limit])
        #expect(try await trial.jobs.control().state.entries.count == 2)
        var plan = ControlPlan()
        let state = try await trial.jobs.control().state
        plan.takeBack(Control.key(.pause, .kind("conversation")), in: state, otherwise: "it isn't paused")
        plan.takeBack(Control.key(.pause, .kind("report")), in: state, otherwise: "it isn't paused")
        #expect(plan.takenBack == ["pause/kind/conversation"] && plan.nothing == ["pause/kind/report: it isn't paused"])
        try await trial.jobs.tell([], takingBack: plan.takenBack)
        let left = try await trial.jobs.control().state
        #expect(left.entries.keys.sorted() == ["limit/source/genesys/main"])
        #expect(left.pause(kind: "conversation", at: Date()) == nil)
    }

    @Test("following begins where reading ended: nothing is missed and nothing told twice")
    func follow() async throws {
        let trial = try await OperatorTrial.make()
        let job = Sample.job("x")
        try await trial.send([Sample.event(.started, of: job, after: 1)])
        var filter = JobFilter()
        filter.ids = ["x"]
        let found = try await trial.jobs.history(filter, since: nil)
        var watch = JobWatch(filter, history: found.history)
        #expect(!watch.isOver && watch.counts == "1 running")
        try await trial.send([
            Sample.event(.progressed, of: job, after: 2), Sample.event(.started, of: Sample.job("y"), after: 2),
            Sample.event(.completed, of: job, after: 3),
        ])
        var seen: [JobEvent.Kind] = []
        try await trial.jobs.follow(from: found.positions) { event in
            if watch.take(event) { seen.append(event.event) }
            return !watch.isOver
        }
        #expect(seen == [.progressed, .completed] && watch.isGood)
    }
}

@Suite("watching")
struct JobWatchTests {
    @Test("without ids those are watched that are active or become so, until all of them ended")
    func active() {
        var history = JobHistory()
        history.apply(Sample.event(.completed, of: Sample.job("old"), after: 1))
        history.apply(Sample.event(.started, of: Sample.job("now"), after: 2))
        var watch = JobWatch(JobFilter(), history: history)
        #expect(watch.summaries.map(\.id) == ["now"] && !watch.isOver)
        let isOld = watch.take(Sample.event(.completed, of: Sample.job("late"), after: 3))
        #expect(!isOld)
        let next = Sample.event(.expected, of: Sample.job("next"), after: 3)
        let isNext = watch.take(next)
        #expect(isNext)
        let isNow = watch.take(Sample.event(.completed, of: Sample.job("now"), after: 4))
        #expect(isNow)
        #expect(!watch.isOver)
        let isLast = watch.take(Sample.event(.failed, of: Sample.job("next"), after: 5, reason: "r"))
        #expect(isLast)
        #expect(watch.isOver && !watch.isGood && watch.counts == "1 completed, 1 failed")
    }

    @Test("ids are waited for until they are known")
    func unknown() {
        var filter = JobFilter()
        filter.ids = ["x"]
        var watch = JobWatch(filter, history: JobHistory())
        #expect(!watch.isOver && watch.unknown == ["x"])
        let isKnown = watch.take(Sample.event(.completed, of: Sample.job("x"), after: 1))
        #expect(isKnown)
        #expect(watch.isOver && watch.isGood && watch.unknown.isEmpty)
    }
}
