/// One thing that is wrong with the configuration.
public struct SettingsProblem: Sendable, Hashable, CustomStringConvertible {
    /// The full dotted key; empty when the file as a whole is meant.
    public let key: String
    /// One line: the key, the value as given (never that of a secret) and what is allowed.
    public let description: String

    init(key: String, given: String?, allowed: String) {
        self.key = key
        description =
            given.map { "\(key): \(Spelling.shown($0)) is not allowed: \(allowed)" } ?? "\(key) is missing: \(allowed)"
    }

    init(key: String, hidden allowed: String) {
        self.key = key
        description = "\(key): the value (not shown) is not allowed: \(allowed)"
    }

    init(unknown key: String, file: String, line: Int, known: [String]) {
        self.key = key
        let advice: String
        if let nearest = Spelling.nearest(to: key, among: known) {
            advice = "did you mean \(nearest)?"
        } else {
            let section = key.lastIndex(of: ".").map { key[...$0] } ?? ""
            let siblings = Set(known.filter { $0.hasPrefix(section) }.map { $0.dropFirst(section.count).prefix { $0 != "." } })
                .sorted()
            let more = siblings.count > 12 ? ", …" : ""
            advice =
                siblings.isEmpty ? "remove it" : "remove it; known here: \(siblings.prefix(12).joined(separator: ", "))\(more)"
        }
        description = "\(key): unknown key in \(file) line \(line); \(advice)"
    }

    init(file: String, reason: String) {
        key = ""
        description = "\(file) \(reason)"
    }
}

/// Everything that is wrong with a configuration, found in one go.
public struct SettingsError: Error, Sendable, CustomStringConvertible {
    /// The problems, in the order in which the keys were read.
    public let problems: [SettingsProblem]

    /// One line per problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }

    init(problems: [SettingsProblem]) { self.problems = problems }

    init(file: String, reason: String) { problems = [SettingsProblem(file: file, reason: reason)] }
}

/// Spelling of keys and values in messages.
enum Spelling {
    /// The value for a one-line message: control characters escaped, at most 120 characters.
    static func shown(_ value: String) -> String {
        if value.isEmpty { return "\"\"" }
        var text = ""
        for scalar in value.unicodeScalars.prefix(121) {
            if scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029 {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return value.unicodeScalars.count > 120 ? text.prefix(120) + "…" : text
    }

    /// The candidate that a typing mistake most likely meant, if one is near enough.
    static func nearest(to key: String, among candidates: [String]) -> String? {
        let limit = max(2, key.count / 4)
        return candidates.map { ($0, distance(fold(key), fold($0))) }.filter { $0.1 <= limit }.min { $0.1 < $1.1 }?.0
    }

    /// `pageSize`, `page_size` and `page-size` are the same mistake: a different convention.
    private static func fold(_ key: String) -> [Character] {
        Array(key.lowercased().filter { $0 != "-" && $0 != "_" })
    }

    /// Edit distance: insertions, deletions, replacements.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var row = Array(0...right.count)
        for (i, leftCharacter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, rightCharacter) in right.enumerated() {
                let replaced = diagonal + (leftCharacter == rightCharacter ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
