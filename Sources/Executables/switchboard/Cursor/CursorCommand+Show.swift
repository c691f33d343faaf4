import ArgumentParser
import Contracts
import Foundation
import Operations
import Scheduler

extension CursorCommand {
    /// `switchboard cursor show`.
    struct Show: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Shows the cursor of each schedule: every interval that ends at or before it was published.",
            discussion: """
                With the file of schedules: also what comes next and when, and whether the definition has changed since it was \
                last used.

                Exit codes: 0 shown, 1 error, 64 wrong usage.
                """)

        static let examples = """
            switchboard cursor show
            switchboard cursor show conversations --schedules config/schedules.yaml
            switchboard cursor show --json
            """

        @Argument(help: "The schedule's name; without it, all.")
        var schedule: String?

        @Option(help: ArgumentHelp("The file of schedules.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
        var schedules: String?

        @Option(
            help: ArgumentHelp("Also show times in this zone. (default: the schedule's, if its file is given)", valueName: "zone")
        )
        var zone: String?

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        func run() async throws {
            let zone = try TimeExpression.zone(zone)
            let definitions = try schedules.map { path throws(UsageProblem) in
                try ScheduleFile.read(path, option: "--schedules")
            }
            let (kafka, names) = try await connection.connect()
            let states = try await ScheduleStateReader(kafka, topic: names.scheduleState).read().states
            var known = Array(Swift.Set(states.keys).union(definitions?.keys ?? [:].keys)).sorted()
            if let schedule {
                guard known.contains(schedule) else { throw UnknownSchedule.problem(schedule, known) }
                known = [schedule]
            }
            let now = Date()
            let lines = known.map { Line($0, states[$0], definitions?[$0], isListed: definitions?[$0] != nil, now: now) }
            if json {
                try Output.json(lines)
            } else if lines.isEmpty {
                Output.result("no schedule has published anything; give --schedules to see what would be next\n")
            } else {
                Output.result(Self.table(lines, definitions, zone, hasFile: definitions != nil, now: now))
            }
        }

        private static func table(
            _ lines: [Line], _ definitions: [String: ScheduleDefinition]?, _ zone: BusinessZone?, hasFile: Bool, now: Date
        ) -> String {
            var table = TextTable([
                .init("SCHEDULE"), .init("CURSOR"), .init("AGE", .right), .init("NEXT DUE"), .init("DEFINITION"), .init("MOVED"),
            ])
            for line in lines {
                let times = TimeText(zone: zone ?? definitions?[line.schedule]?.zone)
                let age = line.cursor.map { AgeText.text(seconds: now.timeIntervalSince($0)) }
                let definition = [line.definitionHash ?? "-", line.definition].compactMap { $0 }.joined(separator: " ")
                let moved = line.moves.map { $0 == 1 ? "once" : "\($0) times" } ?? ""
                table.add([
                    TerminalText.escaped(line.schedule), line.cursor.map { times.text($0) } ?? "never published", age ?? "",
                    hasFile ? line.nextDue.map { times.text($0) } ?? line.next : "", definition,
                    moved + (line.movedBy.map { ", last by \(TerminalText.escaped($0, limit: 80))" } ?? ""),
                ])
            }
            return table.text
        }
    }
}

/// What is said of a schedule that nobody knows.
enum UnknownSchedule {
    static func problem(_ given: String, _ known: [String]) -> UsageProblem {
        let shown = TerminalText.escaped(given, limit: 100)
        let list = known.prefix(10).map { TerminalText.escaped($0) }.joined(separator: ", ")
        return UsageProblem(
            "there is no schedule \"\(shown)\"; "
                + (known.isEmpty ? "none has published anything here (--schedules names those to come)" : "there are \(list)"))
    }
}

/// One schedule's cursor, also as JSON.
private struct Line: Encodable {
    let schedule: String
    let cursor: Date?
    let lastFire: Date?
    let updatedAt: Date?
    let definitionHash: String?
    /// `changed`, `same`, `not in the file`; nil without a file.
    let definition: String?
    let nextDue: Date?
    /// Why nothing is due next, or `now`.
    let next: String
    let moves: Int?
    let movedBy: String?

    init(_ name: String, _ state: ScheduleState?, _ definition: ScheduleDefinition?, isListed: Bool, now: Date) {
        schedule = name
        cursor = state?.lastIntervalEnd
        lastFire = state?.lastFire
        updatedAt = state?.updatedAt
        definitionHash = state?.definitionHash ?? definition?.hash
        moves = state?.moves
        movedBy = state?.movedBy
        let tick = definition?.tick(state: state, now: now)
        nextDue = tick?.due.isEmpty == false ? nil : tick?.nextDue
        if definition?.isPaused == true {
            next = "paused"
        } else if let tick, !tick.due.isEmpty {
            next = "now: \(tick.due.count)\(tick.hasMore ? " and more" : "")"
        } else {
            next = definition == nil ? "" : "never again"
        }
        self.definition =
            definition.map { definition in state == nil ? "new" : state?.definitionHash == definition.hash ? "same" : "changed" }
    }
}
