import Contracts
import Foundation
import Service

/// Reads the file that defines the schedules: strictly, with all its problems at once.
///
/// ```yaml
/// schedules:
///   - name: conversations
///     kind: conversation          # which workers run the jobs: topic jobs.<kind>
///     dataset: conversations
///     source: genesys/main
///     cron: "0 6 * * *"           # or `every: 15m`
///     zone: Asia/Manila           # of business days, windows and cron times
///     lag: 1                      # business days back
///     window: 1d                  # default 1d; parts that divide a day, or whole days
///     settle: 10m                 # default 0s; an interval is published this long after its end at the earliest
///     start: 2026-03-01           # first business day; default: from the first fire on
///     end: 2026-12-31             # last business day; default: none
///     catch-up: all               # all (default), latest, none
///     maximum-catch-up: 100       # intervals per tick
///     deadline: 12h               # default: none
///     priority: 5                 # 0 to 9
///     parameters: { pageSize: 100 }
///     paused: false
/// ```
public enum ScheduleFile {
    /// The most schedules that one file may hold.
    public static let maximumSchedules = 1_000
    /// The most bytes that one schedule's parameters may have as JSON.
    public static let maximumParameterBytes = 16_384

    /// Every problem of a file, one line each.
    public struct Problems: Error, Sendable, Equatable, CustomStringConvertible {
        /// The problems: each names the schedule, the key, the value and what is allowed.
        public let lines: [String]

        /// The problems, one a line.
        public var description: String { lines.joined(separator: "\n") }
    }

    /// Reads the schedules of a YAML text in the order in which they are written.
    public static func parse(yaml: String) throws(Problems) -> [ScheduleDefinition] {
        let document: DocumentValue
        do {
            document = try DocumentValue.parse(yaml: yaml)
        } catch {
            throw Problems(lines: ["schedules: \(error)"])
        }
        var problems: [String] = []
        var definitions: [ScheduleDefinition] = []
        if let file = DocumentMapping(document, subject: "schedules", problems: &problems) {
            file.rejectUnknownKeys(known: ["schedules"], problems: &problems)
            definitions = read(file, problems: &problems)
        }
        guard problems.isEmpty else { throw Problems(lines: problems) }
        return definitions
    }

    private static func read(_ file: DocumentMapping, problems: inout [String]) -> [ScheduleDefinition] {
        guard case .list(let list)? = file["schedules"], list.count <= maximumSchedules else {
            file.reject(
                "schedules", file["schedules"], allowed: "a list of at most \(maximumSchedules) schedules", problems: &problems)
            return []
        }
        var definitions: [ScheduleDefinition] = []
        var names: Set<String> = []
        for (index, value) in list.enumerated() {
            guard let definition = read(value, position: index + 1, problems: &problems) else { continue }
            if !names.insert(definition.name).inserted {
                problems.append(
                    "schedule \"\(definition.name)\": name: \"\(definition.name)\" is not allowed; "
                        + "allowed is a name that no other schedule has")
            }
            definitions.append(definition)
        }
        return definitions
    }

    private static let keys = [
        "name", "kind", "dataset", "source", "cron", "every", "zone", "lag", "window", "settle", "start", "end", "catch-up",
        "maximum-catch-up", "deadline", "priority", "parameters", "paused",
    ]

    private static let nameRule = "lower-case letters, digits and -, 1 to 63 of them, beginning with a letter or digit"

    private static let datasetRule =
        "lower-case letters, digits, - and _, 1 to 63 of them, beginning with a letter or digit"

    private static func read(_ value: DocumentValue, position: Int, problems: inout [String]) -> ScheduleDefinition? {
        let before = problems.count
        var subject = "schedule \(position)"
        if case .mapping(let entries) = value,
            case .scalar(let name, _)? = entries.first(where: { $0.key == "name" })?.value, isName(name)
        {
            subject = "schedule \"\(name)\""
        }
        guard let mapping = DocumentMapping(value, subject: subject, problems: &problems) else { return nil }
        mapping.rejectUnknownKeys(known: keys, problems: &problems)

        let name = mapping.value("name", required: true, allowed: nameRule, problems: &problems) { isName($0) ? $0 : nil }
        let kind = mapping.value("kind", required: true, allowed: nameRule, problems: &problems) { isName($0) ? $0 : nil }
        let dataset = mapping.value("dataset", required: true, allowed: datasetRule, problems: &problems) {
            isDataset($0) ? $0 : nil
        }
        let source = mapping.value(
            "source", required: true, allowed: "vendor/account such as genesys/main, letters, digits, - _ and .",
            problems: &problems
        ) { isSource($0) ? $0 : nil }
        let zone = mapping.value(
            "zone", required: true, allowed: zoneRule(mapping["zone"]), problems: &problems, BusinessZone.init)
        let cadence = cadence(mapping, problems: &problems)
        let window = mapping.value("window", allowed: WindowLength.allowed, problems: &problems) {
            WindowLength($0).flatMap { $0.isAtLeastAMinute ? $0 : nil }
        }
        let start = day("start", mapping, problems: &problems)
        let end = day("end", mapping, problems: &problems)
        if let start, let end, end < start {
            mapping.reject("end", mapping["end"], allowed: "a day not before start (\(start))", problems: &problems)
        }
        for (key, length) in [("window", window), ("every", cadence?.length)] {
            if case .days(let days)? = length, days > 1, mapping["start"] == nil {
                mapping.reject("start", nil, allowed: "a day yyyy-MM-dd to count \(key): \(days)d from", problems: &problems)
            }
        }
        let lag = mapping.integer("lag", in: 0...400, problems: &problems)
        let settle = mapping.duration("settle", in: .zero...(.seconds(30 * 86_400)), problems: &problems)
        let deadline = mapping.duration("deadline", in: .seconds(1)...(.seconds(366 * 86_400)), problems: &problems)
        for (key, duration) in [("settle", settle), ("deadline", deadline)] {
            if let duration, duration.components.attoseconds != 0 {
                mapping.reject(key, mapping[key], allowed: "a duration of whole seconds", problems: &problems)
            }
        }
        let catchUp = mapping.oneOf(ScheduleDefinition.CatchUp.self, "catch-up", problems: &problems)
        let maximumCatchUp = mapping.integer("maximum-catch-up", in: 1...1_000, problems: &problems)
        let priority = mapping.integer("priority", in: 0...9, problems: &problems)
        let parameters = parameters(mapping, problems: &problems)
        let isPaused = mapping.boolean("paused", problems: &problems)

        guard problems.count == before, let name, let kind, let dataset, let source, let zone, let cadence else { return nil }
        return ScheduleDefinition(
            name: name, kind: kind, dataset: dataset, source: source, cadence: cadence, zone: zone, lag: lag ?? 0,
            window: window ?? .days(1), settle: settle ?? .zero, start: start, end: end, catchUp: catchUp ?? .all,
            maximumCatchUp: maximumCatchUp ?? 100, deadline: deadline, priority: priority ?? 5, parameters: parameters,
            isPaused: isPaused ?? false)
    }

    // MARK: Single values

    private static func cadence(_ mapping: DocumentMapping, problems: inout [String]) -> Cadence? {
        switch (mapping["cron"], mapping["every"]) {
        case (nil, nil):
            mapping.reject("cron", nil, allowed: "exactly one of cron: \"0 6 * * *\" and every: 15m", problems: &problems)
            return nil
        case (.some, .some(let every)):
            mapping.reject("every", every, allowed: "exactly one of cron and every", problems: &problems)
            return nil
        case (nil, .some):
            return mapping.value("every", allowed: WindowLength.allowed, problems: &problems, WindowLength.init).map(
                Cadence.every)
        case (.some(let value), nil):
            guard case .scalar(let text, _) = value else {
                mapping.reject("cron", value, allowed: "five fields such as \"0 6 * * *\"", problems: &problems)
                return nil
            }
            do {
                return .cron(try CronExpression(text))
            } catch {
                problems.append("\(mapping.subject): cron: \(value.shown) is not allowed: \(error)")
                return nil
            }
        }
    }

    private static func day(_ key: String, _ mapping: DocumentMapping, problems: inout [String]) -> CalendarDay? {
        mapping.value(key, allowed: "a day yyyy-MM-dd from 1970-01-02 to 9998-12-31", problems: &problems) { text in
            CalendarDay(text).flatMap { (1970...9998).contains($0.date.year) && $0.number > 0 ? $0 : nil }
        }
    }

    private static func parameters(_ mapping: DocumentMapping, problems: inout [String]) -> JSONValue {
        guard let value = mapping["parameters"] else { return .object([:]) }
        guard case .mapping = value, let json = JSONValue(value) else {
            mapping.reject(
                "parameters", value, allowed: "a mapping of text, finite numbers, true, false, lists and mappings",
                problems: &problems)
            return .object([:])
        }
        let bytes = (try? JSONEncoder().encode(json))?.count ?? .max
        if bytes > maximumParameterBytes {
            mapping.reject("parameters", value, allowed: "at most \(maximumParameterBytes) bytes as JSON", problems: &problems)
        }
        return json
    }

    private static func zoneRule(_ value: DocumentValue?) -> String {
        let rule = "an IANA time zone such as Asia/Manila, or UTC"
        guard case .scalar(let text, _)? = value, BusinessZone(text) == nil,
            let suggestion = DocumentMapping.nearest(to: text, among: TimeZone.knownTimeZoneIdentifiers)
        else { return rule }
        return "\(rule) (did you mean \(suggestion)?)"
    }

    static func isName(_ text: String) -> Bool { text.wholeMatch(of: /[a-z0-9][a-z0-9\-]{0,62}/) != nil }

    static func isDataset(_ text: String) -> Bool { text.wholeMatch(of: /[a-z0-9][a-z0-9_\-]{0,62}/) != nil }

    /// Whether a text can be a schedule's `source`.
    public static func isAllowed(source text: String) -> Bool { isSource(text) }

    static func isSource(_ text: String) -> Bool {
        text.wholeMatch(of: /[a-z0-9][a-zA-Z0-9._\-]{0,62}\/[a-zA-Z0-9][a-zA-Z0-9._\-]{0,62}/) != nil
    }
}

extension WindowLength {
    /// Shorter windows would make a job storm of every catch-up.
    fileprivate var isAtLeastAMinute: Bool { if case .seconds(let seconds) = self { seconds >= 60 } else { true } }
}

extension Cadence {
    fileprivate var length: WindowLength? { if case .every(let length) = self { length } else { nil } }
}

extension JSONValue {
    /// The JSON value of a YAML value; nil when it holds a number that JSON can't say.
    init?(_ value: DocumentValue) {
        switch value {
        case .null: self = .null
        case .scalar(let text, .string): self = .string(text)
        case .scalar(let text, .boolean): self = .bool(["true", "yes", "on", "y"].contains(text.lowercased()))
        case .scalar(let text, .integer):
            guard let integer = Int64(text) else { return nil }
            self = .integer(integer)
        case .scalar(let text, .number):
            guard let number = Double(text), number.isFinite else { return nil }
            self = .number(number)
        case .list(let list):
            let values = list.compactMap { JSONValue($0) }
            guard values.count == list.count else { return nil }
            self = .array(values)
        case .mapping(let entries):
            var object: [String: JSONValue] = [:]
            for entry in entries {
                guard let value = JSONValue(entry.value) else { return nil }
                object[entry.key] = value
            }
            self = .object(object)
        }
    }
}
