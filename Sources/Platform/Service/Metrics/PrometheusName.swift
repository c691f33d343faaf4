/// Makes names and label values acceptable to Prometheus.
enum PrometheusName {
    /// A metric name: `[a-zA-Z_:][a-zA-Z0-9_:]*`; everything else becomes `_`.
    static func metric(_ name: String, suffix: String = "") -> String {
        let clean = sanitised(name, allowsColon: true)
        return clean.hasSuffix(suffix) ? clean : clean + suffix
    }

    /// A label name: `[a-zA-Z_][a-zA-Z0-9_]*`, not one that Prometheus reserves.
    static func label(_ name: String) -> String {
        let clean = sanitised(name, allowsColon: false)
        if clean == "le" || clean == "quantile" || clean.hasPrefix("__") { return "exported_" + clean }
        return clean
    }

    /// A label value between its quotes.
    static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// A help text: one line.
    static func help(_ text: String) -> String {
        text.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\")
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "\\n")
    }

    /// A sample value; whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }

    private static func sanitised(_ name: String, allowsColon: Bool) -> String {
        var text = ""
        for scalar in name.unicodeScalars.prefix(200) {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": text.unicodeScalars.append(scalar)
            case "0"..."9": text += text.isEmpty ? "_\(scalar)" : "\(scalar)"
            case ":" where allowsColon: text += ":"
            default: text += "_"
            }
        }
        return text.isEmpty ? "_" : text
    }
}
