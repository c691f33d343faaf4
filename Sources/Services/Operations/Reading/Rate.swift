/// How often something may be done, as operators write it: `10` or `10/s`, `600/m`, `2000/h`.
public struct Rate: Sendable, Hashable {
    /// How often in a second.
    public let perSecond: Double

    /// Reads a rate.
    ///
    /// - Throws: a ``UsageProblem`` that names the option.
    public static func parse(_ text: String, option: String) throws(UsageProblem) -> Rate {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let units: [Substring: Double] = ["s": 1, "m": 60, "h": 3600]
        guard (1...2).contains(parts.count), let count = Double(parts[0]), (0.001...1_000_000).contains(count),
            let unit = parts.count == 2 ? units[parts[1]] : 1
        else {
            throw UsageProblem(option, given: text, allowed: "a rate such as 10, 10/s, 600/m or 2000/h")
        }
        return Rate(perSecond: count / unit)
    }
}
