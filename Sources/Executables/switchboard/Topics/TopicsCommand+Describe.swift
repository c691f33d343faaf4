import ArgumentParser
import Contracts
import Foundation
import Kafka
import Operations

extension TopicsCommand {
    /// `switchboard topics describe`.
    struct Describe: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Shows topics as they are: partitions, settings, how much is in them, who reads them.",
            discussion: """
                Without a topic: one line for each of this installation. With topics: all that is known of each. MESSAGES counts \
                offsets, so markers of transactions too, and what was compacted away. Where the topic files are (--topics), what \
                differs from them is told; `switchboard topics plan` says what to do about it.

                Exit codes: 0 shown, 1 error, 64 wrong usage.
                """)

        static let examples = """
            switchboard topics describe
            switchboard topics describe jobs.conversation --environment production
            switchboard topics describe --json | jq '.[] | select(.differences != [])'
            """

        @Argument(help: "Topics, with or without the installation's prefix.")
        var topic: [String] = []

        @Option(help: ArgumentHelp("Also show times in this zone, such as Asia/Manila.", valueName: "zone"))
        var zone: String?

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup(title: "Topics") var catalogue: CatalogueOptions
        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        func run() async throws {
            let times = TimeText(zone: try TimeExpression.zone(zone))
            let reports = try await connection.withAdmin { admin, kafka, names in
                // The files are a help here, not a need: elsewhere than in a checkout there are none.
                let isFolder = FileManager.default.fileExists(atPath: catalogue.folder)
                let declared = isFolder || catalogue.environment != nil ? try catalogue.load(prefix: names.prefix) : nil
                let resolver = try await TopicResolver(names, admin: admin)
                let wanted = try topic.map { name throws(UsageProblem) in try resolver.topic(name) }
                return try await TopicDescriber(admin, kafka, names).describe(wanted, declared: declared) { name in
                    ProgressLine.shared.show("looking at \(name) …")
                }
            }
            if json {
                try Output.json(reports.map(TopicDocument.init))
            } else if topic.isEmpty {
                Output.result(Self.table(reports, times))
            } else {
                Output.result(reports.map { Self.text($0, times) }.joined(separator: "\n"))
            }
        }

        private static func table(_ reports: [TopicReport], _ times: TimeText) -> String {
            guard !reports.isEmpty else { return "there are no topics; switchboard topics apply creates them\n" }
            var table = TextTable([
                .init("TOPIC"), .init("PARTITIONS", .right), .init("REPLICAS", .right), .init("MESSAGES", .right),
                .init("NEWEST"),
                .init("READ BY"), .init("DIFFERS FROM ITS FILE"),
            ])
            for report in reports {
                table.add([
                    report.name, "\(report.partitions.count)", "\(report.replication)", "\(report.records)",
                    times.text(milliseconds: report.partitions.compactMap(\.newest).max()),
                    report.readers.map { TerminalText.escaped($0.group) }.joined(separator: ", "),
                    report.differences.joined(separator: "; "),
                ])
            }
            return table.text
        }

        private static func text(_ report: TopicReport, _ times: TimeText) -> String {
            var text = "\(report.name)\n"
            if let declared = report.declared {
                text += "  \(declared.about)\n  owner \(declared.owner)\n"
            }
            text += "  \(report.partitions.count) partitions, \(report.replication) replicas, about \(report.records) messages\n"
            for (name, value) in report.settings.sorted(by: { $0.key < $1.key }) {
                text += "  \(name)=\(TerminalText.escaped(value))\n"
            }
            for difference in report.differences { text += "  differs from its file: \(difference)\n" }
            for reader in report.readers {
                text += "  read by \(TerminalText.escaped(reader.group)): \(reader.state.rawValue), "
                text += "has committed in \(reader.committed) of \(report.partitions.count) partitions\n"
            }
            var table = TextTable([
                .init("PARTITION", .right), .init("LEADER", .right), .init("IN SYNC", .right), .init("OLDEST", .right),
                .init("END", .right), .init("MESSAGES", .right), .init("NEWEST"),
            ])
            for partition in report.partitions {
                table.add([
                    "\(partition.number)", partition.leader.map { "\($0)" } ?? "none", "\(partition.inSync)",
                    "\(partition.kept.lowerBound)", "\(partition.kept.upperBound)", "\(partition.records)",
                    times.text(milliseconds: partition.newest),
                ])
            }
            return text + (table.isEmpty ? "" : table.text)
        }
    }
}

/// A topic as JSON.
private struct TopicDocument: Encodable {
    let topic: String
    let exists: Bool
    let owner: String?
    let about: String?
    let declaredPartitions: Int?
    let declaredReplication: Int?
    let replication: Int
    let settings: [String: String]
    let differences: [String]
    let messages: Int64
    let partitions: [Partition]
    let readBy: [Reader]

    struct Partition: Encodable {
        let partition: Int32
        let leader: Int32?
        let inSync: Int
        let oldest: Int64
        let end: Int64
        let newest: Date?
    }

    struct Reader: Encodable {
        let group: String
        let state: String
        let committedPartitions: Int
    }

    init(_ report: TopicReport) {
        topic = report.name
        exists = report.exists
        owner = report.declared?.owner
        about = report.declared?.about
        declaredPartitions = report.declared?.shape.partitions
        declaredReplication = report.declared?.shape.replication
        replication = report.replication
        settings = report.settings
        differences = report.differences
        messages = report.records
        partitions = report.partitions.map {
            Partition(
                partition: $0.number, leader: $0.leader, inSync: $0.inSync, oldest: $0.kept.lowerBound, end: $0.kept.upperBound,
                newest: $0.newest.map { Date(timeIntervalSince1970: Double($0) / 1000) })
        }
        readBy = report.readers.map { Reader(group: $0.group, state: $0.state.rawValue, committedPartitions: $0.committed) }
    }
}
