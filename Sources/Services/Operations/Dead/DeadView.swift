public import Contracts
internal import Foundation
internal import Kafka

/// A letter in a row of `dead list`.
public struct DeadRow: Sendable, Hashable, Encodable {
    /// Partition and offset.
    public let position: DeadLetter.Position
    let diedAt: Date?
    let reason: String
    let message: String?
    let advice: String?
    let job: String?
    let revision: Int?
    let source: String?
    let dataset: String?
    let day: String?
    let attempts: Int?
    let redrives: Int
    let key: String
    let isReadable: Bool
    let mark: DeadMark.Action?

    /// The row of a letter.
    public init(_ letter: DeadLetter, mark: DeadMark?) {
        position = letter.position
        diedAt = letter.diedAt
        reason = letter.reason
        message = letter.message
        advice = letter.advice
        job = letter.job?.id
        revision = letter.job?.revision
        source = letter.job?.source
        dataset = letter.job?.dataset
        day = letter.job?.day
        attempts = letter.attempts
        redrives = letter.redrives
        key = TerminalText.escaped(letter.record.key ?? [], limit: 200)
        isReadable = letter.job != nil
        self.mark = mark?.action
    }

    /// A table of rows.
    public static func table(_ rows: [DeadRow]) -> String {
        let showsMarks = rows.contains { $0.mark != nil }
        var table = TextTable(
            [
                TextTable.Column("AT", .right), TextTable.Column("DIED"), TextTable.Column("REASON"), TextTable.Column("JOB"),
                TextTable.Column("REV", .right), TextTable.Column("TRIES", .right), TextTable.Column("REDRIVES", .right),
            ] + (showsMarks ? [TextTable.Column("DONE")] : []) + [TextTable.Column("MESSAGE")])
        for row in rows {
            var cells = [
                "\(row.position)", row.diedAt.map { Timestamp.string($0) } ?? "-", TerminalText.escaped(row.reason, limit: 40),
                row.job ?? "(unreadable) \(row.key.prefix(40))", row.revision.map { "\($0)" } ?? "-",
                row.attempts.map { "\($0)" } ?? "-", "\(row.redrives)",
            ]
            if showsMarks { cells.append(row.mark?.rawValue ?? "-") }
            table.add(cells + [TerminalText.escaped(row.message ?? "-", limit: 80)])
        }
        return table.text
    }
}

extension DeadLetter.Position: Encodable {
    /// Encodes as `3:42`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension DeadGroups {
    /// The groups as a table.
    public var table: String {
        var table = TextTable([
            TextTable.Column("COUNT", .right), TextTable.Column(title), TextTable.Column("FIRST"), TextTable.Column("LAST"),
            TextTable.Column("LATEST MESSAGE"),
        ])
        for group in sorted {
            table.add([
                "\(group.count)", group.name, group.first.map { Timestamp.string($0) } ?? "-",
                group.last.map { Timestamp.string($0) } ?? "-", TerminalText.escaped(group.example ?? "-", limit: 80),
            ])
        }
        return table.text
    }
}

/// One letter with all that is known of it: what `dead show` shows.
public struct DeadView: Sendable {
    private let letter: DeadLetter
    private let mark: DeadMark?

    /// The view of a letter.
    public init(_ letter: DeadLetter, mark: DeadMark?) {
        self.letter = letter
        self.mark = mark
    }

    /// What to do about the letter: the worker's advice, and where it says nothing, what can be seen.
    public var advice: String {
        if let mark { return "nothing: it was \(mark.action.rawValue)" }
        if letter.truncatedFrom != nil {
            return "its value was cut; the whole is in \(letter.origin.map { "\($0)" } ?? "the topic that it was read from")"
        }
        if let advice = letter.advice { return TerminalText.escaped(advice, limit: 1200) }
        if letter.job == nil { return "mend the program that wrote it, then discard the letter" }
        return "mend the cause, then send it back with `switchboard dead redrive`"
    }

    /// The letter as text.
    ///
    /// - Parameter limit: the most bytes of the value that are shown.
    public func text(limit: Int) -> String {
        let record = letter.record
        var lines: [(String, String)] = [
            ("letter", "\(TerminalText.escaped(record.topic, limit: 250)) \(letter.position)"),
            ("died", letter.diedAt.map { Timestamp.string($0) } ?? "at an unknown time"),
            ("reason", TerminalText.escaped(letter.reason, limit: 200)),
        ]
        if let message = letter.message { lines.append(("message", TerminalText.escaped(message, limit: 1200))) }
        lines.append(("advice", advice))
        if let job = letter.job {
            lines.append(("job", "\(job.id), revision \(job.revision)" + (job.parent.map { ", part of \($0)" } ?? "")))
            lines.append(("about", "\(job.kind), \(job.source), \(job.dataset)" + (job.day.map { ", \($0)" } ?? "")))
            if let interval = job.interval { lines.append(("interval", "\(interval)")) }
        } else if let problem = letter.problem {
            lines.append(("job", "can't be read: \(TerminalText.escaped(problem.description, limit: 300))"))
        }
        if let attempts = letter.attempts { lines.append(("attempts", "\(attempts)")) }
        if let worker = letter.worker { lines.append(("worker", TerminalText.escaped(worker, limit: 200))) }
        lines.append(("first in", letter.origin.map { "\($0)" } ?? "unknown"))
        lines.append(("redrives", "\(letter.redrives)"))
        if let mark {
            let reason = mark.reason.map { ": \(TerminalText.escaped($0, limit: 500))" } ?? ""
            lines.append(
                (
                    "done",
                    "\(mark.action.rawValue) by \(TerminalText.escaped(mark.by, limit: 200)) at \(Timestamp.string(mark.at))\(reason)"
                ))
        }
        lines.append(("key", record.key.map { TerminalText.escaped($0, limit: 500) } ?? "none"))
        var text = lines.map { JobStory.padded($0.0) + $0.1 + "\n" }.joined()
        text += "\nheaders\n"
        for header in record.headers.prefix(100) {
            let value = header.value.map { TerminalText.escaped($0, limit: 1200) } ?? "(none)"
            text += "  \(TerminalText.escaped(header.name, limit: 100)): \(value)\n"
        }
        if record.headers.count > 100 { text += "  and \(record.headers.count - 100) more\n" }
        guard let value = record.value else { return text + "\nvalue: none\n" }
        text += "\nvalue, \(value.count) bytes\n"
        return text + ValueText.shown(value, limit: limit)
    }

    /// The letter for `--json`.
    public var report: some Encodable {
        Report(
            row: DeadRow(letter, mark: mark), origin: letter.origin.map { "\($0)" }, advice: advice, mark: mark,
            worker: letter.worker,
            headers: letter.record.headers.map { Report.Header(name: $0.name, value: $0.text) }, job: letter.job,
            valueBase64: letter.record.value.map { Data($0) }, keyBase64: letter.record.key.map { Data($0) })
    }

    private struct Report: Encodable {
        struct Header: Encodable {
            let name: String
            let value: String?
        }

        let row: DeadRow
        let origin: String?
        let advice: String
        let mark: DeadMark?
        let worker: String?
        let headers: [Header]
        let job: Job?
        let valueBase64: Data?
        let keyBase64: Data?
    }
}
