import ArgumentParser
import Contracts
import Foundation
import Operations
import Scheduler

extension JobsCommand {
    /// `switchboard jobs backfill`.
    struct BackfillDays: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            commandName: "backfill",
            abstract: "Publishes the jobs of a schedule over a range of business days.",
            discussion: """
                The jobs are those that the scheduler would publish: the same intervals under the same ids. What is known \
                already is left out, so an interrupted backfill is finished by running it again. Intervals that are active, and \
                those that aren't due yet, are always left out.

                --mode missing (the default) publishes what no job is known of; failed also what failed or was cancelled; all \
                also what completed, as its next revision. To finish an interrupted --mode all, give it the --revision that the \
                first run told.

                On a terminal it asks before it publishes; --execute, or --yes, publishes without a question.

                Exit codes: 0 published or nothing to do, 1 error, 2 there is something to publish and nobody said so, 3 more \
                than --max, 64 wrong usage.
                """)

        static let examples = """
            switchboard jobs backfill --schedule conversations --schedules schedules.yaml --from 2026-01-01 --to 2026-01-31
            switchboard jobs backfill --schedule conversations --schedules schedules.yaml --from 2026-01-01 --to 2026-01-31 \
            --mode failed --execute
            """

        @Option(help: "The schedule.")
        var schedule: String

        @Option(help: ArgumentHelp("The file of schedules.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
        var schedules: String

        @Option(help: ArgumentHelp("The first business day.", valueName: "yyyy-MM-dd"))
        var from: String

        @Option(help: ArgumentHelp("The last business day.", valueName: "yyyy-MM-dd"))
        var to: String

        @Option(help: ArgumentHelp("missing, failed or all.", valueName: "mode"))
        var mode = "missing"

        @Option(help: "The revision to reach; what has it is left out.")
        var revision: Int?

        @Option(help: ArgumentHelp("The most jobs that are published; more are refused.", valueName: "jobs"))
        var max = 1_000

        @Flag(help: "Publish without a question; the same as --execute.")
        var yes = false

        @OptionGroup var options: PublicationOptions

        func run() async throws {
            let definition = try ScheduleOption.load(schedule, from: schedules)
            let first = try day(from, "--from")
            let last = try day(to, "--to")
            guard first <= last else { throw UsageProblem("--to \(last) lies before --from \(first)") }
            guard let mode = Backfill.Mode(rawValue: mode) else {
                throw UsageProblem("--mode", given: mode, allowed: "missing, failed or all")
            }
            if let revision, revision < 0 { throw UsageProblem("--revision", given: "\(revision)", allowed: "0 or more") }
            let now = Date()
            let backfill = try Backfill(of: definition, from: first, to: last)
            if !options.json {
                Output.note(
                    "\(definition.name): \(definition.kind), \(definition.source), \(definition.dataset); "
                        + "\(backfill.intervals.count) intervals of \(definition.window) from \(first) to \(last) in \(definition.zone)"
                )
            }
            var options = options
            options.execute = options.execute || yes
            let (max, revision) = (max, revision)
            try await options.run(asks: true) { operations in
                let jobs = backfill.jobs(now: now)
                let known = try await operations.look(for: KnownJobs(ids: jobs.map(\.id)))
                let plan = backfill.plan(mode, revision: revision, known: known, now: now)
                if plan.publications.count > max {
                    throw Failure(
                        "\(PublicationReport.summary(plan)): more than --max \(max); allow it with --max \(plan.publications.count)",
                        code: Ending.refused)
                }
                let kinds = try await operations.kinds()
                guard plan.publications.isEmpty || kinds.contains(definition.kind) else {
                    throw Failure(
                        "there is no topic for jobs of kind \(definition.kind); make it with `switchboard topics apply --execute`"
                    )
                }
                return plan
            } advice: { plan in
                if plan.publications.count > 0, mode != .all {
                    return "follow them with `switchboard jobs watch --kind \(definition.kind)`"
                }
                guard mode == .all, let revision = Backfill.resumableRevision(of: plan) else { return nil }
                return "should some be missing, run it again with --revision \(revision)"
            }
        }

        private func day(_ text: String, _ option: String) throws(UsageProblem) -> CalendarDay {
            guard let day = CalendarDay(text), (1970...9998).contains(day.date.year) else {
                throw UsageProblem(option, given: text, allowed: "a business day yyyy-MM-dd")
            }
            return day
        }
    }
}
