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
        "aggregations": "only records are kept; aggregates can be made of them",
        "presenceaggregations": "only records are kept; aggregates can be made of them",
        "routingstatusaggregations": "only records are kept; aggregates can be made of them",
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
                if let size = field["pageSize"] { readPageSize(size, "\(key).pageSize") }
                notes.append((key, .needless, "pages are read until one is empty"))
            } else if plain == "pagesize" {
                readPageSize(field, key)
            } else if plain == "expandanswertotalscores" {
                answers = Self.truth(field)
                if answers == nil, field != .null { notes.append((key, .left, "neither true nor false")) }
            } else if let reason = Self.own[plain] {
                notes.append((key, .needless, reason))
            } else if ImportedKey.isSecret(key) || Self.hidesSecret(field, depth: 0) {
                notes.append(
                    (
                        key, .secret,
                        "left out: it looks like a secret, and requests carry none; the token is obtained by the worker"
                    ))
            } else if plain == "conversationfilters" {
                kept[key] = withoutEndFilter(field, key)
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
                    "it still has a condition on conversationEnd: if that keeps open conversations out, take it out; Switchboard "
                        + "completes those later"
                ))
        }
    }

    private mutating func readPageSize(_ value: JSONValue, _ key: String) {
        pageSize = value.integer.flatMap { Int(exactly: $0) } ?? value.string.flatMap { Int($0) }
        if pageSize == nil, value != .null { notes.append((key, .left, "no whole number")) }
    }

    /// What the scripts took for true and false.
    private static func truth(_ value: JSONValue) -> Bool? {
        value.bool
            ?? ["true": true, "1": true, "false": false, "0": false][
                value.string?.lowercased() ?? value.integer.map { "\($0)" } ?? ""]
    }

    /// The filters without the condition that a conversation has ended, by which the scripts kept open ones out; nil when nothing
    /// is left.
    private mutating func withoutEndFilter(_ filters: JSONValue, _ key: String) -> JSONValue? {
        guard case .array(let elements) = filters else { return filters == .null ? nil : filters }
        var isChanged = false
        let left = elements.compactMap { filter -> JSONValue? in
            guard case .object(var fields) = filter, case .array(let predicates)? = fields["predicates"] else { return filter }
            let others = predicates.filter { !Self.isEndCondition($0) }
            // One of several alternatives can't be taken out of them.
            let clauses = if case .array(let clauses)? = fields["clauses"] { clauses.count } else { 0 }
            let isCondition = predicates.count + clauses == 1 || fields["type"]?.string?.lowercased() == "and"
            guard others.count < predicates.count, isCondition else { return filter }
            isChanged = true
            fields["predicates"] = .array(others)
            return others.isEmpty && clauses == 0 ? nil : .object(fields)
        }
        if isChanged {
            notes.append(
                (
                    key, .changed,
                    "left out that conversationEnd exists: it kept open conversations out, which Switchboard completes later"
                ))
        }
        return left.isEmpty ? nil : .array(left)
    }

    private static func isEndCondition(_ predicate: JSONValue) -> Bool {
        predicate["dimension"]?.string?.lowercased() == "conversationend"
            && predicate["operator"]?.string?.lowercased() == "exists"
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
