/// The text form of durations in configurations: `250ms`, `30s`, `5m`, `1h30m`, `1d`.
public enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Parses a duration: whole numbers, each followed by `d`, `h`, `m`, `s` or `ms`, largest unit first.
    ///
    /// - Parameter text: The text; at most 1,000 days.
    /// - Returns: The duration, or nil when the text is none.
    public static func parse(_ text: String) -> Duration? {
        var rest = text[...]
        var total: Int64 = 0
        var lastUnit = Int64.max
        guard !rest.isEmpty, text.utf8.count <= 40 else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard let number = Int64(digits), let unit = units.first(where: { $0.name == name })?.milliseconds, unit < lastUnit
            else {
                return nil
            }
            lastUnit = unit
            let (product, overflow) = number.multipliedReportingOverflow(by: unit)
            guard !overflow, product <= 86_400_000_000 else { return nil }
            total += product
        }
        return total <= 86_400_000_000 ? .milliseconds(total) : nil
    }

    /// Formats a duration so that ``parse(_:)`` reads it back; parts below a millisecond are cut off.
    ///
    /// - Parameter duration: The duration.
    public static func format(_ duration: Duration) -> String {
        var rest = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        if rest <= 0 { return "0s" }
        var text = ""
        for (name, milliseconds) in units where rest >= milliseconds {
            text += "\(rest / milliseconds)\(name)"
            rest %= milliseconds
        }
        return text
    }
}

/// The text form of sizes in configurations: `4096`, `512KiB`, `8MiB`, `10MB`.
public enum ByteCountText {
    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("KB", 1000), ("B", 1), ("", 1),
    ]

    /// Parses a size.
    ///
    /// - Parameter text: A whole number and, without or with one blank between, a unit.
    /// - Returns: The size in bytes, or nil when the text is none.
    public static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let name = text.dropFirst(digits.count).trimmed
        guard let number = Int(digits), let unit = units.first(where: { $0.name == name }) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : bytes
    }

    /// Formats a size so that ``parse(_:)`` reads it back.
    ///
    /// - Parameter bytes: The size in bytes.
    public static func format(_ bytes: Int) -> String {
        for unit in units.prefix(4) where bytes >= unit.bytes && bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return "\(bytes)B"
    }
}

/// Checks of URLs in configurations that need no network library.
enum URLText {
    enum Verdict { case fine, wrong, containsCredentials }

    static func check(_ text: String, schemes: [String]) -> Verdict {
        guard let separator = text.firstRange(of: "://") else { return .wrong }
        guard schemes.contains(text[..<separator.lowerBound].lowercased()) else {
            return text[separator.upperBound...].contains("@") ? .containsCredentials : .wrong
        }
        let rest = text[separator.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if authority.contains("@") { return .containsCredentials }
        let isLocalFile = text.lowercased().hasPrefix("file:///")
        // Directories have names with spaces, which people write as they are.
        let isPlain = text.unicodeScalars.allSatisfy { $0.value > (isLocalFile ? 0x1f : 0x20) && $0.value != 0x7f }
        guard isPlain, text.utf8.count <= 2048, isLocalFile || !authority.isEmpty else { return .wrong }
        if let port = authority.split(separator: "]").last?.split(separator: ":", omittingEmptySubsequences: false).dropFirst()
            .last
        {
            guard let number = Int(port), (1...65_535).contains(number) else { return .wrong }
        }
        return .fine
    }
}
