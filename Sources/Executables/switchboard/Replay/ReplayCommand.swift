import ArgumentParser
import Contracts
import Foundation
import Kafka
import Operations
import Scheduler

/// `switchboard replay`: publishes messages again.
struct ReplayCommand: AsyncParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Publishes a topic's messages of a time again. Shows which; does it with --execute.",
        discussion: """
            Keys, values and headers stay as they are, byte for byte; the headers replayed-from, -timestamp, -at and -by are \
            added. A message goes to the partition that it came from, or, with --into another topic, where its key leads. What \
            is published meanwhile is not read. --source, --day and --kind look into the JSON value, of jobs and of events; a \
            message that isn't JSON has none of them.

            Workers that are done with a job don't do it again when its message comes again: to redo work use `switchboard jobs \
            rerun`. Topics that keep the last word on each key (alerts, control, schedule.state) and dead topics are only \
            replayed into another topic.

            Publishing is transactional. Ctrl-C stops after the transaction that runs and tells how to go on with \
            --continue-from.

            Exit codes: 0 nothing to do or done, 1 error, 2 there is something to do and --execute was not given, 3 refused, 64 \
            wrong usage, 130 interrupted.
            """)

    static let examples = """
        # what came in yesterday by the clocks of Manila?
        switchboard replay jobs.conversation --from 2026-03-01 --to 2026-03-02 --zone Asia/Manila
        # again to the workers, ten a second
        switchboard replay jobs.conversation --from @-3h --to @-1h --source genesys/main --rate 10/s --execute
        # one day's events into a topic of one's own
        switchboard replay job.events --from @-7d --day 2026-03-01 --into debug.events --execute
        """

    @Argument(help: "The topic, with or without the installation's prefix.")
    var topic: String

    @Option(parsing: .unconditional, help: ArgumentHelp("Messages that are not older than this.", valueName: "time"))
    var from: String

    @Option(parsing: .unconditional, help: ArgumentHelp("Messages that are older than this.", valueName: "time"))
    var to = "now"

    @Option(help: ArgumentHelp("The zone of local times in --from and --to; times are shown in it too.", valueName: "zone"))
    var zone: String?

    @Option(help: ArgumentHelp("Only these partitions; may be given several times.", valueName: "number"))
    var partition: [Int32] = []

    @Option(help: ArgumentHelp("Only jobs of this kind; may be given several times.", valueName: "kind"))
    var kind: [String] = []

    @Option(help: ArgumentHelp("Only jobs of this vendor account; may be given several times.", valueName: "source"))
    var source: [String] = []

    @Option(help: ArgumentHelp("Only jobs of this business day, yyyy-MM-dd; may be given several times.", valueName: "day"))
    var day: [String] = []

    @Option(help: ArgumentHelp("Only messages with this key; may be given several times.", valueName: "key"))
    var key: [String] = []

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp("Only messages of which this holds, such as event=failed; all must hold.", valueName: "condition"))
    var conditions: [String] = []

    @Flag(help: "Leave out messages that are replays themselves.")
    var noReplays = false

    @Option(help: ArgumentHelp("Publish to this topic instead of the one that is read.", valueName: "topic"))
    var into: String?

    @Option(help: ArgumentHelp("At most so many messages a second, or a minute: 10, 10/s, 600/m.", valueName: "rate"))
    var rate: String?

    @Option(help: ArgumentHelp("At most so many messages.", valueName: "count"))
    var limit: Int?

    @Option(help: ArgumentHelp("Go on where a run stopped, as it has told: 0:15,3:7.", valueName: "positions"))
    var continueFrom: String?

    @Flag(help: "Print the plan, and at the end what was done, as JSON.")
    var json = false

    @Flag(help: "Publish.")
    var execute = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if let negative = partition.first(where: { $0 < 0 }) { throw ValidationError("--partition must not be \(negative)") }
        if let wrong = day.first(where: { !BusinessDay.isValid($0) }) {
            throw ValidationError("--day: \"\(TerminalText.escaped(wrong, limit: 40))\" is not a day yyyy-MM-dd")
        }
        if continueFrom != nil, !partition.isEmpty {
            throw ValidationError("--continue-from names the partitions: leave --partition out")
        }
    }

    func run() async throws {
        let now = Date()
        let zone = try TimeExpression.zone(zone)
        let start = try TimeExpression.parse(from, option: "--from", now: now, zone: zone)
        let end = min(now, try TimeExpression.parse(to, option: "--to", now: now, zone: zone))
        guard start < end else {
            throw UsageProblem(
                "--from must be before --to, and not in the future: \(Timestamp.string(start)), \(Timestamp.string(end))")
        }
        let rate = try rate.map { text throws(UsageProblem) in try Rate.parse(text, option: "--rate") }
        var filter = RecordFilter()
        filter.keys = Set(key)
        filter.kinds = Set(kind)
        filter.sources = Set(source)
        filter.days = Set(day)
        filter.conditions = try conditions.map { text throws(UsageProblem) in
            try RecordFilter.Condition(text, option: "--where")
        }
        let positions = try continueFrom.map { text throws(UsageProblem) in try Self.positions(text) }
        let chosen = filter
        let (request, kafka, names, refusal) = try await connection.withAdmin { admin, kafka, names in
            let resolver = try await TopicResolver(names, admin: admin)
            let topic = try resolver.topic(topic)
            let target = try into.map { name throws(UsageProblem) in try resolver.topic(name) } ?? topic
            var request = ReplayRequest(topic: topic, target: target, partitions: Set(partition), start: start, end: end)
            request.filter = chosen
            request.leavesOutReplays = noReplays
            request.positions = positions
            request.limit = limit ?? .max
            let cleanup = try? await admin.configuration(of: target)["cleanup.policy"]?.value
            let refusal = ReplayOperations(kafka, names).refusal(of: target, cleanup: cleanup)
            return (request, kafka, names, refusal)
        }
        if let refusal { throw Failure(refusal, code: Ending.refused) }
        try await replay(request, ReplayOperations(kafka, names), MessageLine(names, times: TimeText(zone: zone)), zone, rate)
    }

    private func replay(
        _ request: ReplayRequest, _ operations: ReplayOperations, _ lines: MessageLine, _ zone: BusinessZone?, _ rate: Rate?
    ) async throws {
        let (plan, _) = try await Interruption.cancelling {
            try await operations.plan(request) { progress in
                ProgressLine.shared.show("reading: \(progress.passed) of \(progress.total) offsets")
            }
        }
        if !json || !execute {
            try json
                ? Output.json(ReplayDocument(plan, request))
                : Output.result(Self.text(plan, request, lines, TimeText(zone: zone)))
        }
        guard plan.messages > 0 else {
            Output.note("nothing to do")
            return
        }
        guard execute else {
            Output.note("nothing was published; repeat with --execute to publish")
            throw Ending.hasWork
        }
        let total = plan.messages
        let perSecond = rate?.perSecond
        let (summary, failure, wasInterrupted) = try await Self.carryOut {
            try await operations.run(
                request, rate: perSecond, by: OperatorName.current,
                progress: { published, _ in ProgressLine.shared.show("published \(published) of \(total)") })
        }
        if json { try Output.json(SummaryDocument(summary)) }
        Output.note("published \(summary.published) messages to \(request.target)")
        if !summary.positions.isEmpty, failure != nil || wasInterrupted || limit != nil {
            Output.note("to go on: \(continuation(request, summary))")
        }
        if let failure {
            Output.note(
                "not all was published: \(failure); the transaction that failed may have been published if its commit did")
            throw Ending.error
        }
        if wasInterrupted { throw Ending.interrupted }
    }

    /// Runs until the end, an interruption or a failure: all three tell how far it came.
    private static func carryOut(
        _ body: @escaping @Sendable () async throws -> ReplayOperations.Summary
    ) async throws -> (ReplayOperations.Summary, failure: String?, wasInterrupted: Bool) {
        do {
            let (summary, wasInterrupted) = try await Interruption.cancelling(body)
            return (summary, nil, wasInterrupted)
        } catch let interrupted as ReplayOperations.Interrupted {
            return (interrupted.summary, interrupted.description, false)
        }
    }

    /// The command that goes on, with absolute times.
    private func continuation(_ request: ReplayRequest, _ summary: ReplayOperations.Summary) -> String {
        var words = ["switchboard", "replay", topic]
        func add(_ option: String, _ values: [String]) {
            for value in values { words += [option, ShellWord.quoted(value)] }
        }
        add("--from", [Timestamp.string(request.start)])
        add("--to", [Timestamp.string(request.end)])
        add("--kind", kind)
        add("--source", source)
        add("--day", day)
        add("--key", key)
        add("--where", conditions)
        add("--into", [into].compactMap { $0 })
        add("--rate", [rate].compactMap { $0 })
        if noReplays { words.append("--no-replays") }
        let positions = summary.positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
        words += ["--continue-from", positions.joined(separator: ","), "--execute"]
        return words.joined(separator: " ")
    }

    private static func positions(_ text: String) throws(UsageProblem) -> [Int32: Int64] {
        var positions: [Int32: Int64] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let numbers = part.split(separator: ":", omittingEmptySubsequences: false)
            guard numbers.count == 2, let partition = Int32(numbers[0]), let offset = Int64(numbers[1]), partition >= 0,
                offset >= 0
            else { throw UsageProblem("--continue-from", given: text, allowed: "partition:offset pairs such as 0:15,3:7") }
            positions[partition] = offset
        }
        return positions
    }

    private static func text(_ plan: ReplayPlan, _ request: ReplayRequest, _ lines: MessageLine, _ times: TimeText) -> String {
        var text = "\(request.topic) from \(times.text(request.start)) to \(times.text(request.end))"
        text += request.target == request.topic ? "\n" : " into \(request.target)\n"
        var table = TextTable([
            .init("PARTITION", .right), .init("MESSAGES", .right), .init("BYTES", .right), .init("FIRST"), .init("LAST"),
        ])
        for row in plan.rows {
            table.add([
                "\(row.partition)", "\(row.messages)", "\(row.bytes)", row.first.map { times.text(milliseconds: $0) } ?? "",
                row.last.map { times.text(milliseconds: $0) } ?? "",
            ])
        }
        text += table.text
        for (name, counts) in [("kind", plan.kinds), ("source", plan.sources), ("day", plan.days)] where !counts.isEmpty {
            let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            let list = sorted.prefix(10).map { "\(TerminalText.escaped($0.key, limit: 60)) \($0.value)" }.joined(separator: ", ")
            text += "by \(name): \(list)\(sorted.count > 10 ? " and \(sorted.count - 10) more" : "")\n"
        }
        if plan.leftOut > 0 { text += "left out by the filters: \(plan.leftOut)\n" }
        if plan.unreadable > 0 { text += "not JSON, so of no kind, source or day: \(plan.unreadable)\n" }
        if plan.replays > 0 { text += "replays themselves: \(plan.replays) (--no-replays leaves them out)\n" }
        if !plan.sample.isEmpty { text += "the first of them:\n" + plan.sample.map { "  \(lines.text($0))\n" }.joined() }
        return text + "\(plan.messages) messages would be published\n"
    }
}

/// A plan as JSON.
private struct ReplayDocument: Encodable {
    let topic: String
    let into: String
    let from: Date
    let to: Date
    let messages: Int
    let partitions: [Row]
    let kinds: [String: Int]
    let sources: [String: Int]
    let days: [String: Int]
    let leftOut: Int
    let unreadable: Int
    let replays: Int

    struct Row: Encodable {
        let partition: Int32
        let messages: Int
        let bytes: Int
        let first: Date?
        let last: Date?
    }

    init(_ plan: ReplayPlan, _ request: ReplayRequest) {
        func date(_ milliseconds: Int64?) -> Date? { milliseconds.map { Date(timeIntervalSince1970: Double($0) / 1000) } }
        topic = request.topic
        into = request.target
        from = request.start
        to = request.end
        messages = plan.messages
        partitions = plan.rows.map {
            Row(partition: $0.partition, messages: $0.messages, bytes: $0.bytes, first: date($0.first), last: date($0.last))
        }
        kinds = plan.kinds
        sources = plan.sources
        days = plan.days
        leftOut = plan.leftOut
        unreadable = plan.unreadable
        replays = plan.replays
    }
}

/// What was done, as JSON.
private struct SummaryDocument: Encodable {
    let published: Int
    let isDone: Bool
    let continueFrom: [String: Int64]

    init(_ summary: ReplayOperations.Summary) {
        published = summary.published
        isDone = summary.positions.isEmpty
        continueFrom = Dictionary(uniqueKeysWithValues: summary.positions.map { ("\($0.key)", $0.value) })
    }
}
