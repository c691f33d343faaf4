import ArgumentParser
import Contracts
import Foundation
import Operations

extension PrivacyCommand {
    /// `switchboard gdpr apply`.
    struct Apply: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract:
                "Takes a person's records out of the lake, or replaces terms in them. Shows what would go; does it with --execute.",
            discussion: """
                Looks through the objects that manifests name for the texts of the request's subject: ids, mail addresses, and \
                telephone numbers in all their forms (tel:, sip:); a text counts as a whole only. Names find nothing, because \
                others bear them too, but an update replaces them in the records that were found. A delete removes records, an \
                update replaces terms, an export changes nothing. With --conversation, the conversations and what belongs to them \
                go.

                Each day is switched at once, by its manifest: readers see it as it was or as it becomes. The tag follows, and a \
                new revision of the day's job is told to the monitor, which verifies it. The command may be interrupted and run \
                again: it finishes what was begun, and what was done isn't found again. Days whose jobs are running stay; run it \
                again when they have ended. What was done, when and by whom is kept in the lake below _switchboard/gdpr, without \
                anybody's data.

                Exit codes: 0 nothing to do or done, 1 error, 2 there is something to do and --execute was not given, 3 days were \
                left because their jobs run or their manifests can't be changed; 64 wrong usage.
                """)

        static let examples = """
            switchboard gdpr apply --request 5f2b7a10-7d0c-4e2b-9f3d-0a4c6a1f0d11
            switchboard gdpr apply --request 5f2b7a10-7d0c-4e2b-9f3d-0a4c6a1f0d11 --from 2026-01-01 --execute
            switchboard gdpr apply --conversation 6a1f0c52-0b7e-4c53-8f0e-1f2f4a9d7e01 --dataset conversations --execute
            """

        @Option(help: ArgumentHelp("The vendor's request.", valueName: "id"))
        var request: String?

        @Option(help: ArgumentHelp("Conversations that go, by their ids; may be repeated.", valueName: "id"))
        var conversation: [String] = []

        @Option(
            help: ArgumentHelp(
                "Only these data sets; may be repeated. Without it all but gdpr_requests, which names the people.",
                valueName: "name"))
        var dataset: [String] = []

        @Option(help: ArgumentHelp("The first business day.", valueName: "yyyy-MM-dd"))
        var from: String?

        @Option(help: ArgumentHelp("The last business day.", valueName: "yyyy-MM-dd"))
        var to: String?

        @Option(
            help: ArgumentHelp(
                "Only data of this vendor account. A request concerns the account that it was made in.",
                valueName: "vendor/account"))
        var source: String?

        @Flag(help: "Carry out the plan.")
        var execute = false

        @Flag(help: "Print the plan, or what was done, as JSON.")
        var json = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        func run() async throws {
            let given = try scope()
            guard (request != nil) != !conversation.isEmpty else {
                throw UsageProblem("give either --request or --conversation")
            }
            let named = conversation.isEmpty ? nil : try PrivacySubject(conversations: conversation)
            let connection = try await connection.connectLake()
            let (request, source, execute, json) = (request, source, execute, json)
            try await Interruption.cancelling {
                try await connection.withStore { store in
                    let subject: PrivacySubject
                    var scope = given
                    if let named {
                        subject = named
                    } else {
                        // Another account's data are another's to decide about.
                        let found = try await PrivacyBook(store: store, layout: connection.layout)
                            .subject(of: request ?? "", source: source)
                        subject = found.subject
                        scope.source = found.source
                    }
                    let scan = PrivacyScan(store: store, layout: connection.layout) { manifests, records in
                        ProgressLine.shared.show("looking … \(manifests) manifests, \(records) records")
                    }
                    guard subject.findsRecords else {
                        throw Failure(
                            "the request names its subject by nothing that finds records (a name alone doesn't): name the conversations with --conversation"
                        )
                    }
                    guard execute else {
                        let plan = try await scan.plan(subject, in: scope)
                        return try Self.end(shown: plan, subject, json: json)
                    }
                    let jobs = JobOperations(connection.kafka, topics: connection.topics)
                    let operations = PrivacyOperations(
                        store: store, jobs: jobs, topics: connection.topics, operatorName: OperatorName.current)
                    let report = try await OperatorTransactions.withRight(
                        to: "gdpr", prefix: connection.topics.prefix, connection.kafka
                    ) { transactions in
                        try await operations.apply(subject, transactions) {
                            try await scan.plan(subject, in: scope)
                        } planned: { plan in
                            if !json { Output.result(PrivacyReport.text(plan, subject)) }
                        }
                    }
                    try Self.end(done: report, json: json)
                }
            }.result
        }

        private func scope() throws -> PrivacyScope {
            var scope = PrivacyScope()
            for (option, day) in [("--from", from), ("--to", to)] {
                if let day, !BusinessDay.isValid(day) { throw UsageProblem(option, given: day, allowed: "a day yyyy-MM-dd") }
            }
            if let from, let to, to < from { throw UsageProblem("--from must not be after --to") }
            for name in dataset where !Job.isName(name) {
                throw UsageProblem("--dataset", given: name, allowed: "a data set's name, such as conversations")
            }
            if let source, !Job.isName(source) {
                throw UsageProblem("--source", given: source, allowed: "vendor/account such as genesys/main")
            }
            scope.source = source
            scope.datasets = Set(dataset)
            scope.from = from
            scope.to = to
            return scope
        }

        private static func end(shown plan: PrivacyPlan, _ subject: PrivacySubject, json: Bool) throws {
            if json { try Output.json(PrivacyReport(plan, subject)) } else { Output.result(PrivacyReport.text(plan, subject)) }
            if !plan.findings.isEmpty {
                Output.note("nothing was changed; repeat with --execute to carry out the plan")
                throw Ending.hasWork
            }
            if !plan.unfit.isEmpty { throw Ending.refused }
        }

        private static func end(done report: PrivacyOperations.Report, json: Bool) throws {
            if json { try Output.json(report) }
            for done in report.recovered { Output.note("brought to its end: \(done.manifest), revision \(done.revision)") }
            let records = report.done.reduce(0) { $0 + $1.records }
            Output.note("done: \(records) records in \(report.done.count) manifests")
            for (manifest, jobs) in report.busy.sorted(by: { $0.key < $1.key }) {
                Output.note(
                    "left as it is: \(manifest), \(jobs.joined(separator: ", ")) is running; run the command again when it has ended"
                )
            }
            if !report.busy.isEmpty || report.unfit > 0 { throw Ending.refused }
        }
    }
}
