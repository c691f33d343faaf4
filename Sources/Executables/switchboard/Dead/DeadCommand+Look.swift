import ArgumentParser
import Contracts
import Foundation
import Kafka
import Operations

extension DeadCommand {
    /// `switchboard dead list`.
    struct List: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Counts dead letters by what they have in common, and lists them.",
            discussion: "Exit codes: 0 shown, 1 error, 64 wrong usage.")

        static let examples = """
            switchboard dead list conversation
            switchboard dead list conversation --by hour --since @-1d
            switchboard dead list conversation --error vendor-unavailable,stalled --source genesys/main --limit 100
            switchboard dead list conversation --json | jq '.groups[] | [.name, .count]'
            """

        @OptionGroup var options: DeadOptions

        @Option(help: "Count by error, source, tenant, day or hour.")
        var by = "error"

        @OptionGroup(title: "Letters") var errors: DeadErrorOptions
        @OptionGroup(title: "Letters") var filter: DeadFilterOptions

        @Option(help: "The most letters that are listed, the last ones; 0 for the counts only.")
        var limit = 20

        @Flag(help: "Also those that were sent back or discarded.")
        var all = false

        @Flag(help: "Print them as JSON.")
        var json = false

        private struct Report: Encodable {
            let by: String
            let groups: [DeadGroups.Group]
            let letters: [DeadRow]
            let total: Int
            let done: Int
        }

        func run() async throws {
            guard let key = DeadGroups.Key(rawValue: by) else {
                throw UsageProblem("--by", given: by, allowed: "error, source, tenant, day or hour")
            }
            guard (0...100_000).contains(limit) else { throw UsageProblem("--limit", given: "\(limit)", allowed: "0 to 100000") }
            let filter = try self.filter.filter(errors: errors.error, now: Date())
            let (operations, _) = try await options.operations()
            let (all, limit, zone) = (all, limit, self.filter.zone)
            let (groups, newest, done) = try await Interruption.cancelling {
                let marks = try await operations.marks()
                var groups = DeadGroups(by: key, zone: zone ?? "UTC")
                var newest = NewestLetters(limit: limit)
                var done = 0
                try await operations.read(filter) { letter in
                    let mark = marks[letter]
                    if mark != nil { done += 1 }
                    guard mark == nil || all else { return }
                    groups.add(letter)
                    newest.add(DeadRow(letter, mark: mark), at: letter.record.timestamp)
                }
                return (groups, newest, done)
            }.result
            let rows = newest.rows
            let total = groups.sorted.reduce(0) { $0 + $1.count }
            if json {
                try Output.json(Report(by: by, groups: groups.sorted, letters: rows, total: total, done: done))
                return
            }
            if total == 0 {
                Output.note(
                    "no dead letter of \(options.kind) matches" + (done > 0 ? "; \(done) were dealt with, --all shows them" : ""))
                return
            }
            Output.result(groups.table)
            if !rows.isEmpty { Output.result("\n" + DeadRow.table(rows)) }
            var notes = ["\(total) in all"]
            if total > rows.count, !rows.isEmpty { notes.append("the last \(rows.count) are listed (--limit)") }
            if done > 0, !all { notes.append("\(done) more were dealt with (--all)") }
            Output.note(notes.joined(separator: "; "))
        }
    }

    /// `switchboard dead show`.
    struct Show: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Shows one dead letter: why it died, where it was first read, what to do, headers and value.",
            discussion: "Exit codes: 0 shown, 1 error or there is no such letter, 64 wrong usage.")

        static let examples = """
            switchboard dead show conversation 3:42
            switchboard dead show conversation 3:42 --json | jq -r .valueBase64 | base64 -d
            """

        @OptionGroup var options: DeadOptions

        @Argument(help: ArgumentHelp("Which letter, as the list names it.", valueName: "partition:offset"))
        var position: String

        @Flag(help: "Show the whole value, not only its first 16 KiB.")
        var all = false

        @Flag(help: "Print it as JSON.")
        var json = false

        func run() async throws {
            guard let position = DeadLetter.Position(position) else {
                throw DeadFilterOptions.refusal(of: position, "partition:offset")
            }
            let (operations, topics) = try await options.operations()
            let found = try await Interruption.cancelling {
                (try await operations.letter(at: position), try await operations.marks())
            }.result
            guard let letter = found.0 else {
                throw Failure(
                    "\(topics.dead(options.kind)) holds no letter at \(position); `switchboard dead list` shows what it holds")
            }
            let view = DeadView(letter, mark: found.1[letter])
            if json {
                try Output.json(view.report)
            } else {
                Output.result(view.text(limit: all ? .max : 16 << 10))
            }
        }
    }

    /// `switchboard dead export`.
    struct Export: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Writes dead letters to a file, one JSON object a line, key, value and headers in Base64.",
            discussion: """
                The file appears whole or not at all; one that exists is not written over.

                Exit codes: 0 written, 1 error, 3 the file exists, 64 wrong usage.
                """)

        static let examples = """
            switchboard dead export conversation dead.ndjson --since @-7d
            switchboard dead export conversation - --unreadable | jq -r .value | head -1 | base64 -d
            """

        @OptionGroup var options: DeadOptions

        @Argument(help: "The file to write; - is standard output.", completion: .file())
        var file: String

        @OptionGroup(title: "Letters") var errors: DeadErrorOptions
        @OptionGroup(title: "Letters") var filter: DeadFilterOptions

        @Flag(help: "Also those that were sent back or discarded.")
        var all = false

        func run() async throws {
            let filter = try self.filter.filter(errors: errors.error, now: Date())
            if file != "-", FileManager.default.fileExists(atPath: file) {
                throw Failure("\(file) exists; name another file, or remove it", code: Ending.refused)
            }
            let (operations, _) = try await options.operations()
            let (all, file) = (all, file)
            let count = try await Interruption.cancelling {
                let marks = try await operations.marks()
                let sink = try ExportFile(file)
                do {
                    var count = 0
                    try await operations.read(filter) { letter in
                        let mark = marks[letter]
                        guard mark == nil || all else { return }
                        try sink.write(try DeadExport.line(letter, mark: mark))
                        count += 1
                    }
                    try sink.finish()
                    return count
                } catch {
                    sink.abandon()
                    throw error
                }
            }.result
            Output.note("\(count) letters written to \(file == "-" ? "standard output" : file)")
        }
    }
}

/// The last letters of all partitions by time.
struct NewestLetters: Sendable {
    let limit: Int
    private var found: [(row: DeadRow, at: Int64)] = []

    init(limit: Int) { self.limit = limit }

    mutating func add(_ row: DeadRow, at timestamp: Int64) {
        found.append((row, timestamp))
        // Cut seldom, so that it costs little for each letter.
        if found.count > 2 * limit + 1_000 { cut() }
    }

    private mutating func cut() {
        found.sort { ($0.at, $0.row.position) < ($1.at, $1.row.position) }
        found.removeFirst(max(0, found.count - limit))
    }

    /// The letters, the last one last.
    var rows: [DeadRow] {
        var copy = self
        copy.cut()
        return copy.found.map(\.row)
    }
}
