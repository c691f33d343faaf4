import ArgumentParser
import Contracts
import Kafka
import Operations

/// `switchboard topics`: topics as code.
struct TopicsCommand: AsyncParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "topics",
        abstract: "Compares the topics of a cluster with the topic files, and makes them so.",
        discussion: "Nothing is ever deleted, and no topic shrinks. Topics that no file names are left alone.",
        subcommands: [Check.self, Plan.self, Apply.self, Describe.self])

    static let examples = """
        switchboard topics check
        switchboard topics apply --config switchboard.yaml --execute
        """

    /// `switchboard topics check`.
    struct Check: ParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Checks the topic files without a cluster and prints the topics they make.")

        static let examples = """
            switchboard topics check --environment development
            """

        @OptionGroup var catalogue: CatalogueOptions
        @Option(help: "What stands before every topic's name.") var prefix = ""

        func run() throws {
            do {
                let topics = try catalogue.load(prefix: prefix).topics
                Output.result(topics.map { "\($0.name)\n" }.joined())
            } catch {
                Output.note("\(error)")
                throw Ending.error
            }
        }
    }

    /// `switchboard topics plan`.
    struct Plan: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Shows what would have to change on the cluster.",
            discussion: "Exit codes: 0 nothing to do, 1 error, 2 the plan has steps.")

        static let examples = """
            switchboard topics plan --bootstrap-servers localhost:9092 --environment development
            switchboard topics plan --config switchboard.yaml --json
            """

        @OptionGroup var options: TopicsOptions

        func run() async throws {
            let code = try await options.withPlan { plan, _ in
                try options.show(plan)
                return plan.isEmpty ? nil : Ending.hasWork
            }
            if let code { throw code }
        }
    }

    /// `switchboard topics apply`.
    struct Apply: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Shows what would have to change on the cluster and, with --execute, changes it.",
            discussion: """
                Exit codes: 0 nothing to do or done, 1 error, 2 the plan has steps and --execute was not given,
                3 some steps were refused (the others are done).
                """)

        static let examples = """
            # shows the plan only
            switchboard topics apply --config switchboard.yaml
            switchboard topics apply --config switchboard.yaml --execute
            """

        @OptionGroup var options: TopicsOptions
        @Flag(help: "Carry out the plan.") var execute = false

        func run() async throws {
            let code = try await options.withPlan { plan, operations -> ExitCode? in
                try options.show(plan)
                if plan.isEmpty { return nil }
                guard execute else {
                    Output.note("nothing was changed; repeat with --execute to carry out the plan")
                    return Ending.hasWork
                }
                var hasFailed = false
                for outcome in try await operations.execute(plan) {
                    if let failure = outcome.failure {
                        hasFailed = true
                        Output.note("\(outcome.topic): not \(outcome.action): \(failure)")
                    } else {
                        Output.note("\(outcome.topic): \(outcome.action)")
                    }
                }
                if hasFailed { return Ending.error }
                return plan.refusals.isEmpty ? nil : Ending.refused
            }
            if let code { throw code }
        }
    }
}

/// Which topics should exist.
struct CatalogueOptions: ParsableArguments {
    @Option(name: .customLong("topics"), help: "The folder of topic files.")
    var folder = "topics"

    @Option(help: "Whose overlay of the topic files applies, such as development.")
    var environment: String?

    func load(prefix: String) throws(TopicFile.Problems) -> TopicCatalogue {
        try TopicCatalogue.load(folder: folder, prefix: prefix, environment: environment)
    }
}

/// What `plan` and `apply` share.
struct TopicsOptions: ParsableArguments {
    @OptionGroup(title: "Topics") var catalogue: CatalogueOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Flag(help: "Allow partitions to be added, which moves keys to other partitions.")
    var allowPartitionGrowth = false

    @Flag(help: "Print the plan as JSON.")
    var json = false

    func show(_ plan: TopicPlan) throws {
        Output.result(json ? try plan.json() : plan.table)
    }

    /// Makes the plan and hands it on; an error is told in one line and becomes exit code 1.
    func withPlan(_ body: (TopicPlan, TopicOperations) async throws -> ExitCode?) async throws -> ExitCode? {
        do {
            let (kafka, names) = try await connection.connect()
            let catalogue = try catalogue.load(prefix: names.prefix)
            let admin = try Admin(kafka)
            do {
                let operations = TopicOperations(admin)
                let cluster = try await operations.cluster(for: catalogue)
                let plan = TopicPlan(catalogue: catalogue, cluster: cluster, allowsPartitionGrowth: allowPartitionGrowth)
                let code = try await body(plan, operations)
                await admin.close()
                return code
            } catch {
                await admin.close()
                throw error
            }
        } catch {
            Output.note("\(error)")
            return Ending.error
        }
    }
}
