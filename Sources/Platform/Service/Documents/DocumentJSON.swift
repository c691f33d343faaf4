extension DocumentValue {
    /// The value as compact JSON text, keys in the order written; numbers keep their spelling where JSON allows it.
    ///
    /// Throws for what JSON can't say (`.inf`, `.nan`).
    public func json() throws(DocumentError) -> String {
        var text = ""
        try write(to: &text)
        return text
    }

    private func write(to text: inout String) throws(DocumentError) {
        switch self {
        case .null: text += "null"
        case .scalar(let scalar, let kind): try Self.write(scalar, kind, to: &text)
        case .list(let list):
            text += "["
            for (index, element) in list.enumerated() {
                if index > 0 { text += "," }
                try element.write(to: &text)
            }
            text += "]"
        case .mapping(let entries):
            text += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { text += "," }
                Self.writeString(entry.key, to: &text)
                text += ":"
                try entry.value.write(to: &text)
            }
            text += "}"
        }
    }

    private static func write(_ scalar: String, _ kind: ScalarKind, to text: inout String) throws(DocumentError) {
        switch kind {
        case .string: writeString(scalar, to: &text)
        case .boolean: text += ["true", "yes", "on", "y"].contains(scalar.lowercased()) ? "true" : "false"
        case .integer, .number:
            if scalar.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil {
                text += scalar
            } else if kind == .integer, let value = integer(scalar) {
                text += "\(value)"
            } else if kind == .number, let value = Double(scalar.replacing("_", with: "")), value.isFinite {
                text += "\(value)"
            } else {
                throw DocumentError("\(quoted(scalar)) is no number that JSON can hold; quote it to pass it as text")
            }
        }
    }

    /// YAML 1.1's other whole numbers: signs, underscores, hexadecimal, octal and binary.
    private static func integer(_ scalar: String) -> Int? {
        var digits = scalar.replacing("_", with: "")
        let negative = digits.hasPrefix("-")
        if negative || digits.hasPrefix("+") { digits.removeFirst() }
        let magnitude =
            if digits.hasPrefix("0x") {
                Int(digits.dropFirst(2), radix: 16)
            } else if digits.hasPrefix("0b") {
                Int(digits.dropFirst(2), radix: 2)
            } else if digits.hasPrefix("0o") {
                Int(digits.dropFirst(2), radix: 8)
            } else if digits.hasPrefix("0") {
                Int(digits, radix: 8)
            } else {
                Int(digits)
            }
        return magnitude.map { negative ? -$0 : $0 }
    }

    private static func writeString(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f || scalar.value == 0x2028 || scalar.value == 0x2029:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
