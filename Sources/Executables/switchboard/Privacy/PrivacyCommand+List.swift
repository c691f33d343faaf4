import ArgumentParser
import Foundation
import Operations

extension PrivacyCommand {
    /// `switchboard gdpr list`.
    struct List: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Lists the privacy requests of the latest snapshot, and which were applied to the lake.",
            discussion: """
                APPLIED is when the request was last carried out here to its end; RECORDS is how many records went or changed, all \
                times together.

                Exit codes: 0 listed, 1 error, 64 wrong usage.
                """)

        static let examples = """
            switchboard gdpr list
            switchboard gdpr list --source genesys/main --json
            """

        @Option(help: ArgumentHelp("Only requests of this vendor account.", valueName: "vendor/account"))
        var source: String?

        @Flag(help: "Print the requests as JSON.")
        var json = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        private struct Report: Encodable {
            let day: String?
            let requests: [PrivacyBook.Entry]
        }

        func run() async throws {
            let connection = try await connection.connectLake()
            let source = source
            let found = try await Interruption.cancelling {
                try await connection.withStore { store in
                    try await PrivacyBook(store: store, layout: connection.layout).entries(source: source)
                }
            }.result
            guard !json else { return try Output.json(Report(day: found.day, requests: found.entries)) }
            guard let day = found.day else {
                Output.note(
                    "the lake has no data set gdpr_requests: a schedule of the task gdpr-requests brings the requests into it")
                return
            }
            Output.result(PrivacyReport.text(found.entries))
            Output.note("\(found.entries.count) request\(found.entries.count == 1 ? "" : "s") as of \(day)")
        }
    }
}
