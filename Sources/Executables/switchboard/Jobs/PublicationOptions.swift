import ArgumentParser
import Foundation
import Operations

/// What the commands that publish jobs share: a plan is shown, and carried out only when that is asked for.
struct PublicationOptions: ParsableArguments {
    @Flag(help: "Publish the jobs. Without it the plan is only shown.")
    var execute = false

    @Flag(help: "Print the plan as JSON.")
    var json = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    /// Shows a plan and, if that is asked for, publishes it.
    ///
    /// The plan is made again once only this command may publish, so that two commands never publish the same job.
    ///
    /// - Parameters:
    ///   - asks: whether a person at a terminal is asked instead of being told to repeat the command.
    ///   - makePlan: reads what is known and decides.
    func run(
        asks: Bool = false, _ makePlan: @escaping @Sendable (JobOperations) async throws -> PublicationPlan,
        advice: @escaping @Sendable (PublicationPlan) -> String? = { _ in nil }
    ) async throws {
        let (kafka, topics) = try await connection.connect()
        let reading = JobOperations(kafka, topics: topics, report: JobOperations.progress("read"))
        let publishing = JobOperations(kafka, topics: topics, report: JobOperations.progress("published"))
        var execute = execute
        if !execute {
            let plan = try await Interruption.cancelling { try await makePlan(reading) }.result
            try show(plan, published: false)
            if plan.publications.isEmpty { return try end(plan) }
            guard asks, !json, Terminal.hasPerson else {
                Output.note("nothing was published; repeat with --execute to publish")
                throw Ending.hasWork
            }
            execute = Terminal.confirms("Publish \(plan.publications.count) jobs?")
            guard execute else {
                Output.note("nothing was published")
                throw Ending.hasWork
            }
        }
        let plan: PublicationPlan
        do {
            plan = try await self.publish(isShown: !self.execute, reading, publishing, makePlan)
        } catch let stopped as JobOperations.PublishingStopped {
            throw Failure(stopped.description, code: stopped.wasInterrupted ? Ending.interrupted : Ending.error)
        }
        if json { try show(plan, published: true) }
        if !plan.publications.isEmpty {
            Output.note("published \(plan.publications.count) job\(plan.publications.count == 1 ? "" : "s")")
        }
        if let advice = advice(plan) { Output.note(advice) }
        try end(plan)
    }

    private func publish(
        isShown: Bool, _ reading: JobOperations, _ publishing: JobOperations,
        _ makePlan: @escaping @Sendable (JobOperations) async throws -> PublicationPlan
    ) async throws -> PublicationPlan {
        let json = json
        return try await Interruption.cancelling {
            try await publishing.withRightToPublish { transactions in
                let plan = try await makePlan(reading)
                if !isShown, !json { Output.result(PublicationReport.text(plan)) }
                try await publishing.publish(plan.publications, transactions)
                return plan
            }
        }.result
    }

    private func show(_ plan: PublicationPlan, published: Bool) throws {
        if json {
            try Output.json(PublicationReport(plan, published: published))
        } else {
            Output.result(PublicationReport.text(plan))
        }
    }

    private func end(_ plan: PublicationPlan) throws { if !plan.refused.isEmpty { throw Ending.refused } }
}

/// A person at a terminal.
enum Terminal {
    /// Whether somebody can be asked.
    static var hasPerson: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// Asks; anything but yes is no.
    static func confirms(_ question: String) -> Bool {
        ProgressLine.shared.clear()
        FileHandle.standardError.write(Data("\(question) [y/N] ".utf8))
        let answer = readLine()?.lowercased() ?? ""
        return answer == "y" || answer == "yes"
    }
}
