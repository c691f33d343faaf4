// The typed getters. Each comes in three forms: required, with a default, and optional.

extension Settings {
    // MARK: Text

    /// Reads a required text.
    ///
    /// - Parameter key: The key in this scope.
    /// - Returns: The text, never empty; a placeholder after a problem.
    public func string(_ key: String) -> String { required(key, "a text", placeholder: "", parse: Self.text) }

    /// Reads a text that has a default.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - fallback: The value without the key.
    public func string(_ key: String, default fallback: String) -> String {
        defaulted(key, "a text", fallback: fallback, show: Self.quoted, parse: Self.text)
    }

    /// Reads a text that may be absent.
    ///
    /// - Parameter key: The key in this scope.
    public func optionalString(_ key: String) -> String? { optional(key, "a text", show: Self.quoted, parse: Self.text) }

    // MARK: Numbers and switches

    /// Reads a required whole number.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - range: What is allowed.
    public func int(_ key: String, in range: ClosedRange<Int>) -> Int {
        required(key, Self.describe(range), placeholder: range.lowerBound) { Self.integer($0, range) }
    }

    /// Reads a whole number that has a default.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - fallback: The value without the key.
    ///   - range: What is allowed.
    public func int(_ key: String, default fallback: Int, in range: ClosedRange<Int>) -> Int {
        defaulted(key, Self.describe(range), fallback: fallback) { Self.integer($0, range) }
    }

    /// Reads a whole number that may be absent.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - range: What is allowed.
    public func optionalInt(_ key: String, in range: ClosedRange<Int>) -> Int? {
        optional(key, Self.describe(range)) { Self.integer($0, range) }
    }

    /// Reads a switch: `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0`.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - fallback: The value without the key.
    public func bool(_ key: String, default fallback: Bool) -> Bool {
        defaulted(key, "true or false", fallback: fallback) { text in
            switch text.lowercased() {
            case "true", "yes", "on", "1": true
            case "false", "no", "off", "0": false
            default: nil
            }
        }
    }

    // MARK: Durations and sizes

    /// Reads a required duration such as `250ms`, `30s`, `5m`, `1h30m` or `1d`.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - range: What is allowed.
    public func duration(_ key: String, in range: ClosedRange<Duration>) -> Duration {
        required(key, Self.describe(range), placeholder: range.lowerBound, show: DurationText.format) { text in
            DurationText.parse(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Reads a duration that has a default.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - fallback: The value without the key.
    ///   - range: What is allowed.
    public func duration(_ key: String, default fallback: Duration, in range: ClosedRange<Duration>) -> Duration {
        defaulted(key, Self.describe(range), fallback: fallback, show: DurationText.format) { text in
            DurationText.parse(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Reads a duration that may be absent.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - range: What is allowed.
    public func optionalDuration(_ key: String, in range: ClosedRange<Duration>) -> Duration? {
        optional(key, Self.describe(range), show: DurationText.format) { text in
            DurationText.parse(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Reads a size in bytes such as `8MiB`, `512KiB`, `10MB` or `4096`.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - fallback: The value without the key, in bytes.
    ///   - range: What is allowed, in bytes.
    public func byteCount(_ key: String, default fallback: Int, in range: ClosedRange<Int>) -> Int {
        let allowed =
            "a size such as 512KiB, 8MiB or 1GiB, from \(ByteCountText.format(range.lowerBound)) to \(ByteCountText.format(range.upperBound))"
        return defaulted(key, allowed, fallback: fallback, show: ByteCountText.format) { text in
            ByteCountText.parse(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    // MARK: Choices and addresses

    /// Reads one of the raw values of an enumeration.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - fallback: The value without the key; nil makes the key required.
    public func choice<Choice>(_ key: String, default fallback: Choice? = nil) -> Choice
    where Choice: RawRepresentable & CaseIterable & Sendable, Choice.RawValue == String {
        let names = Choice.allCases.map(\.rawValue)
        let allowed = names.count == 1 ? names[0] : names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
        if let fallback {
            return defaulted(key, allowed, fallback: fallback, show: \.rawValue) { Choice(rawValue: $0) }
        }
        // An enumeration without cases cannot be a type argument here in practice; its first case is only a placeholder.
        guard let placeholder = Choice.allCases.first else { preconditionFailure("\(Choice.self) has no cases") }
        return required(key, allowed, placeholder: placeholder, show: \.rawValue) { Choice(rawValue: $0) }
    }

    /// Reads a required absolute URL.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - schemes: The allowed schemes in lower case.
    /// - Returns: The URL as given.
    public func url(_ key: String, schemes: [String] = ["https", "http"]) -> String {
        url(key, schemes: schemes, fallback: nil, isRequired: true) ?? ""
    }

    /// Reads an absolute URL that has a default.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - fallback: The value without the key.
    ///   - schemes: The allowed schemes in lower case.
    public func url(_ key: String, default fallback: String, schemes: [String] = ["https", "http"]) -> String {
        url(key, schemes: schemes, fallback: fallback, isRequired: false) ?? fallback
    }

    /// Reads an absolute URL that may be absent.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - schemes: The allowed schemes in lower case.
    public func optionalURL(_ key: String, schemes: [String] = ["https", "http"]) -> String? {
        url(key, schemes: schemes, fallback: nil, isRequired: false)
    }

    private func url(_ key: String, schemes: [String], fallback: String?, isRequired: Bool) -> String? {
        let allowed =
            "a URL that begins with \(schemes.map { $0 + "://" }.joined(separator: " or ")), without user name, password or spaces"
        let key = absolute(key)
        guard let text = scalar(key, allowed) else {
            if isRequired && !ledger.hasValue(key) { note(SettingsProblem(key: key, given: nil, allowed: allowed)) }
            if let fallback { ledger.noteEffective(key, Self.quoted(fallback)) }
            return fallback
        }
        switch URLText.check(text, schemes: schemes) {
        case .fine:
            ledger.noteEffective(key, Self.quoted(text))
            return text
        case .wrong:
            note(SettingsProblem(key: key, given: text, allowed: allowed))
        case .containsCredentials:
            note(SettingsProblem(key: key, hidden: allowed))
        }
        return fallback
    }

    // MARK: Lists and maps

    /// Reads a list of texts: a YAML list, or a text separated by commas.
    ///
    /// - Parameters:
    ///   - key: The key in this scope.
    ///   - fallback: The value without the key; nil makes the key required and forbids the empty list.
    public func strings(_ key: String, default fallback: [String]? = nil) -> [String] {
        let key = absolute(key)
        let allowed = "a list of texts, in YAML as [a, b] or separated by commas"
        guard let found = ledger.lookUp(key) else {
            if let fallback {
                ledger.noteEffective(key, Self.quotedList(fallback))
            } else {
                note(SettingsProblem(key: key, given: nil, allowed: allowed))
            }
            return fallback ?? []
        }
        let texts: [String]
        switch found.content {
        case .list(let list): texts = list
        case .scalar(let text): texts = text.split(separator: ",").map { $0.trimmed }
        case .null: texts = []
        }
        if texts.contains("") || (texts.isEmpty && fallback == nil) {
            note(SettingsProblem(key: key, given: "[" + texts.joined(separator: ", ") + "]", allowed: allowed))
        }
        ledger.noteEffective(key, Self.quotedList(texts))
        return texts
    }

    /// Reads a section of free keys, such as properties that are handed through to a library.
    ///
    /// The environment variable of the section's key adds to it: `security.protocol=SASL_SSL,client.id=a`. Values whose key
    /// looks like a secret's are not shown in the effective configuration.
    ///
    /// - Parameter key: The key of the section in this scope.
    /// - Returns: The keys below it (dots kept) with their values; empty without it.
    public func stringMap(_ key: String) -> [String: String] {
        let key = absolute(key)
        let allowed = "a section of 'name: value' lines, or name=value pairs separated by commas"
        var map: [String: String] = [:]
        for (name, value) in ledger.subtree(key) {
            switch value.content {
            case .scalar(let text): map[name] = text
            case .list(let texts): map[name] = texts.joined(separator: ",")
            case .null: break
            }
        }
        if let found = ledger.lookUp(key) {
            if case .scalar(let text) = found.content {
                for pair in text.split(separator: ",") {
                    let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    guard parts.count == 2, !parts[0].trimmed.isEmpty else {
                        note(SettingsProblem(key: key, hidden: allowed))
                        continue
                    }
                    map[parts[0].trimmed] = parts[1].trimmed
                }
            } else {
                note(SettingsProblem(key: key, hidden: allowed))
            }
        }
        for (name, value) in map.sorted(by: { $0.key < $1.key }) {
            ledger.noteEffective("\(key).\(name)", Self.looksSecret(name) ? Self.quoted("(not shown)") : Self.quoted(value))
        }
        return map
    }

    static func looksSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["password", "secret", "token", "credential", "jaas", "private", "key.pem"].contains { name.contains($0) }
    }
}

// MARK: - What the getters share

extension Settings {
    private func required<Value>(
        _ key: String, _ allowed: String, placeholder: Value, show: (Value) -> String = { "\($0)" }, parse: (String) -> Value?
    ) -> Value {
        let full = absolute(key)
        if let value = optional(key, allowed, show: show, parse: parse) { return value }
        if !ledger.hasValue(full) { note(SettingsProblem(key: full, given: nil, allowed: allowed)) }
        return placeholder
    }

    private func defaulted<Value>(
        _ key: String, _ allowed: String, fallback: Value, show: (Value) -> String = { "\($0)" }, parse: (String) -> Value?
    ) -> Value {
        if let value = optional(key, allowed, show: show, parse: parse) { return value }
        ledger.noteEffective(absolute(key), show(fallback))
        return fallback
    }

    private func optional<Value>(
        _ key: String, _ allowed: String, show: (Value) -> String = { "\($0)" }, parse: (String) -> Value?
    ) -> Value? {
        let key = absolute(key)
        guard let text = scalar(key, allowed) else { return nil }
        guard let value = parse(text) else {
            note(SettingsProblem(key: key, given: text, allowed: allowed))
            return nil
        }
        ledger.noteEffective(key, show(value))
        return value
    }

    /// The text that is given for a full key; notes a problem when it's a list.
    func scalar(_ key: String, _ allowed: String) -> String? {
        guard let found = ledger.lookUp(key) else { return nil }
        switch found.content {
        case .scalar(let text): return text
        case .null: return nil
        case .list(let texts):
            note(SettingsProblem(key: key, given: "[" + texts.joined(separator: ", ") + "]", allowed: allowed))
            return nil
        }
    }

    private static func text(_ text: String) -> String? { text.isEmpty ? nil : text }

    private static func integer(_ text: String, _ range: ClosedRange<Int>) -> Int? {
        Int(text.filter { $0 != "_" }).flatMap { range.contains($0) ? $0 : nil }
    }

    private static func describe(_ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound == .min, range.upperBound == .max) {
        case (false, false): "an integer from \(range.lowerBound) to \(range.upperBound)"
        case (false, true): "an integer from \(range.lowerBound)"
        case (true, false): "an integer up to \(range.upperBound)"
        case (true, true): "an integer"
        }
    }

    private static func describe(_ range: ClosedRange<Duration>) -> String {
        "a duration such as 250ms, 30s, 5m, 1h or 1d, from \(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
    }

    static func quoted(_ text: String) -> String {
        let plain = text.unicodeScalars.allSatisfy { scalar in
            scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-_./:+@".unicodeScalars.contains(scalar)
        }
        if plain, let first = text.first, first.isLetter || first == "/",
            !["true", "false", "null", "yes", "no", "on", "off"].contains(text.lowercased()),
            !text.hasSuffix(":")
        {
            return text
        }
        let escaped = text.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\n": "\\n"
            case let scalar where scalar.value < 0x20 || scalar.value == 0x7f:
                "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }

    private static func quotedList(_ texts: [String]) -> String { "[" + texts.map(quoted).joined(separator: ", ") + "]" }
}

extension SettingsLedger {
    /// Whether anything, wrong or right, is given for a key: then its problem is noted already.
    func hasValue(_ key: String) -> Bool { lookUp(key) != nil }
}

extension StringProtocol {
    /// The text without blanks at its ends.
    var trimmed: String {
        var view = self[...]
        while let first = view.first, first.isWhitespace { view = view.dropFirst() }
        while let last = view.last, last.isWhitespace { view = view.dropLast() }
        return String(view)
    }
}
