/// Writes text as JSON strings where a coder would be too much.
enum JSONText {
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: result += #"\""#
            case 0x5c: result += #"\\"#
            case 0..<0x20:
                let hex = String(scalar.value, radix: 16)
                result += #"\u"# + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
