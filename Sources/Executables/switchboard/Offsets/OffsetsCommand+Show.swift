import ArgumentParser
import Contracts
import Foundation
import Kafka
import Operations

extension OffsetsCommand {
    /// `switchboard offsets show`.
    struct Show: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Shows what groups have committed and what they have still to do.",
            discussion: """
                Without --group: one line for each group of this installation. With it: one line for each partition.

                LAG counts records at or behind the committed offset, without the markers of transactions; a ~ marks a distance \
                that was not counted. AHEAD of them are done out of order, as the window beside the offset says. OLDEST is the \
                age of the first one that is not done. A partition that is only owned to lead has no lag.

                Exit codes: 0 shown, 1 error, 64 wrong usage.
                """)

        static let examples = """
            switchboard offsets show
            switchboard offsets show --group conversation-worker --zone Asia/Manila
            switchboard offsets show --group conversation-worker --json | jq '.rows[] | select(.undone > 0)'
            """

        @Option(help: ArgumentHelp("The group, with or without the installation's prefix.", valueName: "group"))
        var group: String?

        @Option(help: ArgumentHelp("Also show times in this zone, such as Asia/Manila.", valueName: "zone"))
        var zone: String?

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        func run() async throws {
            let zone = try TimeExpression.zone(zone)
            let given = group
            let reports = try await connection.withAdmin { admin, kafka, names in
                let reader = GroupReader(admin, kafka, names)
                if let given { return [try await reader.report(try await reader.resolve(given))] }
                var reports: [GroupReport] = []
                for group in try await reader.groups() {
                    ProgressLine.shared.show("reading the offsets of \(group) …")
                    reports.append(try await reader.report(group))
                }
                return reports
            }
            let now = Date()
            if group == nil {
                try json
                    ? Output.json(reports.map { GroupDocument($0, now: now, withRows: false) })
                    : Output.result(Self.table(reports, now: now))
            } else if let report = reports.first {
                try json
                    ? Output.json(GroupDocument(report, now: now, withRows: true))
                    : Output.result(Self.text(report, now: now, times: TimeText(zone: zone)))
            }
        }

        private static func table(_ reports: [GroupReport], now: Date) -> String {
            guard !reports.isEmpty else { return "no group has committed anything\n" }
            var table = TextTable([
                .init("GROUP"), .init("STATE"), .init("MEMBERS", .right), .init("LAG", .right), .init("OLDEST", .right),
                .init("READS"),
            ])
            for report in reports {
                let topics = Set(report.rows.filter { !$0.isLease }.map(\.partition.topic)).sorted()
                table.add([
                    TerminalText.escaped(report.group), report.state.rawValue, "\(report.members.count)",
                    (report.isExact ? "" : "~") + "\(report.undone)", age(report.oldestUndone, now: now),
                    topics.prefix(4).joined(separator: ", ") + (topics.count > 4 ? " and \(topics.count - 4) more" : ""),
                ])
            }
            return table.text
        }

        private static func text(_ report: GroupReport, now: Date, times: TimeText) -> String {
            var text =
                "group \(TerminalText.escaped(report.group)): \(report.state.rawValue), \(report.members.count) member\(report.members.count == 1 ? "" : "s")"
            text += (report.assignor.isEmpty ? "" : ", \(report.assignor)") + "\n"
            for member in report.members {
                let partitions = member.partitions.map(\.description).joined(separator: " ")
                let names = [member.client, member.instance.map { "(\($0))" } ?? "", member.host].filter { !$0.isEmpty }
                text += "  member \(TerminalText.escaped(names.joined(separator: " "))) \(partitions)\n"
            }
            var table = TextTable([
                .init("PARTITION"), .init("COMMITTED", .right), .init("END", .right), .init("LAG", .right),
                .init("AHEAD", .right), .init("OLDEST", .right), .init("FIRST NOT DONE"), .init("MEMBER"),
            ])
            for row in report.rows {
                table.add([
                    row.partition.description, row.committed.map(String.init) ?? "-",
                    row.end.map(String.init) ?? "no topic", row.isLease ? "leads" : (row.isExact ? "" : "~") + "\(row.lag)",
                    row.isLease ? "" : "\(row.doneAhead)", row.isLease ? "" : age(row.oldestUndone, now: now),
                    row.isLease || row.oldestUndone == nil ? "" : times.text(milliseconds: row.oldestUndone),
                    row.member.map { TerminalText.escaped($0.client) } ?? "",
                ])
            }
            return text + table.text
        }

        private static func age(_ milliseconds: Int64?, now: Date) -> String {
            guard let milliseconds else { return "" }
            return AgeText.text(seconds: now.timeIntervalSince1970 - Double(milliseconds) / 1000)
        }
    }
}

/// A group's report as JSON.
private struct GroupDocument: Encodable {
    let group: String
    let state: String
    let assignor: String
    let members: [Member]
    let undone: Int64
    let isExact: Bool
    let oldestUndone: Date?
    let oldestUndoneSeconds: Double?
    let topics: [String]
    let rows: [Row]?

    struct Member: Encodable {
        let id: String
        let client: String
        let instance: String?
        let host: String
        let partitions: [String]
    }

    struct Row: Encodable {
        let topic: String
        let partition: Int32
        let committed: Int64?
        let oldest: Int64?
        let end: Int64?
        let lag: Int64
        let isExact: Bool
        let doneAhead: Int
        let undone: Int64
        let oldestUndone: Date?
        let member: String?
        let leads: Bool
    }

    init(_ report: GroupReport, now: Date, withRows: Bool) {
        func date(_ milliseconds: Int64?) -> Date? { milliseconds.map { Date(timeIntervalSince1970: Double($0) / 1000) } }
        group = report.group
        state = report.state.rawValue
        assignor = report.assignor
        members = report.members.map {
            Member(
                id: $0.id, client: $0.client, instance: $0.instance, host: $0.host, partitions: $0.partitions.map(\.description))
        }
        undone = report.undone
        isExact = report.isExact
        oldestUndone = date(report.oldestUndone)
        oldestUndoneSeconds = oldestUndone.map { max(0, now.timeIntervalSince($0)) }
        topics = Set(report.rows.map(\.partition.topic)).sorted()
        guard withRows else {
            rows = nil
            return
        }
        rows = report.rows.map {
            Row(
                topic: $0.partition.topic, partition: $0.partition.partition, committed: $0.committed, oldest: $0.oldest,
                end: $0.end, lag: $0.isLease ? 0 : $0.lag, isExact: $0.isExact, doneAhead: $0.doneAhead,
                undone: $0.isLease ? 0 : $0.undone, oldestUndone: $0.isLease ? nil : date($0.oldestUndone),
                member: $0.member?.client, leads: $0.isLease)
        }
    }
}
