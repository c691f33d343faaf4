import Contracts
import Foundation
import TestSupport
import Testing

@testable import Monitor

/// What a root's state follows from, in a few lines: the events that are known of each job.
private struct Model {
    private var words: [String: Set<JobEvent.Kind>] = [:]
    private var plans: [String: [String]] = [:]

    mutating func learn(_ event: JobEvent) {
        words[event.job.id, default: []].insert(event.event)
        if event.event == .planned { plans[event.job.id] = event.children }
    }

    func isDone(_ id: String) -> Bool {
        if let children = plans[id] { return children.allSatisfy(isDone) }
        return words[id]?.contains(.completed) ?? false
    }

    var isGivenUp: Bool {
        words.contains { _, words in !words.contains(.completed) && (words.contains(.failed) || words.contains(.cancelled)) }
    }
}

@Suite("A root that was fanned out, whatever order its events arrive in")
struct FanOutTests {
    /// A tree of jobs: each plans children, or completes after attempts that failed, or is given up by `end`.
    private func tree(
        _ history: inout History, _ job: Job, depth: Int, giveUp: inout JobEvent.Kind?, _ random: inout SplitMix
    ) {
        history.add(.started, job)
        if Bool.random(using: &random) { history.add(.retrying, job, reason: "vendor") }
        if Bool.random(using: &random) { history.add(.progressed, job, attempt: 2, figures: ["records": 1]) }
        if depth < 3, depth == 0 || Int.random(in: 0..<3, using: &random) > 0 {
            let children = (0..<Int.random(in: 1...3, using: &random)).map {
                history.job("\(job.id).\($0)", parent: job.id, root: job.root)
            }
            history.add(.planned, job, attempt: 2, children: children.map(\.id))
            for child in children { tree(&history, child, depth: depth + 1, giveUp: &giveUp, &random) }
        } else if let end = giveUp {
            giveUp = nil
            history.add(end, job, attempt: 2, reason: "given-up")
        } else {
            history.complete(job)
        }
    }

    private func shuffled(_ events: [JobEvent], _ random: inout SplitMix) -> [JobEvent] {
        let doubled = (0..<events.count / 2).compactMap { _ in events.randomElement(using: &random) }
        return (events + doubled).shuffled(using: &random)
    }

    @Test("it completes with the event that makes its last leaf known, exactly once", arguments: 1...30)
    func completesOnce(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var history = History()
        var giveUp: JobEvent.Kind?
        tree(&history, history.job("r"), depth: 0, giveUp: &giveUp, &random)
        for round in 0..<5 {
            var board = DayBoard()
            var model = Model()
            var wasDone = false
            var successes = 0
            for event in round == 0 ? history.events : shuffled(history.events, &random) {
                let effects = board.apply(event, now: History.at(0))
                model.learn(event)
                let isDone = model.isDone("r")
                #expect((board.row()?.status == .done) == isDone, "seed \(seed), round \(round)")
                #expect(
                    effects.contains { if case .succeed = $0 { true } else { false } } == (isDone && !wasDone), "seed \(seed)")
                successes += isDone && !wasDone ? 1 : 0
                wasDone = isDone
            }
            #expect(successes == 1, "seed \(seed), round \(round)")
        }
    }

    @Test(
        "a part that was given up or cancelled gives up the whole: one _FAILURE and one alert, and no _SUCCESS ever",
        arguments: [JobEvent.Kind.failed, .cancelled], 1...15)
    func givenUp(end: JobEvent.Kind, seed: UInt64) {
        var random = SplitMix(seed: seed)
        var history = History()
        var giveUp: JobEvent.Kind? = end
        tree(&history, history.job("r"), depth: 0, giveUp: &giveUp, &random)
        for round in 0..<5 {
            var board = DayBoard()
            var model = Model()
            var told = Told()
            for event in round == 0 ? history.events : shuffled(history.events, &random) {
                told.carryOut(board.apply(event, now: History.at(0)))
                model.learn(event)
                #expect((board.row()?.status == .failed) == model.isGivenUp, "seed \(seed), round \(round)")
                if case .success = told.tags[theDay] { Issue.record("a success, seed \(seed), round \(round)") }
            }
            #expect(told.alerts == ["firing \(theDay.alertKey)"], "seed \(seed), round \(round)")
            guard case .failure(let failure) = told.tags[theDay] else {
                Issue.record("no failure, seed \(seed), round \(round)")
                continue
            }
            #expect(failure.reason == "given-up")
            // A rerun of the root makes it whole again.
            var rerun = History()
            rerun.complete(rerun.job("r", revision: 1))
            told.carryOut(board.apply(rerun.events[0], now: History.at(0)))
            #expect(told.tags[theDay] == .success(["m/r"]) && told.firing.isEmpty)
        }
    }

    @Test("a day that was forgotten and rerun in part is known to be known in part, until its first runs are seen")
    func forgotten() {
        var board = DayBoard()
        var history = History()
        history.complete(history.job("a", revision: 1))
        history.complete(history.job("b"))
        history.complete(history.job("a"))
        #expect(
            board.apply(history.events[0], now: History.at(0))
                == [.succeed(theDay, manifests: ["m/a"], isKnownFromReruns: true)])
        #expect(
            board.apply(history.events[1], now: History.at(0))
                == [.succeed(theDay, manifests: ["m/a", "m/b"], isKnownFromReruns: true)])
        #expect(board.apply(history.events[2], now: History.at(0)).isEmpty)
        var known = DayBoard()
        _ = known.apply(history.events[2], now: History.at(0))
        #expect(known.apply(history.events[0], now: History.at(0)) == [.succeed(theDay, manifests: ["m/a"])])
    }
}
