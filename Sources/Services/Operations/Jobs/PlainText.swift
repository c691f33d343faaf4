/// Text from messages as a terminal may show it: bounded, and without anything that a terminal would obey.
public enum PlainText {
    /// The text with control and format characters, and line and paragraph separators, shown as `�`, cut after `limit`
    /// characters.
    public static func shown(_ text: String, limit: Int = 200) -> String {
        var shown = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            if count == limit {
                shown.append("…")
                break
            }
            shown.append(isObeyed(scalar) ? "\u{fffd}" : scalar)
            count += 1
        }
        return String(shown)
    }

    /// The text in quotation marks, as problems name what was given.
    public static func quoted(_ text: String) -> String { "\"\(shown(text, limit: 80))\"" }

    private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: true
        default: false
        }
    }
}
