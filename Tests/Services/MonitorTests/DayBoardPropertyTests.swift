import Contracts
import Foundation
import TestSupport
import Testing

@testable import Monitor

/// Random histories of days, with what must be known at their end.
@Suite("Day board: any order, any doubling")
struct DayBoardPropertyTests {
    @Test("the same events in any order and doubled give the same rows, and the last tag is right", arguments: 1...40)
    func anyOrder(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var day = RandomDay()
        day.make(&random)
        let now = History.at(100_000)
        var told = Told()
        var board = DayBoard()
        for event in day.history.events { told.carryOut(board.apply(event, now: now)) }
        let rows = board.rows(now: now)
        #expect(rows.map(\.status) == [day.expectedStatus], "seed \(seed)")
        if day.expectedStatus == .done {
            #expect(told.tags == [theDay: .success(day.expectedManifests)], "seed \(seed)")
            #expect(rows.first?.figures["records"] == day.expectedRecords, "seed \(seed)")
            #expect(told.firing.isEmpty)
        }
        for round in 0..<15 {
            var events = day.history.events
            events += (0..<Int.random(in: 0...events.count, using: &random)).compactMap { _ in
                events.randomElement(using: &random)
            }
            events.shuffle(using: &random)
            var shuffledBoard = DayBoard()
            var shuffledTold = Told()
            for event in events { shuffledTold.carryOut(shuffledBoard.apply(event, now: now)) }
            #expect(shuffledBoard.rows(now: now) == rows, "seed \(seed), round \(round)")
            // What an order made believe for a while is corrected at the end.
            if day.expectedStatus == .done || day.expectedStatus == .failed {
                #expect(shuffledTold.tags == told.tags, "seed \(seed), round \(round)")
                #expect(shuffledTold.firing == told.firing, "seed \(seed), round \(round)")
            }
        }
    }

    @Test("a board that is rebuilt at any moment goes on as if nothing had happened", arguments: 1...40)
    func restart(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var day = RandomDay()
        day.history.deadline = History.at(Int.random(in: 1...60, using: &random))
        day.make(&random)
        let events = day.history.events
        var steady = DayBoard()
        var steadyTold = Told()
        for event in events {
            steadyTold.carryOut(steady.apply(event, now: event.at))
            steadyTold.carryOut(steady.check(now: event.at))
        }
        for stop in stride(from: 0, through: events.count, by: 3) {
            var board = DayBoard()
            var told = Told()
            for event in events[..<stop] {
                told.carryOut(board.apply(event, now: event.at))
                told.carryOut(board.check(now: event.at))
            }
            let before = board.rows(now: History.at(stop))
            let alerts = told.alerts
            board = DayBoard()
            for event in events[..<stop] { _ = board.apply(event, now: .distantPast) }
            told.carryOut(board.resume(firing: told.firing, now: History.at(max(0, stop - 1))))
            told.carryOut(board.check(now: History.at(max(0, stop - 1))))
            #expect(told.alerts == alerts, "seed \(seed): nothing is told twice after \(stop)")
            #expect(board.rows(now: History.at(stop)) == before, "seed \(seed): after \(stop)")
            for event in events[stop...] {
                told.carryOut(board.apply(event, now: event.at))
                told.carryOut(board.check(now: event.at))
            }
            #expect(told.tags == steadyTold.tags && told.firing == steadyTold.firing, "seed \(seed): stopped after \(stop)")
        }
    }

    @Test("a deadline that passed while nobody looked is told at the next start")
    func lateMeanwhile() {
        var history = History()
        history.deadline = History.at(10)
        history.expect(history.job("a"))
        var board = DayBoard()
        for event in history.events { _ = board.apply(event, now: .distantPast) }
        var told = Told()
        told.carryOut(board.resume(firing: [], now: History.at(100)))
        told.carryOut(board.check(now: History.at(100)))
        #expect(told.alerts == ["firing \(theDay.alertKey)"])
    }

    @Test("a complete day whose alert still fires is verified again at the next start")
    func mismatchIsVerifiedAgain() {
        var history = History()
        history.complete(history.job("a"))
        var board = DayBoard()
        for event in history.events { _ = board.apply(event, now: .distantPast) }
        #expect(board.resume(firing: [], now: History.at(100)).isEmpty)
        #expect(board.resume(firing: [theDay.alertKey], now: History.at(100)) == [.succeed(theDay, manifests: ["m/a"])])
    }

    @Test("a failed day that nobody was told of is told at the next start, and only then")
    func untoldFailure() {
        var history = History()
        history.add(.failed, history.job("a"), reason: "broken")
        var board = DayBoard()
        for event in history.events { _ = board.apply(event, now: .distantPast) }
        var told = Told()
        told.carryOut(board.resume(firing: [], now: History.at(100)))
        #expect(told.alerts == ["firing \(theDay.alertKey)"])
        #expect(board.resume(firing: [theDay.alertKey], now: History.at(100)).isEmpty)
    }
}

/// Makes a history and says what must come of it.
private struct RandomDay {
    var history = History()
    private(set) var expectedStatus = DayBoard.Status.done
    private(set) var expectedManifests: [String] = []
    private(set) var expectedRecords = 0
    private var lastID = 0
    private var isOpen = false
    private var isFailed = false

    mutating func make(_ random: inout SplitMix) {
        let roots = Int.random(in: 1...3, using: &random)
        let jobs = (0..<roots).map { history.job("root\($0)") }
        for job in jobs { history.expect(job, jobsOfDay: roots) }
        for job in jobs {
            let rerun = Int.random(in: 0..<4, using: &random) == 0
            let before = (expectedManifests, expectedRecords, isOpen, isFailed)
            run(job, depth: 0, &random)
            guard rerun else { continue }
            (expectedManifests, expectedRecords, isOpen, isFailed) = before
            run(history.job(job.id, revision: 1), depth: 0, &random)
        }
        expectedManifests.sort()
        expectedStatus = isFailed ? .failed : isOpen ? .running : .done
    }

    /// One job with its attempts, and what it was fanned out to.
    private mutating func run(_ job: Job, depth: Int, _ random: inout SplitMix) {
        for attempt in 1...Int.random(in: 1...3, using: &random) {
            let worker = "w@\(Int.random(in: 0...2, using: &random))"
            history.add(.started, job, attempt: attempt, worker: worker)
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                history.add(
                    .progressed, job, attempt: attempt, worker: worker,
                    figures: ["records": Int.random(in: 0...50, using: &random)])
            }
            switch Int.random(in: 0..<4, using: &random) {
            case 0: history.add(.retrying, job, attempt: attempt, worker: worker, reason: "r\(attempt)")
            case 1: history.add(.snoozed, job, attempt: attempt, worker: worker, reason: "s\(attempt)")
            case 2: history.add(.failed, job, attempt: attempt, worker: worker, reason: "f\(attempt)")
            default: break
            }
        }
        history.add(.started, job, attempt: 4)
        switch Int.random(in: 0..<12, using: &random) {
        case 0: isOpen = true
        case 1:
            isFailed = true
            history.add(.failed, job, attempt: 4, reason: "given-up")
        case 2...5 where depth < 3:
            let children = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                lastID += 1
                return history.job("c\(lastID)", revision: job.revision, parent: job.id, root: job.root)
            }
            history.add(.planned, job, attempt: 4, children: children.map(\.id))
            for child in children { run(child, depth: depth + 1, &random) }
        default:
            let records = Int.random(in: 0...1000, using: &random)
            history.complete(job, records: records, manifest: "m/\(job.id).\(job.revision)")
            expectedManifests.append("m/\(job.id).\(job.revision)")
            expectedRecords += records
        }
    }
}
