internal import Contracts
internal import Foundation

/// Writes values as YAML that every reader takes for the same values.
enum YAMLText {
    /// A scalar; text in quotes wherever a reader could take it for something else.
    static func scalar(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): "\(number)"
        case .number(let number): Self.number(number)
        case .string(let text): Self.text(text)
        case .array, .object: value.encoded().map { String(decoding: $0, as: UTF8.self) } ?? "null"
        }
    }

    /// A number with a point, which YAML 1.1 wants to see in one with an exponent.
    private static func number(_ number: Double) -> String {
        let text = "\(number)"
        guard let exponent = text.firstIndex(of: "e"), !text[..<exponent].contains(".") else { return text }
        return "\(text[..<exponent]).0\(text[exponent...])"
    }

    /// Text: plain where it is a plain word, otherwise as JSON writes it, which is YAML's double-quoted form.
    static func text(_ text: String) -> String {
        if isPlain(text) { return text }
        guard let json = JSONValue.string(text).encoded() else { return "\"\"" }
        // What YAML takes for the end of a line, or takes not at all, JSON may have in its strings.
        var quoted = ""
        for scalar in String(decoding: json, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x7f...0xa0, 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted
    }

    private static func isPlain(_ text: String) -> Bool {
        // Durations are plain too; a colon, a brace or a leading digit elsewhere could mean something.
        if text.wholeMatch(of: /[0-9]{1,6}[dhms]/) != nil { return true }
        guard text.wholeMatch(of: /[A-Za-z][A-Za-z0-9_.\/\-]*/) != nil else { return false }
        return !["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"].contains(text.lowercased())
    }

    /// A mapping's entry over as many lines as it needs, indented, each with its newline.
    static func entry(_ key: String, _ value: JSONValue, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        switch value {
        case .object(let entries) where !entries.isEmpty:
            return "\(margin)\(text(key)):\n"
                + entries.sorted { $0.key < $1.key }.map { entry($0.key, $0.value, indent: indent + 2) }.joined()
        case .array(let elements) where !elements.isEmpty:
            return "\(margin)\(text(key)):\n" + elements.map { element($0, indent: indent + 2) }.joined()
        default:
            return "\(margin)\(text(key)): \(scalar(value))\n"
        }
    }

    private static func element(_ value: JSONValue, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        switch value {
        case .object(let entries) where !entries.isEmpty:
            let lines = entries.sorted { $0.key < $1.key }.map { entry($0.key, $0.value, indent: indent + 2) }.joined()
            return "\(margin)- \(lines.dropFirst(indent + 2))"
        case .array(let elements) where !elements.isEmpty:
            let lines = elements.map { element($0, indent: indent + 2) }.joined()
            return "\(margin)- \(lines.dropFirst(indent + 2))"
        default:
            return "\(margin)- \(scalar(value))\n"
        }
    }
}
