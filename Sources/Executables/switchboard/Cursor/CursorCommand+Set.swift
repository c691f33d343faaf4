import ArgumentParser
import Contracts
import Foundation
import Kafka
import Operations
import Scheduler

extension CursorCommand {
    /// `switchboard cursor set`.
    struct Set: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Moves a schedule's cursor. Shows what would be published again or passed over; does it with --execute.",
            discussion: """
                The cursor is the end of the last interval that counts as published. Back, and the intervals behind it are \
                published again with the same job ids: what is complete is not redone (use `switchboard jobs rerun` for that). \
                On, and the intervals before it are never published.

                It is safe while schedulers run: the leader goes on from the new cursor within seconds, and nothing that it \
                publishes meanwhile is lost or repeated.

                Exit codes: 0 nothing to do or done, 1 error, 2 there is something to do and --execute was not given, 3 refused: \
                the cursor would cut an interval in two, or somebody else has moved it; 64 wrong usage.
                """)

        static let examples = """
            # which intervals would be published again? (midnight by the schedule's zone)
            switchboard cursor set conversations --to 2026-03-01 --schedules config/schedules.yaml
            switchboard cursor set conversations --to 2026-03-01 --schedules config/schedules.yaml --execute
            switchboard cursor set conversations --to 2026-02-28T16:00:00Z --execute
            """

        @Argument(help: "The schedule's name.")
        var schedule: String

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "The new cursor: 2026-03-01T16:00:00Z, @-2h, or a local time in --zone or the schedule's own zone.",
                valueName: "time"))
        var to: String

        @Option(
            help: ArgumentHelp("The file of schedules: shows intervals and checks the cursor against them.", valueName: "file"),
            completion: .file(extensions: ["yaml", "yml"]))
        var schedules: String?

        @Option(help: ArgumentHelp("The zone of local times in --to; times are shown in it too.", valueName: "zone"))
        var zone: String?

        @Flag(help: "Allow a cursor inside of an interval: the rest of it becomes a job of its own.")
        var insideInterval = false

        @Flag(help: "Print the plan as JSON.")
        var json = false

        @Flag(help: "Carry out the plan.")
        var execute = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        func run() async throws {
            let now = Date()
            let definitions = try schedules.map { path throws(UsageProblem) in
                try ScheduleFile.read(path, option: "--schedules")
            }
            let definition = definitions?[schedule]
            let zone = try TimeExpression.zone(zone) ?? definition?.zone
            let cursor = try TimeExpression.parse(to, option: "--to", now: now, zone: zone)
            let (kafka, names) = try await connection.connect()
            let states = try await ScheduleStateReader(kafka, topic: names.scheduleState).read().states
            guard states[schedule] != nil || definition != nil else {
                throw UnknownSchedule.problem(
                    schedule, Array(Swift.Set(states.keys).union(definitions?.keys ?? [:].keys)).sorted())
            }
            if definitions != nil, definition == nil {
                throw UsageProblem("--schedules: the file has no schedule \"\(TerminalText.escaped(schedule, limit: 100))\"")
            }
            let plan = CursorPlan(
                schedule: schedule, old: states[schedule], to: cursor, definition: definition, by: OperatorName.current, now: now)
            try show(plan, TimeText(zone: zone))
            if plan.isEmpty {
                Output.note("nothing to do")
                return
            }
            if let cut = plan.cut, !insideInterval {
                throw Failure(
                    "refused: \(Timestamp.string(plan.new.lastIntervalEnd)) lies inside of the interval \(cut); "
                        + "take one of its ends, or allow it with --inside-interval", code: Ending.refused)
            }
            guard execute else {
                Output.note("nothing was changed; repeat with --execute to carry out the plan")
                throw Ending.hasWork
            }
            try await carryOut(plan, CursorMover(kafka, topics: names))
        }

        private func carryOut(_ plan: CursorPlan, _ mover: CursorMover) async throws {
            let moved: ScheduleState
            do {
                moved = try await mover.move(to: plan.new, from: plan.old)
            } catch let changed as CursorMover.Changed {
                throw Failure("refused: \(changed)", code: Ending.refused)
            }
            ProgressLine.shared.show("the cursor is moved; looking whether it stands …")
            switch try await mover.confirm(moved) {
            case .stands(let state) where state.movedBy == nil:
                Output.note("done: the scheduler has gone on from it, to \(Timestamp.string(state.lastIntervalEnd))")
            case .stands:
                Output.note("done: the cursor stands; the scheduler goes on from it when something is due")
            case .overwritten(let state):
                throw Failure(
                    "the cursor was moved, but something wrote over it: it is at "
                        + "\(state.map { Timestamp.string($0.lastIntervalEnd) } ?? "nothing"); repeat, or stop the scheduler first"
                )
            }
        }

        private func show(_ plan: CursorPlan, _ times: TimeText) throws {
            guard !json else {
                try Output.json(CursorDocument(plan))
                return
            }
            var text = "schedule \(TerminalText.escaped(plan.new.schedule))\n"
            text += "  cursor now  \(plan.old.map { times.text($0.lastIntervalEnd) } ?? "never published")\n"
            text += "  cursor then \(times.text(plan.new.lastIntervalEnd))\n"
            let intervals = plan.repeated.isEmpty ? plan.skipped : plan.repeated
            if let count = plan.count {
                let word = plan.repeated.isEmpty ? "passed over, never published" : "published again"
                let more = count == CursorPlan.maximumIntervals ? "or more " : ""
                text += "\(count) \(more)intervals would be \(word)\(count == 0 ? "" : ":")\n"
                for interval in intervals { text += "  \(times.text(interval.start))  to  \(times.text(interval.end))\n" }
                if count > intervals.count { text += "  … and \(count - intervals.count) more\n" }
            } else {
                text += "which intervals that concerns is told with --schedules FILE\n"
            }
            if let tick = plan.tick { text += Self.what(tick, times) }
            Output.result(text)
        }

        private static func what(_ tick: ScheduleTick, _ times: TimeText) -> String {
            var text = ""
            for left in tick.leftOut.prefix(3) {
                text += "left out by the schedule's catch-up policy: \(times.text(left.start))  to  \(times.text(left.end)); "
                text += "use switchboard jobs backfill for it\n"
            }
            if !tick.due.isEmpty {
                text +=
                    "the scheduler then publishes \(tick.due.count) jobs at once\(tick.hasMore ? ", and more after them" : "")\n"
            } else if let due = tick.nextDue {
                text += "the scheduler then publishes the next job at \(times.text(due))\n"
            }
            return text
        }
    }
}

/// A plan as JSON.
private struct CursorDocument: Encodable {
    let schedule: String
    let old: Date?
    let new: Date
    let intervals: Int?
    let repeated: [Interval]
    let skipped: [Interval]
    let leftOut: [Interval]
    let dueAtOnce: Int?
    let inside: Interval?
    let isChange: Bool

    init(_ plan: CursorPlan) {
        schedule = plan.new.schedule
        old = plan.old?.lastIntervalEnd
        new = plan.new.lastIntervalEnd
        intervals = plan.count
        repeated = plan.repeated
        skipped = plan.skipped
        leftOut = plan.tick?.leftOut ?? []
        dueAtOnce = plan.tick?.due.count
        inside = plan.cut
        isChange = !plan.isEmpty
    }
}
