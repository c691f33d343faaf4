import ArgumentParser
import Contracts
import Foundation
import Operations

extension JobsCommand {
    /// `switchboard jobs rerun`.
    struct Rerun: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Publishes the next revision of jobs that ended.",
            discussion: """
                Names jobs by their ids, or all ended ones of a business day, data set or source. Parameters are those of the \
                job's message, which is looked for in the job, retry and dead topics of its kind; where it isn't kept any more, \
                the command says how to submit the job with its parameters.

                Exit codes: 0 published or nothing to do, 1 error, 2 there is something to publish and --execute was not given, \
                3 a job was refused (the others are published), 64 wrong usage.
                """)

        static let examples = """
            switchboard jobs rerun conversations-20260228T160000Z-20260301T160000Z --execute
            switchboard jobs rerun --day 2026-03-01 --dataset conversations --source genesys/main
            switchboard jobs rerun --day 2026-03-01 --state failed --execute
            """

        @Argument(help: "Ids of roots.")
        var ids: [String] = []

        @OptionGroup(title: "Jobs") var filter: JobFilterOptions

        @Flag(help: "Also publish jobs that are active.")
        var force = false

        @OptionGroup var options: PublicationOptions

        func run() async throws {
            var filter = try filter.filter(ids: ids)
            guard filter.namesJobs else {
                throw UsageProblem("it doesn't say which jobs; give ids, or --day, --dataset, --source or --kind")
            }
            if ids.isEmpty, filter.states.isEmpty { filter.states = [.completed, .failed, .cancelled] }
            let (ids, chosen, force) = (ids, filter, force)
            let now = Date()
            try await options.run { operations in
                let history = try await operations.history(chosen, since: nil).history
                let wanted = ids.isEmpty ? history.runs(matching: chosen).map(\.root).sorted() : ids
                guard !wanted.isEmpty else { return PublicationPlan() }
                var kinds = Set(wanted.compactMap { history.latest($0)?.rootNode?.job.kind })
                // A job of which only the message is kept may be of any kind.
                if wanted.contains(where: { history.latest($0)?.rootNode == nil }) {
                    kinds.formUnion(try await operations.kinds())
                }
                let messages = try await operations.messages(of: wanted, kinds: kinds)
                return .rerun(wanted, known: { history.latest($0) }, messages: messages, force: force, now: now)
            }
        }
    }
}
