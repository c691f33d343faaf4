import Contracts
import Foundation
import Testing

@testable import Operations

/// Makes events of made-up jobs.
enum Sample {
    static let start = Date(timeIntervalSince1970: 1_780_000_000)

    static func job(
        _ id: String, kind: String = "conversation", source: String = "genesys/main", day: String? = "2026-03-01",
        revision: Int = 0, parent: String? = nil, root: String? = nil, interval: Interval? = nil
    ) -> Job {
        Job(
            id: id, kind: kind, source: source, dataset: "conversations", day: day, interval: interval, revision: revision,
            parent: parent, root: root, createdAt: start)
    }

    static func event(
        _ kind: JobEvent.Kind, of job: Job, after seconds: Double, attempt: Int = 1, reason: String? = nil,
        next: Date? = nil, figures: [String: Int] = [:], children: [String] = []
    ) -> JobEvent {
        JobEvent(
            kind, of: job, at: start.addingTimeInterval(seconds), attempt: attempt, worker: "worker@a",
            failure: reason.map { JobEvent.Failure(reason: $0, message: "because \($0)", advice: "mend \($0)") },
            nextAttempt: next, manifest: kind == .completed ? "m.json" : nil, figures: figures, children: children)
    }

    static func interval(_ from: String, _ to: String) -> Interval {
        Interval(start: Timestamp.date(from) ?? .distantPast, end: Timestamp.date(to) ?? .distantPast)
            ?? Interval(start: .distantPast, end: .distantPast).unsafelyUnwrapped
    }
}

@Suite("a run, folded from its events")
struct JobRunTests {
    private func run(_ events: [JobEvent]) -> JobRun? {
        var history = JobHistory()
        for event in events { history.apply(event) }
        return history.latest("root")
    }

    private static let root = Sample.job("root")

    @Test(
        "the last word holds, in whatever order the words are heard",
        arguments: [
            ([JobEvent.Kind.expected], JobState.expected), ([.expected, .started], .running),
            ([.expected, .started, .retrying], .waiting), ([.expected, .started, .retrying, .started], .running),
            ([.started, .snoozed], .waiting), ([.started, .failed], .failed), ([.started, .cancelled], .cancelled),
            ([.started, .progressed, .completed], .completed),
            // Somebody redrove it.
            ([.started, .failed, .started], .running), ([.started, .failed, .started, .completed], .completed),
        ])
    func words(kinds: [JobEvent.Kind], state: JobState) {
        let events = kinds.enumerated().map { Sample.event($1, of: Self.root, after: Double($0)) }
        for order in [events, events.reversed(), events + events, events.shuffled()] {
            #expect(run(order)?.state == state, "\(order.map(\.event))")
        }
    }

    @Test("a completion is final: an attempt that another worker's clock puts after it changes nothing")
    func completionIsFinal() {
        let events = [
            Sample.event(.completed, of: Self.root, after: 1), Sample.event(.started, of: Self.root, after: 9),
            Sample.event(.failed, of: Self.root, after: 10, reason: "late"),
        ]
        for order in [events, events.reversed()] {
            let run = run(order)
            #expect(run?.state == .completed && run?.rootNode?.manifest == "m.json" && run?.failure == nil)
        }
    }

    @Test("a root that was fanned out completes with its last leaf, and fails with the first part that is given up")
    func children() {
        let left = Sample.job("left", parent: "root", root: "root")
        let right = Sample.job("right", parent: "root", root: "root")
        let leaf = Sample.job("leaf", parent: "right", root: "root")
        var events = [
            Sample.event(.planned, of: Self.root, after: 1, figures: ["records": 1000], children: ["left", "right"]),
            Sample.event(.completed, of: left, after: 2, figures: ["records": 3]),
            Sample.event(.planned, of: right, after: 3, children: ["leaf"]),
        ]
        #expect(run(events)?.state == .running)
        let failed = events + [Sample.event(.failed, of: leaf, after: 4, reason: "vendor")]
        #expect(run(failed)?.state == .failed)
        #expect(run(failed)?.failure?.job == "leaf" && run(failed)?.failure?.failure.advice == "mend vendor")
        events.append(Sample.event(.completed, of: leaf, after: 5, figures: ["records": 4]))
        for order in [events, events.reversed(), events.shuffled()] {
            let run = run(order)
            #expect(run?.state == .completed)
            // What the root counted before it planned is void.
            #expect(run?.figures == ["records": 7] && run?.childCounts == [.completed: 2, .running: 1])
        }
    }

    @Test("jobs that name each other as children, and chains without an end, are never done and cost nothing")
    func circles() {
        let other = Sample.job("other", parent: "root", root: "root")
        let events = [
            Sample.event(.planned, of: Self.root, after: 1, children: ["other"]),
            Sample.event(.planned, of: other, after: 2, children: ["root"]),
        ]
        #expect(run(events)?.state == .running)
    }

    @Test("revisions are apart, and the highest counts")
    func revisions() {
        var history = JobHistory()
        history.apply(Sample.event(.started, of: Sample.job("root", revision: 2), after: 1))
        history.apply(Sample.event(.completed, of: Self.root, after: 2))
        #expect(history.latest("root")?.revision == 2 && history.latest("root")?.state == .running)
        #expect(history.revisions(of: "root").map(\.state) == [.completed, .running])
    }

    @Test("a filter is about roots and their states")
    func filter() {
        var history = JobHistory()
        history.apply(Sample.event(.started, of: Sample.job("a"), after: 1))
        history.apply(Sample.event(.completed, of: Sample.job("b", source: "genesys/other"), after: 2))
        history.apply(Sample.event(.completed, of: Sample.job("c", day: "2026-03-02"), after: 3))
        func roots(_ change: (inout JobFilter) -> Void) -> [String] {
            var filter = JobFilter()
            change(&filter)
            return history.runs(matching: filter).map(\.root)
        }
        #expect(roots { _ in } == ["c", "b", "a"], "the last heard of comes first")
        #expect(roots { $0.states = [.completed] } == ["c", "b"])
        #expect(roots { $0.source = "genesys/other" } == ["b"])
        #expect(roots { $0.day = "2026-03-02" } == ["c"])
        #expect(roots { $0.ids = ["a", "x"] } == ["a"])
        #expect(roots { $0.kind = "report" } == [])
    }
}
