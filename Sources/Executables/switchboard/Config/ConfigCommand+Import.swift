import ArgumentParser
import Foundation
import Operations

extension ConfigCommand {
    /// `switchboard config import`.
    struct Import: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract:
                "Turns a JSON configuration of the scripts into schedules and workers' configuration, and says what became of each key.",
            discussion: """
                Known are the report and file-name pattern (gcs_report, gcs_filename), request_body, the days and times \
                (start_date, end_date, start_time, end_time), expandAnswerTotalScores, the role's name, the OAuth client, the \
                region, the bucket and more, in several spellings, flat or in groups, one report or a list. Every key gets a \
                line: carried, changed, secret, needless, left, unknown or missing, with what to do where something is to be \
                done. Secrets never reach a file or a message: references stand in their place.

                Without --output the files are printed, what is said about the keys in front as comments; with it they are \
                written, and none is overwritten unless --force.

                Exit codes: 0 everything has its place, 2 something is left for you to do (the lines say what), 1 error, 3 \
                refused: a file exists already, 64 wrong usage.
                """)

        static let examples = """
            switchboard config import conversations.json
            switchboard config import conversations.json --zone Asia/Manila --source genesys/main --output config
            switchboard config import all-reports.json --json
            """

        @Argument(
            help: ArgumentHelp("The scripts' file, JSON, at most 1 MiB; - reads standard input.", valueName: "file"),
            completion: .file(extensions: ["json"]))
        var file: String

        @Option(
            name: [.customShort("o"), .long], help: ArgumentHelp("Write the files into this directory.", valueName: "directory"),
            completion: .directory)
        var output: String?

        @Flag(help: "Overwrite files that exist.")
        var force = false

        @Option(help: ArgumentHelp("The vendor account of the schedules.", valueName: "vendor/account"))
        var source = "genesys/main"

        @Option(help: ArgumentHelp("The zone of business days, such as Asia/Manila.", valueName: "zone"))
        var zone: String?

        @Option(help: ArgumentHelp("When the schedules fire, where the file doesn't say it.", valueName: "cron"))
        var cron = "0 6 * * *"

        @Flag(help: "Print the notes and files as JSON.")
        var json = false

        private struct Report: Encodable {
            let notes: [ImportNote]
            let files: [ConfigurationImport.File]
            let written: [String]
            let asksForWork: Bool
        }

        func run() async throws {
            let bytes = try ImportFile.read(file)
            let result = try ConfigurationImport(
                bytes, options: ConfigurationImport.Options(source: source, zone: zone, cron: cron))
            var written: [String] = []
            if let output { written = try ImportFile.write(result.files, into: output, force: force) }
            if json {
                try Output.json(
                    Report(notes: result.notes, files: result.files, written: written, asksForWork: result.asksForWork))
            } else if output != nil {
                Output.result(result.report)
                for path in written { Output.note("wrote \(path)") }
            } else {
                Output.result(Self.text(result))
            }
            if result.files.isEmpty { Output.note("the file holds no report that is known: nothing was made of it") }
            if result.asksForWork { throw Ending.hasWork }
        }

        /// All of it as YAML: what is said about the keys as comments.
        private static func text(_ result: ConfigurationImport) -> String {
            var text = result.report.split(separator: "\n").map { "# \($0)\n" }.joined()
            for file in result.files { text += "\n# ---- \(file.name)\n\(file.text)" }
            return text
        }
    }
}
