import ArgumentParser
import Contracts
import Foundation
import Kafka
import Operations
import Scheduler

extension OffsetsCommand {
    /// `switchboard offsets reset`.
    struct Reset: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Moves a group's offsets. Shows what would change; does it with --execute.",
            discussion: """
                --to is earliest, latest, an offset, +N or -N from what is committed, or a time (the first record at or after it): \
                2026-03-01T16:00:00Z, @-2h, @<ms since 1970>, or with --zone 2026-03-01 or 2026-03-01T08:30. What is not kept \
                any more, or lies behind the end, is moved into what there is, and said.

                Nothing is changed while the group has members: stop them first. What a window of done jobs said beside an \
                offset is cleared, so those jobs are read again. Before a change, what was committed is written to a file; \
                --from-file with it undoes the change.

                Exit codes: 0 nothing to do or done, 1 error, 2 there is something to do and --execute was not given, 3 refused \
                because the group has members, 64 wrong usage.
                """)

        static let examples = """
            # shows what would be read again
            switchboard offsets reset --group conversation-worker --topic jobs.conversation --to @-2h
            # by the clocks of Manila, two partitions only; does it
            switchboard offsets reset --group conversation-worker --topic jobs.conversation:0,3 --to 2026-03-01 --zone Asia/Manila --execute
            # leaves out the next record of one partition
            switchboard offsets reset --group conversation-worker --topic jobs.conversation:2 --to +1 --execute
            # takes a change back
            switchboard offsets reset --from-file offsets-conversation-worker-20260301T160000000Z.json --execute
            """

        @Option(help: ArgumentHelp("The group, with or without the installation's prefix.", valueName: "group"))
        var group: String?

        @Option(
            help: ArgumentHelp(
                "A topic, or some of its partitions: jobs.conversation:0,3. May be given several times.", valueName: "topic"))
        var topic: [String] = []

        @Flag(help: "All topics in which the group has committed something.")
        var allTopics = false

        @Option(parsing: .unconditional, help: ArgumentHelp("Where to.", valueName: "target"))
        var to: String?

        @Option(help: ArgumentHelp("The zone of local times in --to; times are shown in it too.", valueName: "zone"))
        var zone: String?

        @Option(
            help: ArgumentHelp("Restore what this file remembers, instead of --topic and --to.", valueName: "file"),
            completion: .file(extensions: ["json"]))
        var fromFile: String?

        @Option(
            help: ArgumentHelp(
                "Where to write what was committed. (default: offsets-<group>-<time>.json in this directory)", valueName: "file"),
            completion: .file(extensions: ["json"]))
        var undoFile: String?

        @Flag(help: "Print the plan as JSON.")
        var json = false

        @Flag(help: "Carry out the plan.")
        var execute = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        func validate() throws {
            if fromFile != nil {
                guard topic.isEmpty, !allTopics, to == nil else {
                    throw ValidationError("--from-file says what to restore: leave out --topic, --all-topics and --to")
                }
                return
            }
            guard group != nil else { throw ValidationError("missing --group") }
            guard to != nil else { throw ValidationError("missing --to: earliest, latest, an offset, +N, -N or a time") }
            guard topic.isEmpty == allTopics else {
                throw ValidationError(
                    allTopics ? "--all-topics and --topic exclude each other" : "missing --topic (or --all-topics)")
            }
        }

        func run() async throws {
            let now = Date()
            let zone = try TimeExpression.zone(zone)
            let target = try to.map { text throws(UsageProblem) in
                try OffsetTarget.parse(text, option: "--to", now: now, zone: zone)
            }
            let file = try fromFile.map { path throws(UsageProblem) in try OffsetFile.read(path, option: "--from-file") }
            let selections = try topic.map { text throws(UsageProblem) in try TopicSelection(text, option: "--topic") }
            if let file, let group, !file.group.hasSuffix(group) {
                throw UsageProblem("--group: the file is about group \"\(TerminalText.escaped(file.group))\"; leave --group out")
            }
            try await connection.withAdmin { admin, kafka, names in
                let operations = OffsetOperations(admin, kafka)
                let plan: OffsetPlan
                if let file {
                    plan = try await operations.plan(restoring: file)
                } else {
                    plan = try await makePlan(operations, GroupReader(admin, kafka, names), admin, names, selections, target)
                }
                try show(plan, TimeText(zone: zone))
                if plan.isEmpty {
                    if !json { Output.note("nothing to do") }
                    return
                }
                do {
                    try await operations.checkIdle(plan.group)
                    guard execute else {
                        Output.note("nothing was changed; repeat with --execute to carry out the plan")
                        throw Ending.hasWork
                    }
                    try await carryOut(plan, operations, now: now)
                } catch let refusal as OffsetOperations.Refusal {
                    throw Failure("\(refusal)", code: Ending.refused)
                }
            }
        }

        private func makePlan(
            _ operations: OffsetOperations, _ reader: GroupReader, _ admin: Admin, _ names: TopicNames,
            _ selections: [TopicSelection], _ target: OffsetTarget?
        ) async throws -> OffsetPlan {
            guard let given = group, let target else { throw UsageProblem("missing --group or --to") }
            let topics = try await admin.metadata().topics
            let counts = Dictionary(topics.map { ($0.name, $0.partitions) }) { _, last in last }
            var partitions = try TopicSelection.resolve(
                selections, TopicResolver(names, existing: topics.map(\.name)), counts: counts)
            let group = try await reader.resolve(given)
            if allTopics {
                let committed = try await admin.committedOffsets(of: group).keys
                partitions = committed.filter { $0.partition < counts[$0.topic] ?? 0 && !reader.isLease($0, of: group) }.sorted()
            }
            if let lease = partitions.first(where: { reader.isLease($0, of: group) }) {
                throw Failure(
                    "refused: group \(group) owns \(lease) only to lead and never reads it from an offset; "
                        + "to move a schedule use switchboard cursor set", code: Ending.refused)
            }
            return try await operations.plan(group: group, partitions: partitions, target: target)
        }

        private func carryOut(_ plan: OffsetPlan, _ operations: OffsetOperations, now: Date) async throws {
            let undo = OffsetFile(before: plan, at: now, by: OperatorName.current)
            let path = undoFile ?? undo.name
            do {
                try undo.write(to: path)
            } catch {
                throw Failure(
                    "nothing was changed: \(path) can't be written (\(error.localizedDescription)); give another --undo-file")
            }
            Output.note("what was committed is in \(path)")
            try await operations.execute(plan)
            Output.note("done, and read back: \(plan.rows.count { $0.isChange }) partitions changed")
            Output.note("to undo: switchboard offsets reset --from-file \(path) --execute")
        }

        private func show(_ plan: OffsetPlan, _ times: TimeText) throws {
            guard !json else {
                try Output.json(PlanDocument(plan))
                return
            }
            var table = TextTable([
                .init("PARTITION"), .init("OLD", .right), .init("NEW", .right), .init("EFFECT"), .init("RECORD AT OLD"),
                .init("RECORD AT NEW"), .init("NOTE"),
            ])
            for row in plan.rows {
                table.add([
                    row.partition.description, row.old.map { "\($0.offset)" } ?? "-", row.new.map { "\($0.offset)" } ?? "-",
                    Self.effect(row), row.isChange ? times.text(milliseconds: row.timeAtOld) : "",
                    row.isChange ? times.text(milliseconds: row.timeAtNew) : "", row.note ?? "",
                ])
            }
            Output.result("group \(TerminalText.escaped(plan.group))\n" + table.text)
        }

        private static func effect(_ row: OffsetPlan.Row) -> String {
            guard row.isChange else { return "same" }
            let count = row.records.map { "\($0)" } ?? "up to \(abs(row.to - row.from))"
            if row.to > row.from { return "skips \(count) records" }
            let again = row.repeated - (row.from - row.to)
            let ahead = again > 0 ? " and \(again) done ahead" : ""
            return row.to < row.from ? "repeats \(count) records\(ahead)" : again > 0 ? "repeats \(again) done ahead" : "sets it"
        }
    }
}

/// A plan as JSON.
private struct PlanDocument: Encodable {
    let group: String
    let changes: Int
    let partitions: [Row]

    struct Row: Encodable {
        let topic: String
        let partition: Int32
        let old: Int64?
        let oldMetadata: String?
        let new: Int64?
        let skippedOffsets: Int64
        let repeatedOffsets: Int64
        let records: Int?
        let recordAtOld: Date?
        let recordAtNew: Date?
        let note: String?
        let isChange: Bool
    }

    init(_ plan: OffsetPlan) {
        func date(_ milliseconds: Int64?) -> Date? {
            milliseconds.flatMap { $0 < 0 ? nil : Date(timeIntervalSince1970: Double($0) / 1000) }
        }
        group = plan.group
        changes = plan.rows.count { $0.isChange }
        partitions = plan.rows.map {
            Row(
                topic: $0.partition.topic, partition: $0.partition.partition, old: $0.old?.offset,
                oldMetadata: $0.old?.metadata, new: $0.new?.offset, skippedOffsets: $0.skipped, repeatedOffsets: $0.repeated,
                records: $0.records, recordAtOld: date($0.timeAtOld), recordAtNew: date($0.timeAtNew), note: $0.note,
                isChange: $0.isChange)
        }
    }
}
