import ArgumentParser
import Contracts
import Foundation
import Operations

/// What the commands that tell the workers something share.
struct ControlOptions: ParsableArguments {
    @Option(help: "Why, one line; shown by `switchboard jobs control`.")
    var reason: String?

    @Flag(help: "Tell the workers. Without it the plan is only shown.")
    var execute = false

    @Flag(help: "Print the plan as JSON.")
    var json = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    /// The reason, bounded and in one line.
    var checkedReason: String? {
        get throws(UsageProblem) {
            guard let reason else { return nil }
            guard reason.utf8.count <= 500, !reason.contains(where: \.isNewline) else {
                throw UsageProblem("--reason is longer than one line of 500 bytes; make it shorter")
            }
            return reason
        }
    }

    /// Shows a plan and, with `--execute`, carries it out.
    func run(
        _ makePlan: @escaping @Sendable (JobOperations, ControlState) async throws -> ControlPlan,
        afterwards: @escaping @Sendable (JobOperations, ControlPlan) async throws -> Void = { _, _ in }
    ) async throws {
        let (kafka, topics) = try await connection.connect()
        let operations = JobOperations(kafka, topics: topics, report: JobOperations.progress("read"))
        let (execute, json) = (execute, json)
        let plan = try await Interruption.cancelling {
            let plan = try await makePlan(operations, try await operations.control().state)
            if json {
                try Output.json(plan.report(executed: execute))
            } else {
                Output.result(plan.text)
            }
            guard execute, !plan.isEmpty else { return plan }
            try await operations.tell(plan.publish.map(\.control), takingBack: plan.takenBack)
            Output.note("the workers are told")
            try await afterwards(operations, plan)
            return plan
        }.result
        if !plan.refused.isEmpty { throw Ending.refused }
        if !execute, !plan.isEmpty {
            Output.note("nobody was told; repeat with --execute")
            throw Ending.hasWork
        }
    }
}

/// What a pause or limit is about.
struct ScopeOptions: ParsableArguments {
    @Option(help: "All jobs of this kind, such as conversation.")
    var kind: String?

    @Option(help: "All jobs of this vendor account, such as genesys/main, whatever their kind.")
    var source: String?

    /// The kind or the source.
    func target() throws(UsageProblem) -> Control.Target {
        switch (kind, source) {
        case (let kind?, nil):
            guard Job.isIdentifier(kind) else {
                throw UsageProblem("--kind", given: kind, allowed: "a kind such as conversation")
            }
            return .kind(kind)
        case (nil, let source?):
            guard Job.isName(source) else {
                throw UsageProblem("--source", given: source, allowed: "a vendor account such as genesys/main")
            }
            return .source(source)
        case (nil, nil): throw UsageProblem("it doesn't say what; give --kind or --source")
        case (.some, .some): throw UsageProblem("--kind and --source are two entries; give one of them, then the other")
        }
    }

    /// Refuses a kind that this cluster doesn't have: a slip of the pen would seem to work.
    static func check(_ target: Control.Target, _ operations: JobOperations) async throws {
        guard case .kind(let kind) = target else { return }
        let kinds = try await operations.kinds()
        guard kinds.contains(kind) else {
            throw UsageProblem(
                "--kind", given: kind, allowed: kinds.isEmpty ? "none: there are no job topics" : kinds.joined(separator: ", "))
        }
    }
}
