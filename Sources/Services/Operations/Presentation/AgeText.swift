/// How long something took or is ago, for people: the two largest units, such as `1d16h`, `12m30s`, `5s`.
public enum AgeText {
    /// The text of so many seconds; less than one is `0s`.
    public static func text(seconds: Double) -> String {
        var rest = Int(max(0, min(seconds, 1e12)))
        var parts: [String] = []
        for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] where rest >= length && parts.count < 2 {
            parts.append("\(rest / length)\(unit)")
            rest %= length
        }
        return parts.isEmpty ? "0s" : parts.joined()
    }
}
