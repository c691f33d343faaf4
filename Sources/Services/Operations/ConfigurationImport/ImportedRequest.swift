internal import Contracts
internal import Foundation
internal import Scheduler

/// The scripts' `request_body`: what of it schedules may say, and what Switchboard says itself.
struct ImportedRequest: Sendable {
    /// The fields for `parameters.request`; nil when none are left.
    private(set) var fields: JSONValue?
    /// The page size that it asked for.
    private(set) var pageSize: Int?
    /// Whether it asked for the totals of evaluations' answers.
    private(set) var answers: Bool?
    /// What became of its fields: the key below the body, and the note.
    private(set) var notes: [(key: String, outcome: ImportNote.Outcome, text: String)] = []

    /// Fields that Switchboard sets itself, and why they aren't needed.
    private static let own: [String: String] = [
        "interval": "each job asks for its own interval",
        "order": "Switchboard orders pages itself, oldest first, so that rows that shift aren't lost",
        "orderby": "Switchboard orders pages itself, by start, so that rows that shift aren't lost",
        "sortorder": "Switchboard orders pages itself",
        "sortby": "Switchboard orders pages itself",
        "pagenumber": "pages are read until one is empty",
        "starttime": "each job asks for its own interval",
        "endtime": "each job asks for its own interval",
        "evaluatoruserid": "evaluators are found by their role, or through the conversations",
        "limit": "everything is read",
        "cursor": "jobs go on by themselves from where they stopped",
    ]

    /// Takes a body apart: an object, or its text.
    init(_ value: JSONValue) {
        var value = value
        if case .string(let text) = value {
            do throws(ContractError) {
                value = try JSONValue.decode(Array(text.utf8), upTo: 1 << 20)
            } catch {
                notes.append(("", .left, "it is text and no JSON object; put the fields into parameters.request of the schedule"))
                return
            }
        }
        if value == .null { return }
        guard case .object(let object) = value else {
            notes.append(("", .left, "no JSON object; put the fields into parameters.request of the schedule"))
            return
        }
        var kept: [String: JSONValue] = [:]
        for (key, field) in object.sorted(by: { $0.key < $1.key }) {
            let plain = ImportedKey.plain(key)
            if plain == "paging" {
                pageSize = field["pageSize"]?.integer.flatMap { Int(exactly: $0) }
                notes.append((key, .needless, "pages are read until one is empty"))
            } else if plain == "pagesize" {
                pageSize = field.integer.flatMap { Int(exactly: $0) }
            } else if plain == "expandanswertotalscores" {
                answers = field.bool ?? (field.string.map { $0.lowercased() == "true" })
            } else if let reason = Self.own[plain] {
                notes.append((key, .needless, reason))
            } else if ImportedKey.isSecret(key) || Self.hidesSecret(field, depth: 0) {
                notes.append(
                    (
                        key, .secret,
                        "left out: it looks like a secret, and requests carry none; the token is obtained by the worker"
                    ))
            } else if field != .null {
                kept[key] = field
            }
        }
        keep(kept)
    }

    private mutating func keep(_ kept: [String: JSONValue]) {
        guard !kept.isEmpty else { return }
        let request = JSONValue.object(kept)
        guard Self.depth(of: request) <= 24, let bytes = request.encoded(),
            bytes.count <= ScheduleFile.maximumParameterBytes - 256
        else {
            notes.append(
                ("", .left, "too deep or too large for a schedule (\(ScheduleFile.maximumParameterBytes) bytes of JSON)"))
            return
        }
        fields = request
        let names = kept.keys.sorted().map { TerminalText.escaped($0, limit: 60) }
        notes.append(("", .carried, "schedules.yaml: parameters.request: \(names.joined(separator: ", "))"))
        let text = String(decoding: bytes, as: UTF8.self)
        if text.contains("\"conversationEnd\""), text.contains("\"exists\"") {
            notes.append(
                (
                    "", .changed,
                    "its filter on conversationEnd keeps open conversations out; Switchboard completes those later, so it can go"
                ))
        }
    }

    private static func hidesSecret(_ value: JSONValue, depth: Int) -> Bool {
        switch value {
        case .object(let fields): fields.contains { ImportedKey.isSecret($0.key) || hidesSecret($0.value, depth: depth + 1) }
        case .array(let elements): elements.contains { hidesSecret($0, depth: depth + 1) }
        case .null, .bool, .integer, .number, .string: false
        }
    }

    private static func depth(of value: JSONValue) -> Int {
        switch value {
        case .object(let fields): 1 + (fields.values.map(depth).max() ?? 0)
        case .array(let elements): 1 + (elements.map(depth).max() ?? 0)
        case .null, .bool, .integer, .number, .string: 0
        }
    }
}
