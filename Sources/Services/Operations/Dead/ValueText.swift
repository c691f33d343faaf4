internal import Foundation

/// Bytes from outside for people: JSON with indentation, other text in lines, anything else as a hexadecimal dump.
enum ValueText {
    /// The bytes, each line indented by two blanks.
    ///
    /// - Parameter limit: the most bytes that are shown; the rest is told.
    static func shown(_ bytes: [UInt8], limit: Int) -> String {
        let head = bytes.count > limit ? Array(bytes.prefix(limit)) : bytes
        let rest = bytes.count > limit ? "  … \(bytes.count - limit) more bytes; --all shows them\n" : ""
        if bytes.first.map({ $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") }) ?? false,
            (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil
        {
            return pretty(head) + rest
        }
        if let text = String(validating: head, as: UTF8.self), bytes.count == head.count, isText(text) {
            return text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { "  \(TerminalText.escaped(String($0)))\n" }.joined()
        }
        return dump(head) + rest
    }

    private static func isText(_ text: String) -> Bool {
        !text.isEmpty && text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" || $0 == "\t" || $0 == "\r" }
    }

    /// JSON token by token: numbers, escapes and the order of keys stay as they are.
    private static func pretty(_ bytes: [UInt8]) -> String {
        var lines: [String] = []
        var line: [UInt8] = []
        var depth = 0
        var isInString = false
        var isEscaped = false
        func flush() {
            if !line.isEmpty {
                lines.append(
                    String(repeating: "  ", count: min(depth, 40) + 1)
                        + TerminalText.escaped(String(decoding: line, as: UTF8.self)).replacing("\\\\", with: "\\"))
            }
            line = []
        }
        for byte in bytes {
            if isInString {
                line.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                isInString = true
                line.append(byte)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                line.append(byte)
                flush()
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                flush()
                depth -= 1
                line.append(byte)
            case UInt8(ascii: ","):
                line.append(byte)
                flush()
            case UInt8(ascii: ":"): line += [byte, UInt8(ascii: " ")]
            case 0x20, 0x09, 0x0a, 0x0d: continue
            default: line.append(byte)
            }
        }
        flush()
        return lines.map { "\($0)\n" }.joined()
    }

    private static func dump(_ bytes: [UInt8]) -> String {
        var text = ""
        func hex(_ value: Int, _ digits: Int) -> String {
            let plain = String(value, radix: 16)
            return String(repeating: "0", count: max(0, digits - plain.count)) + plain
        }
        for start in stride(from: 0, to: bytes.count, by: 16) {
            let row = bytes[start..<min(start + 16, bytes.count)]
            let digits = row.map { hex(Int($0), 2) }.joined(separator: " ")
            let plain = row.map { (0x20..<0x7f).contains($0) ? String(UnicodeScalar($0)) : "." }.joined()
            text += "  \(hex(start, 8))  \(digits)\(String(repeating: " ", count: 47 - digits.count))  \(plain)\n"
        }
        return text
    }
}
