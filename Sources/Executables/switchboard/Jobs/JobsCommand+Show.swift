import ArgumentParser
import Contracts
import Foundation
import Operations

extension JobsCommand {
    /// `switchboard jobs status`.
    struct Status: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Shows everything that is known of a job: its state, parts, failure with advice, and events.",
            discussion: "Exit codes: 0 shown, 1 error or nothing is known of the job, 64 wrong usage.")

        static let examples = """
            switchboard jobs status conversations-20260228T160000Z-20260301T160000Z
            switchboard jobs status conversations-20260228T160000Z-20260301T160000Z --json | jq .summary.state
            """

        @Argument(help: "The id of a root or of a part.")
        var id: String

        @Flag(help: "Show every event, not only the latest.")
        var all = false

        @Flag(help: "Print it as JSON.")
        var json = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        func run() async throws {
            try JobFilterOptions.check(id: id)
            let id = id
            let (kafka, topics) = try await connection.connect()
            let operations = JobOperations(kafka, topics: topics, report: JobOperations.progress("read"))
            let events = try await Interruption.cancelling { try await operations.story(of: id).events }.result
            guard let story = JobStory(of: id, events: events) else {
                throw Failure(
                    "nothing is known of \(id): \(topics.jobEvents) holds no event of it; `switchboard jobs list` shows what is known"
                )
            }
            if json {
                try Output.json(story.report)
            } else {
                Output.result(story.text(everyEvent: all))
            }
        }
    }

    /// `switchboard jobs list`.
    struct List: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Lists roots with their states, the last heard of first.",
            discussion: "Exit codes: 0 shown, 1 error, 64 wrong usage.")

        static let examples = """
            switchboard jobs list
            switchboard jobs list --state failed --since @-30d
            switchboard jobs list --day 2026-03-01 --source genesys/main --json | jq -r '.jobs[].id'
            """

        @OptionGroup(title: "Jobs") var filter: JobFilterOptions

        @Option(help: ArgumentHelp("Only what was heard of since then.", valueName: "time"))
        var since = "@-7d"

        @Option(help: "The zone of local times.")
        var zone: String?

        @Option(help: "The most jobs that are listed.")
        var limit = 100

        @Flag(help: "Print them as JSON.")
        var json = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        private struct Report: Encodable {
            let jobs: [JobSummary]
            let total: Int
            let unreadableEvents: Int
        }

        func run() async throws {
            let filter = try filter.filter()
            guard limit > 0 else { throw UsageProblem("--limit", given: "\(limit)", allowed: "1 or more") }
            let since = try TimeExpression.parse(
                since, option: "--since", now: Date(), zone: try TimeExpression.zone(zone))
            let (kafka, topics) = try await connection.connect()
            let operations = JobOperations(kafka, topics: topics, report: JobOperations.progress("read"))
            let found = try await Interruption.cancelling { try await operations.history(filter, since: since) }.result
            let summaries = found.history.runs(matching: filter).compactMap { JobSummary($0) }
            let shown = Array(summaries.prefix(limit))
            if json {
                try Output.json(Report(jobs: shown, total: summaries.count, unreadableEvents: found.unreadable))
            } else {
                if !shown.isEmpty { Output.result(JobSummary.table(shown)) }
                if summaries.isEmpty { Output.note("no job since \(Timestamp.string(since)) matches") }
                if summaries.count > shown.count {
                    Output.note("\(summaries.count - shown.count) more; show them with --limit \(summaries.count)")
                }
            }
            if found.unreadable > 0 { Output.note("\(found.unreadable) events couldn't be read and are left out") }
            if found.history.isTruncated {
                Output.note("there are more than \(JobHistory.maximumRoots) jobs; give a later --since")
            }
        }
    }
}
