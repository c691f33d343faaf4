import Contracts
import Foundation
import Testing

@testable import Monitor

@Suite("Day board")
struct DayBoardTests {
    private var history = History()
    private var board = DayBoard()
    private var told = Told()

    @Test("a day goes from planned over running to done, and is told once")
    mutating func plain() {
        let job = history.job("a")
        history.expect(job)
        history.add(.started, job)
        history.add(.progressed, job, figures: ["records": 5, "pages": 1])
        history.add(.completed, job, manifest: "m/a", figures: ["records": 9, "pages": 2])
        var states: [DayBoard.Status?] = []
        for event in history.events {
            board.apply([event], &told)
            states.append(board.row()?.status)
        }
        #expect(states == [.planned, .running, .running, .done])
        #expect(told.tags == [theDay: .success(["m/a"])] && told.alerts.isEmpty)
        let row = board.row()
        #expect(row?.figures == ["records": 9, "pages": 2] && row?.jobs == 1 && row?.jobsDone == 1)
        #expect(row?.schedule == "daily" && row?.worker == "w@0" && row?.failure == nil)
    }

    @Test("a day that was fanned out is complete only when its last leaf is")
    mutating func fanOut() {
        let root = history.job("a")
        history.expect(root)
        history.add(.planned, root, children: ["b", "c"])
        history.complete(history.job("b", parent: "a", root: "a"), records: 2)
        history.add(.planned, history.job("c", parent: "a", root: "a"), children: ["d", "e"])
        history.complete(history.job("d", parent: "c", root: "a"), records: 3)
        board.apply(history.events, &told)
        #expect(board.row()?.status == .running && told.tags.isEmpty)
        let known = history.events.count
        history.complete(history.job("e", parent: "c", root: "a"), records: 4)
        board.apply(Array(history.events[known...]), &told)
        #expect(board.row()?.status == .done && board.row()?.figures["records"] == 9)
        #expect(told.tags == [theDay: .success(["m/b", "m/d", "m/e"])])
    }

    @Test("a child that fails fails the day, and its completion after a redrive makes it whole")
    mutating func childFails() {
        let root = history.job("a")
        let child = history.job("b", parent: "a", root: "a")
        history.add(.planned, root, children: ["b", "c"])
        history.complete(history.job("c", parent: "a", root: "a"))
        history.add(.failed, child, attempt: 5, reason: "vendor-gone")
        board.apply(history.events, &told)
        #expect(board.row()?.status == .failed && board.row()?.failure?.reason == "vendor-gone")
        #expect(told.alerts == ["firing \(theDay.alertKey)"])
        let known = history.events.count
        history.add(.started, child, attempt: 1)
        board.apply(Array(history.events[known...]), &told)
        #expect(board.row()?.status == .running)
        guard case .failure = told.tags[theDay] else {
            Issue.record("a day that failed keeps its tag until it is done")
            return
        }
        history.complete(child)
        board.apply(Array(history.events.suffix(1)), &told)
        #expect(told.tags == [theDay: .success(["m/b", "m/c"])])
        #expect(told.alerts == ["firing \(theDay.alertKey)", "resolved \(theDay.alertKey)"])
    }

    @Test("a job that names an ancestor, itself or strangers as children is never done, and costs no time")
    mutating func cycles() {
        let root = history.job("a")
        history.add(.planned, root, children: ["b", "a"])
        history.add(.planned, history.job("b", parent: "a", root: "a"), children: ["a"])
        board.apply(history.events, &told)
        #expect(board.row()?.status == .running)
        // Each of 60 levels names both jobs of the next one: 2^60 paths.
        var wide = History()
        wide.day = "2026-03-02"
        wide.add(.planned, wide.job("r"), children: ["l0", "r0"])
        for level in 0..<60 {
            for side in ["l", "r"] {
                wide.add(
                    .planned, wide.job("\(side)\(level)", parent: level == 0 ? "r" : "l\(level - 1)", root: "r"),
                    children: ["l\(level + 1)", "r\(level + 1)"])
            }
        }
        wide.complete(wide.job("l60", parent: "l59", root: "r"))
        wide.complete(wide.job("r60", parent: "l59", root: "r"))
        board.apply(wide.events, &told)
        #expect(board.rows(now: History.start).first { $0.key.day == "2026-03-02" }?.status == .done)
    }

    @Test("a higher revision reopens a day that was done, and takes its tag back")
    mutating func reopens() {
        let job = history.job("a")
        history.expect(job)
        history.complete(job, records: 10)
        board.apply(history.events, &told)
        #expect(told.tags[theDay] == .success(["m/a"]))
        let rerun = history.job("a", revision: 1)
        let known = history.events.count
        history.add(.started, rerun)
        board.apply(Array(history.events[known...]), &told)
        #expect(told.tags.isEmpty && board.row()?.status == .running && board.row()?.figures.isEmpty == true)
        history.complete(job, records: 99)
        board.apply(Array(history.events.suffix(1)), &told)
        #expect(told.tags.isEmpty, "an event of the revision before changes nothing")
        history.complete(rerun, records: 11)
        board.apply(Array(history.events.suffix(1)), &told)
        #expect(told.tags[theDay] == .success(["m/a"]) && board.row()?.figures["records"] == 11)
        #expect(told.alerts.isEmpty)
    }

    @Test("a rerun whose start wasn't heard of is verified and told all the same: its manifest has the same name")
    mutating func silentRerun() {
        history.complete(history.job("a"))
        history.complete(history.job("a", revision: 1))
        let first = board.apply(history.events[0], now: History.start)
        let second = board.apply(history.events[1], now: History.start)
        #expect(first == [.succeed(theDay, manifests: ["m/a"])] && second == first)
    }

    @Test("all jobs that a schedule promises for a day are needed, those of another schedule too")
    mutating func jobsOfDay() {
        for hour in 0..<3 { history.expect(history.job("h\(hour)"), schedule: "hourly", jobsOfDay: 4) }
        history.expect(history.job("x"), schedule: "extra", jobsOfDay: 1)
        for id in ["h0", "h1", "h2", "x"] { history.complete(history.job(id)) }
        board.apply(history.events, &told)
        #expect(told.tags.isEmpty && board.row()?.jobs == 5 && board.row()?.jobsDone == 4)
        let known = history.events.count
        history.expect(history.job("h3"), schedule: "hourly", jobsOfDay: 4)
        history.complete(history.job("h3"))
        board.apply(Array(history.events[known...]), &told)
        #expect(told.tags == [theDay: .success(["m/h0", "m/h1", "m/h2", "m/h3", "m/x"])])
    }

    @Test("a deadline that passes is told once; the success that comes later takes it back")
    mutating func late() {
        history.deadline = History.at(50)
        let job = history.job("a")
        history.expect(job)
        history.add(.started, job)
        board.apply(history.events, &told)
        told.carryOut(board.check(now: History.at(49)))
        #expect(told.tags.isEmpty)
        for second in 50..<60 { told.carryOut(board.check(now: History.at(second))) }
        #expect(told.alerts == ["firing \(theDay.alertKey)"])
        #expect(board.row(now: History.at(60))?.status == .late)
        guard case .failure(let failure) = told.tags[theDay] else {
            Issue.record("no tag")
            return
        }
        #expect(
            failure.reason == "deadline" && failure.message.contains("2026-03-01T16:00:50.000Z")
                && failure.message.contains("open: a"))
        history.complete(job)
        told.carryOut(board.apply(history.events[2], now: History.at(70)))
        #expect(told.tags == [theDay: .success(["m/a"])])
        #expect(told.alerts == ["firing \(theDay.alertKey)", "resolved \(theDay.alertKey)"])
        #expect(board.check(now: History.at(1_000_000)).isEmpty, "who is done is never late")
    }

    @Test("a rerun long after the deadline isn't late")
    mutating func rerunIsNotLate() {
        history.deadline = History.at(50)
        history.expect(history.job("a"))
        history.complete(history.job("a"))
        history.add(.started, history.job("a", revision: 1))
        board.apply(Array(history.events[..<2]), &told)
        told.carryOut(board.apply(history.events[2], now: History.at(5000)))
        told.carryOut(board.check(now: History.at(5000)))
        #expect(told.alerts.isEmpty && board.row(now: History.at(5000))?.status == .running)
    }

    @Test("of several failures the first is the reason; when it is redriven, the next one is told")
    mutating func firstFailure() {
        for id in ["a", "b"] { history.expect(history.job(id), jobsOfDay: 2) }
        history.add(.failed, history.job("b"), reason: "first")
        history.add(.failed, history.job("a"), reason: "second")
        board.apply(history.events, &told)
        #expect(board.row()?.failure?.reason == "first" && told.alerts.count == 1)
        let known = history.events.count
        history.complete(history.job("b"))
        board.apply(Array(history.events[known...]), &told)
        #expect(board.row()?.failure?.reason == "second")
        guard case .failure(let failure) = told.tags[theDay] else {
            Issue.record("no tag")
            return
        }
        #expect(failure.reason == "second")
        #expect(told.alerts.count == 2 && told.firing == [theDay.alertKey])
    }

    @Test("manifests that don't verify fail the day; a rerun, or the same job completed again, is verified anew")
    mutating func mismatch() {
        history.complete(history.job("a"))
        board.apply(history.events, &told)
        let reason = JobEvent.Failure(reason: "manifest-mismatch", message: "not what it says")
        told.carryOut(board.mismatched(theDay, reason, now: History.at(5)))
        #expect(told.tags[theDay] == .failure(reason) && board.row()?.status == .failed && board.row()?.failure == reason)
        told.carryOut(board.mismatched(theDay, reason, now: History.at(6)))
        #expect(told.alerts.count == 1)
        history.complete(history.job("a"))
        #expect(board.apply(history.events[1], now: History.at(7)) == [.succeed(theDay, manifests: ["m/a"])])
        told.carryOut(board.mismatched(theDay, reason, now: History.at(8)))
        history.add(.started, history.job("a", revision: 1))
        told.carryOut(board.apply(history.events[2], now: History.at(9)))
        #expect(board.row()?.status == .running)
    }

    @Test("a part without a manifest makes the whole one that can't be verified")
    mutating func noManifest() {
        history.complete(history.job("a"))
        history.add(.completed, history.job("b"))
        #expect(board.apply(history.events[0], now: History.start) == [.succeed(theDay, manifests: ["m/a"])])
        #expect(board.apply(history.events[1], now: History.start) == [.succeed(theDay, manifests: [])])
    }

    @Test("a cancelled job fails its day")
    mutating func cancelled() {
        history.add(.cancelled, history.job("a"), reason: "operator")
        board.apply(history.events, &told)
        #expect(board.row()?.status == .failed && board.row()?.failure?.reason == "operator")
    }

    @Test("events that nobody knows leave no trace")
    mutating func unknown() {
        history.add(.unknown, history.job("a"))
        board.apply(history.events, &told)
        #expect(board.rows(now: History.start).isEmpty && told == Told())
    }

    @Test("a job without a day has no row; its failure is told once, its completion resolves it, once")
    mutating func loose() {
        history.day = nil
        let job = history.job("a")
        let child = history.job("b", parent: "a", root: "a")
        history.add(.started, job)
        history.add(.planned, job, children: ["b"])
        history.add(.failed, child, reason: "broken")
        history.add(.failed, child, reason: "broken")
        board.apply(history.events, &told)
        #expect(told.alerts == ["firing job-failed/a"] && told.tags.isEmpty && board.rows(now: History.start).isEmpty)
        let known = history.events.count
        history.complete(child)
        history.complete(child)
        board.apply(Array(history.events[known...]), &told)
        board.apply(Array(history.events[2..<3]), &told)
        #expect(
            told.alerts == ["firing job-failed/a", "resolved job-failed/a"], "a failure that comes again late isn't one any more")
    }

    @Test("messages that couldn't be read are one trouble for each kind, however many, and over when a day brought none")
    mutating func unreadable() {
        for number in 0..<1000 {
            let stranger = Job(
                id: "unreadable-conversation-0-\(number)", kind: "conversation", source: JobReference.unknown,
                dataset: JobReference.unknown, createdAt: History.start)
            let event = JobEvent(
                .failed, of: stranger, at: History.at(number), attempt: 1,
                failure: JobEvent.Failure(reason: "malformed", message: "the message can't be read: id is missing"))
            told.carryOut(board.apply(event, now: History.at(number)))
        }
        #expect(told.alerts == ["firing job-failed/unreadable/conversation"])
        told.carryOut(board.check(now: History.at(86_000)))
        #expect(told.firing == ["job-failed/unreadable/conversation"])
        told.carryOut(board.check(now: History.at(999 + 86_401)))
        #expect(told.firing.isEmpty)
        // After a restart that finds no such event any more the alert is over too.
        var later = DayBoard()
        #expect(
            later.resume(firing: ["job-failed/unreadable/conversation", "job-failed/a"], now: History.start)
                == [.resolve(key: "job-failed/unreadable/conversation")])
    }

    @Test(
        "complete days beyond the limit are forgotten, oldest first, by source and data set; open ones are kept four times as long"
    )
    mutating func prunes() {
        var small = DayBoard(keep: 3)
        func event(_ kind: JobEvent.Kind, _ number: Int, dataset: String) -> JobEvent {
            var job = history.job("\(dataset)-\(number)")
            job.dataset = dataset
            job.day = "2026-0\(1 + number / 28)-\(10 + number % 28 % 19)"
            return JobEvent(kind, of: job, at: History.at(number), manifest: kind == .completed ? "m" : nil)
        }
        for number in 0..<15 { _ = small.apply(event(.completed, number, dataset: "a"), now: History.start) }
        for number in 0..<2 { _ = small.apply(event(.completed, number, dataset: "b"), now: History.start) }
        for number in 0..<15 { _ = small.apply(event(.started, number, dataset: "c"), now: History.start) }
        let rows = Dictionary(grouping: small.rows(now: History.start), by: \.key.dataset).mapValues {
            $0.map(\.key.day).sorted()
        }
        #expect(rows["a"] == ["2026-01-22", "2026-01-23", "2026-01-24"])
        #expect(rows["b"]?.count == 2)
        #expect(rows["c"]?.count == 12)
    }

    @Test("jobs without a day don't gather for ever, and who is open is kept longest")
    mutating func prunesLoose() {
        history.day = nil
        let failing = history.job("open")
        _ = board.apply(JobEvent(.failed, of: failing, at: History.start), now: History.start)
        for number in 0..<25_000 {
            _ = board.apply(JobEvent(.completed, of: history.job("j\(number)"), at: History.at(number)), now: History.start)
        }
        #expect(
            board.apply(JobEvent(.completed, of: failing, at: History.at(30_000)), now: History.start) == [
                .resolve(key: "job-failed/open")
            ])
    }
}
