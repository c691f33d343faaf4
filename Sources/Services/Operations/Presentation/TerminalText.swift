/// Text from outside as a terminal may show it.
public enum TerminalText {
    /// The text with everything that does something instead of being shown written as an escape, cut to a length.
    ///
    /// Control and format characters, line and paragraph separators, and what Unicode hasn't assigned become `\n`, `\t`,
    /// `\u{1b}`; a backslash is doubled, so that what is shown can be told from what was escaped.
    ///
    /// - Parameter limit: the most scalars of the original that are shown; `…` stands for the rest.
    public static func escaped(_ text: String, limit: Int = 1 << 20) -> String {
        var shown = ""
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < limit else { return shown + "…" }
            count += 1
            switch scalar {
            case "\n": shown += "\\n"
            case "\r": shown += "\\r"
            case "\t": shown += "\\t"
            case "\\": shown += "\\\\"
            case _ where scalar.isHarmless: shown.unicodeScalars.append(scalar)
            default: shown += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return shown
    }

    /// Bytes from outside: as text where they are UTF-8, otherwise in hexadecimal after `0x`.
    public static func escaped(_ bytes: [UInt8], limit: Int = 1 << 20) -> String {
        // One scalar takes at most four bytes: no more needs to be looked at.
        let head = bytes.prefix(limit > bytes.count / 4 ? bytes.count : limit * 4 + 4)
        if let text = String(validating: head, as: UTF8.self) { return escaped(text, limit: limit) }
        if head.count < bytes.count {
            // The cut may have gone through a character.
            for length in (max(0, head.count - 3)..<head.count).reversed() {
                if let text = String(validating: head.prefix(length), as: UTF8.self) { return escaped(text, limit: limit) }
            }
        }
        let digits = bytes.prefix(limit).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "0x" + digits + (bytes.count > limit ? "…" : "")
    }
}

extension Unicode.Scalar {
    fileprivate var isHarmless: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}
