import ArgumentParser
import Foundation
import Kafka
import Operations
import Scheduler

/// `switchboard tail`: what a topic holds, readable.
struct TailCommand: AsyncParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Prints a topic's messages, decoded, and follows what is published.",
        discussion: """
            One line for each message: time, partition:offset, key, and what it says. What is there comes in the order of time \
            over all partitions, what is published in the order of arrival. Only committed messages are read, without a consumer \
            group. What could disturb a terminal is escaped.

            On a terminal it follows until Ctrl-C; in a pipe it ends with what is there, unless --follow.

            --where looks at fields: field=text, field!=text, field~text (contains). A field is a path into the JSON value \
            (event, failure.reason; source is also found in an event's job), or key, partition, offset, header.<name>.

            Exit codes: 0 all was read, or the reader of the output went away, 1 error, 64 wrong usage, 130 interrupted.
            """)

    static let examples = """
        # the last ten of each partition, then what comes
        switchboard tail job.events
        switchboard tail job.events --from @-2h --where event=failed --where source=genesys/main
        switchboard tail jobs.conversation.dead --from earliest --no-follow
        switchboard tail job.events --key conversations-20260228T160000Z-20260301T160000Z --from earliest --zone Asia/Manila
        switchboard tail alerts --from 2026-03-01 --until 2026-03-02 --zone Asia/Manila --json | jq .value.summary
        """

    @Argument(help: "The topic, with or without the installation's prefix.")
    var topic: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Where to begin: earliest, latest, an offset, -N (the last N of each partition), or a time such as @-2h.",
            valueName: "start"))
    var from = "-10"

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Read what is older than this time, and don't follow.", valueName: "time"))
    var until: String?

    @Option(help: ArgumentHelp("Only these partitions; may be given several times.", valueName: "number"))
    var partition: [Int32] = []

    @Option(help: ArgumentHelp("Only messages with this key; may be given several times.", valueName: "key"))
    var key: [String] = []

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp("Only messages of which this holds; all must hold.", valueName: "condition"))
    var conditions: [String] = []

    @Option(help: ArgumentHelp("End after so many messages.", valueName: "count"))
    var limit: Int?

    @Flag(inversion: .prefixedNo, help: "Go on with what is published. (default: on a terminal)")
    var follow: Bool?

    @Option(help: ArgumentHelp("The zone of local times in --from and --until; times are shown in it too.", valueName: "zone"))
    var zone: String?

    @Flag(help: "Print NDJSON: one object a line, with headers; bytes that are not text as base64.")
    var json = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if until != nil, follow == true { throw ValidationError("--until and --follow exclude each other") }
        if let negative = partition.first(where: { $0 < 0 }) { throw ValidationError("--partition must not be \(negative)") }
    }

    func run() async throws {
        let now = Date()
        let zone = try TimeExpression.zone(zone)
        let start = try ScanStart.parse(from, option: "--from", now: now, zone: zone)
        var end = TopicScan.End.current
        if let until {
            let date = try TimeExpression.parse(until, option: "--until", now: now, zone: zone)
            end = .time(Int64((date.timeIntervalSince1970 * 1000).rounded(.up)))
        }
        var filter = RecordFilter()
        filter.keys = Set(key)
        filter.conditions = try conditions.map { text throws(UsageProblem) in
            try RecordFilter.Condition(text, option: "--where")
        }
        let (kafka, name, lines) = try await connection.withAdmin { admin, kafka, names in
            (kafka, try await TopicResolver(names, admin: admin).topic(topic), MessageLine(names, times: TimeText(zone: zone)))
        }
        let follows = until == nil && (follow ?? (isatty(STDOUT_FILENO) == 1))
        let tail = TopicTail(kafka, topic: name, partitions: Set(partition), from: start, until: end, follows: follows)
        let (limit, json, chosen) = (limit, json, filter)
        let (_, wasInterrupted) = try await Interruption.cancelling {
            try await untilReaderIsGone {
                var left = limit ?? .max
                try await tail.read { record in
                    guard chosen.matches(record) else { return true }
                    Output.result(json ? RecordDocument(record).line : lines.text(record) + "\n")
                    left -= 1
                    return left > 0 && !Output.isClosed
                }
            }
        }
        if wasInterrupted { throw Ending.interrupted }
    }

    /// Runs the body until it ends or nobody reads standard output any more: while nothing is published, no write would tell.
    private func untilReaderIsGone(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask {
                while !Output.hasLostReader() { try await Task.sleep(for: .milliseconds(500)) }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
