/// Reads one mapping of a document strictly and collects every problem as one line.
///
/// Getters return nil and note a problem when the value is not what is allowed, so that a reader goes on and reports all
/// problems of a file together. A problem reads `<subject>: <key>: <value> is not allowed; allowed is <what>`.
public struct DocumentMapping: Sendable {
    /// What the mapping describes, for example `schedule "conversations"`.
    public let subject: String
    /// The mapping's entries as written.
    public let entries: [DocumentValue.Entry]

    /// Wraps a value that has to be a mapping; notes a problem and returns nil when it isn't.
    public init?(_ value: DocumentValue, subject: String, problems: inout [String]) {
        guard case .mapping(let entries) = value else {
            problems.append("\(subject): \(value.shown) is not allowed; allowed is a mapping of keys to values")
            return nil
        }
        self.subject = subject
        self.entries = entries
    }

    /// The value under a key; nil when the key is absent or its value is empty.
    public subscript(key: String) -> DocumentValue? {
        guard let value = entries.first(where: { $0.key == key })?.value, value != .null else { return nil }
        return value
    }

    /// Notes a problem for every key that isn't known, with the nearest known one as a suggestion.
    public func rejectUnknownKeys(known: [String], problems: inout [String]) {
        for entry in entries where !known.contains(entry.key) {
            let suggestion = Self.nearest(to: entry.key, among: known).map { "did you mean \"\($0)\"? " } ?? ""
            problems.append(
                "\(subject): unknown key \(DocumentValue.quoted(entry.key)); \(suggestion)allowed are \(known.joined(separator: ", "))"
            )
        }
    }

    /// Notes that a key's value is not allowed.
    public func reject(_ key: String, _ value: DocumentValue?, allowed: String, problems: inout [String]) {
        if let value {
            problems.append("\(subject): \(key): \(value.shown) is not allowed; allowed is \(allowed)")
        } else {
            problems.append("\(subject): \(key) is missing; allowed is \(allowed)")
        }
    }

    /// Reads a key with a conversion that returns nil for what is not allowed; a missing required key is a problem too.
    public func value<Value>(
        _ key: String, required: Bool = false, allowed: String, problems: inout [String], _ convert: (String) -> Value?
    ) -> Value? {
        guard let value = self[key] else {
            if required { reject(key, nil, allowed: allowed, problems: &problems) }
            return nil
        }
        guard case .scalar(let text, _) = value, let converted = convert(text) else {
            reject(key, value, allowed: allowed, problems: &problems)
            return nil
        }
        return converted
    }

    /// Reads a whole number within a range.
    public func integer(
        _ key: String, in range: ClosedRange<Int>, required: Bool = false, problems: inout [String]
    ) -> Int? {
        value(
            key, required: required, allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            problems: &problems
        ) { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
    }

    /// Reads `true` or `false`.
    public func boolean(_ key: String, problems: inout [String]) -> Bool? {
        value(key, allowed: "true or false", problems: &problems) { text in Bool(text) }
    }

    /// Reads one of the cases of an enumeration by its raw value.
    public func oneOf<Choice: RawRepresentable & CaseIterable>(
        _ type: Choice.Type, _ key: String, required: Bool = false, problems: inout [String]
    ) -> Choice? where Choice.RawValue == String {
        value(
            key, required: required, allowed: "one of \(type.allCases.map(\.rawValue).joined(separator: ", "))",
            problems: &problems,
            Choice.init(rawValue:))
    }

    /// Reads a duration such as `90s`, `15m`, `1h` or `7d` (24 h each) within a range.
    public func duration(
        _ key: String, in range: ClosedRange<Duration>, required: Bool = false, problems: inout [String]
    ) -> Duration? {
        let least = DurationText.format(range.lowerBound)
        let most = DurationText.format(range.upperBound)
        return value(
            key, required: required, allowed: "a duration like 90s, 15m, 1h or 7d from \(least) to \(most)", problems: &problems
        ) { text in DurationText.parse(text).flatMap { range.contains($0) ? $0 : nil } }
    }

    /// The candidate that a misspelt word most likely means; nil when none is near.
    public static func nearest(to word: String, among candidates: [String]) -> String? {
        word.utf8.count <= 64 ? Spelling.nearest(to: word, among: candidates) : nil
    }
}
