public import Contracts
public import Foundation

/// What workers are about to be told.
public struct ControlPlan: Sendable, Hashable {
    /// An entry, and what is so now.
    public struct Entry: Sendable, Hashable {
        /// The entry.
        public let control: Control
        /// What is so now; nil when that is nothing special.
        public let now: String?
    }

    /// Entries that are published.
    public private(set) var publish: [Entry] = []
    /// Keys of entries that are taken back.
    public private(set) var takenBack: [String] = []
    /// What needs nothing, with the reason.
    public var nothing: [String] = []
    /// What can't be done, with what to do.
    public var refused: [String] = []

    /// Nothing.
    public init() {}

    /// Whether it changes nothing.
    public var isEmpty: Bool { publish.isEmpty && takenBack.isEmpty }

    /// Publishes an entry.
    ///
    /// - Parameter now: what is so before.
    public mutating func publish(_ control: Control, now: String?) { publish.append(Entry(control: control, now: now)) }

    /// Takes an entry back, if there is one. One that has expired is taken back, too: nobody needs to read it.
    public mutating func takeBack(_ key: String, in state: ControlState, otherwise: String) {
        if state.entries[key] != nil { takenBack.append(key) } else { nothing.append("\(key): \(otherwise)") }
    }

    /// What an entry says, in words.
    public static func words(_ control: Control) -> String {
        let what: String
        switch control.target {
        case .job(let id, let revision): what = "cancel \(id) up to revision \(revision)"
        case .kind(let kind):
            what =
                control.command == .limit
                ? "limit kind \(kind) to \(control.slots ?? 0) slots in each worker" : "pause kind \(kind)"
        case .source(let source):
            what =
                control.command == .limit
                ? "limit source \(source) to \(control.requestsPerMinute ?? 0) requests a minute" : "pause source \(source)"
        case nil: what = control.command.rawValue
        }
        return what + (control.expiresAt.map { " until \(Timestamp.string($0))" } ?? "")
    }

    /// The plan for people, one line each.
    public var text: String {
        var lines = publish.map { entry in Self.words(entry.control) + (entry.now.map { "; \($0)" } ?? "") }
        lines += takenBack.map { "take back \(TerminalText.escaped($0, limit: 300))" }
        lines += nothing.map { "nothing to do for \($0)" }
        lines += refused.map { "refused: \($0)" }
        return lines.map { "\($0)\n" }.joined()
    }

    /// The plan for `--json`.
    public func report(executed: Bool) -> some Encodable {
        Report(
            publish: publish.compactMap { entry in
                entry.control.target.map {
                    ControlEntry(key: Control.key(entry.control.command, $0), isActive: true, control: entry.control)
                }
            }, takenBack: takenBack, nothing: nothing, refused: refused, executed: executed)
    }

    private struct Report: Encodable {
        let publish: [ControlEntry]
        let takenBack: [String]
        let nothing: [String]
        let refused: [String]
        let executed: Bool
    }
}

/// An entry of the topic `control` as operators see it.
public struct ControlEntry: Sendable, Encodable {
    let key: String
    let isActive: Bool
    let control: Control

    /// An entry.
    public init(key: String, isActive: Bool, control: Control) {
        self.key = key
        self.isActive = isActive
        self.control = control
    }

    /// A table of entries.
    public static func table(_ entries: [Control], now: Date) -> String {
        var table = TextTable([
            TextTable.Column("WHAT"), TextTable.Column("SINCE"), TextTable.Column("BY"), TextTable.Column("REASON"),
        ])
        for entry in entries {
            let words = ControlPlan.words(entry)
            table.add([
                words + (entry.isActive(at: now) ? "" : " (expired)"), Timestamp.string(entry.at),
                TerminalText.escaped(entry.by, limit: 60), TerminalText.escaped(entry.reason ?? "-", limit: 100),
            ])
        }
        return table.text
    }
}
