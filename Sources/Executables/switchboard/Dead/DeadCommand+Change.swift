import ArgumentParser
import Contracts
import Foundation
import Operations

extension DeadCommand {
    /// `switchboard dead redrive`.
    struct Redrive: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Sends dead letters back to work: a few first, then, if they succeed, the rest at a rate.",
            discussion: """
                Key and value go back untouched to jobs.<kind>. Each letter is marked in the transaction that sends it back, so \
                running the command again sends back only the rest. Of several letters of one job the newest goes back.

                Letters that can't be read, were redriven three times, are of another kind, whose job completed or was rerun \
                since, or whose deadline has passed stay, unless --force; a value that was cut always stays.

                Exit codes: 0 sent back or nothing to do, 1 error, 2 there is something to send back and --execute was not \
                given, 3 stopped because too many died again or did not succeed, 64 wrong usage.
                """)

        static let examples = """
            switchboard dead redrive conversation --error vendor-unavailable
            switchboard dead redrive conversation --error vendor-unavailable --execute
            switchboard dead redrive conversation --source genesys/main --canary 50 --rate 5 --max-new-deaths 1% --execute
            switchboard dead redrive conversation --at 3:42 --force --execute
            """

        @OptionGroup var options: DeadOptions
        @OptionGroup(title: "Letters") var errors: DeadErrorOptions
        @OptionGroup(title: "Letters") var filter: DeadFilterOptions

        @Option(help: "The most letters that are sent back, the oldest first.")
        var limit = 10_000

        @Option(help: ArgumentHelp("How many go first; 95 % of them must succeed. 0 for none.", valueName: "letters"))
        var canary = 20

        @Option(help: ArgumentHelp("How long the first ones may take.", valueName: "duration"))
        var canaryWait = "5m"

        @Option(help: ArgumentHelp("Letters a second after the first ones, such as 20 or 0.5.", valueName: "rate"))
        var rate = "20"

        @Option(help: ArgumentHelp("Stop when more than so many, or this share, die again.", valueName: "count|percent"))
        var maxNewDeaths = "5%"

        @Flag(help: "Also letters that would stay otherwise.")
        var force = false

        @Flag(help: "Send them back. Without it the plan is only shown.")
        var execute = false

        @Flag(help: "Print the plan, or what was done, as JSON.")
        var json = false

        func run() async throws {
            let now = Date()
            let filter = try self.filter.filter(errors: errors.error, now: now)
            let policy = try policy()
            guard (1...1_000_000).contains(limit) else {
                throw UsageProblem("--limit", given: "\(limit)", allowed: "1 to 1000000")
            }
            let (operations, topics) = try await options.operations(reporting: "sent back")
            let target = topics.jobs(options.kind)
            let (kind, limit, force, json, execute) = (options.kind, limit, force, json, execute)
            @Sendable func plan(_ selection: DeadOperations.Selection) -> RedrivePlan {
                RedrivePlan(selection.letters, kind: kind, limit: limit, known: selection.known, force: force, now: now)
            }
            guard execute else {
                let selection = try await Interruption.cancelling { try await operations.select(filter) }.result
                let plan = plan(selection)
                if json {
                    try Output.json(RedriveText.report(plan, selection, target: target, nil))
                } else {
                    Output.result(RedriveText.plan(plan, selection, target: target, policy))
                }
                guard !plan.letters.isEmpty else { return }
                Output.note("nothing was sent back; repeat with --execute")
                throw Ending.hasWork
            }
            let (selection, done, report) = try await Interruption.cancelling {
                // Only once nobody else may: between two readings another command could send the same letters back.
                try await operations.withRight { transactions in
                    let selection = try await operations.select(filter)
                    let plan = plan(selection)
                    if !json { Output.result(RedriveText.plan(plan, selection, target: target, policy)) }
                    guard !plan.letters.isEmpty else { return (selection, plan, RedriveReport()) }
                    let report = try await operations.redrive(
                        plan, of: selection, policy, by: OperatorName.current, transactions)
                    return (selection, plan, report)
                }
            }.result
            if json { try Output.json(RedriveText.report(done, selection, target: target, report)) }
            if !done.letters.isEmpty { Output.note(RedriveText.outcome(report)) }
            if let stopped = report.stopped {
                Output.note("stopped: \(stopped)")
                throw report.wasInterrupted ? Ending.interrupted : Ending.refused
            }
            if selection.isTruncated { Output.note("there are more letters than one command holds; run it again for the rest") }
        }

        private func policy() throws -> RedrivePolicy {
            var policy = RedrivePolicy()
            guard (0...1_000).contains(canary) else { throw UsageProblem("--canary", given: "\(canary)", allowed: "0 to 1000") }
            policy.canary = canary
            policy.canaryWait = try DurationOption.parse(canaryWait, "--canary-wait") ?? policy.canaryWait
            let number = rate.hasSuffix("/s") ? rate.dropLast(2) : rate[...]
            guard let rate = Double(number), rate >= 0.001, rate <= 10_000 else {
                throw UsageProblem("--rate", given: rate, allowed: "letters a second, 0.001 to 10000, such as 20 or 20/s")
            }
            policy.rate = rate
            guard let limit = RedrivePolicy.DeathLimit(maxNewDeaths) else {
                throw UsageProblem("--max-new-deaths", given: maxNewDeaths, allowed: "a count such as 10 or a share such as 5%")
            }
            policy.deathLimit = limit
            return policy
        }
    }

    /// `switchboard dead discard`.
    struct Discard: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Puts dead letters away, so that they are no longer listed or sent back. Nothing is deleted.",
            discussion: """
                Needs at least one filter, or --everything.

                Exit codes: 0 done or nothing to do, 1 error, 2 there is something to do and --execute was not given, 64 wrong \
                usage.
                """)

        static let examples = """
            switchboard dead discard conversation --unreadable --reason "old producer, mended in 1.4" --execute
            switchboard dead discard conversation --at 3:42,3:43 --reason "days are no longer wanted"
            """

        @OptionGroup var options: DeadOptions
        @Option(help: ArgumentHelp("Only these classes of failures, such as malformed; commas between.", valueName: "class"))
        var error: [String] = []

        @OptionGroup(title: "Letters") var filter: DeadFilterOptions

        @Option(help: "Why, one line; it is kept in the mark.")
        var reason: String

        @Flag(help: "All letters of the kind.")
        var everything = false

        @Flag(help: "Put them away. Without it the plan is only shown.")
        var execute = false

        @Flag(help: "Print the plan as JSON.")
        var json = false

        private struct Report: Encodable {
            let discard: [DeadRow]
            let total: Int
            let reason: String
            let executed: Bool
        }

        func run() async throws {
            let now = Date()
            let filter = try self.filter.filter(errors: error, now: now)
            guard !filter.isEmpty || everything else {
                throw UsageProblem(
                    "it doesn't say which letters; give a filter such as --error, --at or --since, or --everything")
            }
            guard !reason.isEmpty, reason.utf8.count <= 500, !reason.contains(where: \.isNewline) else {
                throw UsageProblem("--reason", given: reason, allowed: "one line of 1 to 500 bytes")
            }
            let (operations, _) = try await options.operations(reporting: "marked")
            let (reason, execute, json) = (reason, execute, json)
            @Sendable func show(_ selection: DeadOperations.Selection) throws {
                let rows = selection.letters.map { DeadRow($0, mark: nil) }
                if json {
                    try Output.json(Report(discard: rows, total: rows.count, reason: reason, executed: execute))
                    return
                }
                if !rows.isEmpty { Output.result(DeadRow.table(Array(rows.prefix(20)))) }
                if rows.count > 20 { Output.result("… \(rows.count - 20) more\n") }
                Output.result(
                    "\(rows.count) to put away" + (selection.marked > 0 ? "; \(selection.marked) were dealt with before\n" : "\n")
                )
            }
            let selection: DeadOperations.Selection
            if execute {
                selection = try await Interruption.cancelling {
                    try await operations.withRight { transactions in
                        let selection = try await operations.select(filter)
                        try show(selection)
                        try await operations.discard(
                            selection, by: OperatorName.current, reason: reason, now: now, transactions)
                        return selection
                    }
                }.result
                Output.note("\(selection.letters.count) letter\(selection.letters.count == 1 ? "" : "s") put away")
            } else {
                selection = try await Interruption.cancelling { try await operations.select(filter) }.result
                try show(selection)
            }
            if selection.isTruncated { Output.note("there are more letters than one command holds; run it again for the rest") }
            if !execute, !selection.letters.isEmpty {
                Output.note("nothing was put away; repeat with --execute")
                throw Ending.hasWork
            }
        }
    }
}
