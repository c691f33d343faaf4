import Logging

/// Renders log events as lines of bounded length without control characters.
struct LogLine {
    /// The longest line, in bytes.
    static let maximumBytes = 16 * 1024
    /// The longest message or metadata value, in bytes.
    static let maximumValueBytes = 4 * 1024

    private static let reserved: Set<String> = ["time", "level", "logger", "message", "service", "instance", "truncated"]

    let service: String
    let instance: String

    /// Appends the JSON form of an event and a newline.
    func appendJSON(
        of event: LogEvent, metadata: Logger.Metadata, logger: String, time: UTCTime, to line: inout [UInt8]
    ) {
        line.append(contentsOf: #"{"time":""#.utf8)
        time.append(to: &line)
        line.append(UInt8(ascii: "\""))
        Self.appendField("level", event.level.rawValue, to: &line)
        Self.appendField("logger", logger, to: &line)
        Self.appendField("message", event.message.description, to: &line)
        Self.appendField("service", service, to: &line)
        Self.appendField("instance", instance, to: &line)
        var isTruncated = false
        for (key, value) in Self.flattened(metadata) {
            let start = line.count
            Self.appendField(Self.reserved.contains(key) ? "metadata.\(key)" : key, value, to: &line)
            if line.count > Self.maximumBytes - 32 {
                line.removeSubrange(start...)
                isTruncated = true
                break
            }
        }
        if isTruncated { line.append(contentsOf: #","truncated":true"#.utf8) }
        line.append(contentsOf: "}\n".utf8)
    }

    /// Appends the form for people and a newline.
    func appendReadable(
        of event: LogEvent, metadata: Logger.Metadata, logger: String, time: UTCTime, to line: inout [UInt8]
    ) {
        time.append(to: &line)
        line.append(contentsOf: " \(event.level.rawValue.uppercased()) \(logger): ".utf8)
        Self.appendEscaped(event.message.description, quotes: false, to: &line)
        for (key, value) in Self.flattened(metadata) {
            let start = line.count
            line.append(UInt8(ascii: " "))
            Self.appendEscaped(key, quotes: false, to: &line)
            line.append(UInt8(ascii: "="))
            if value.isEmpty || value.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) {
                line.append(UInt8(ascii: "\""))
                Self.appendEscaped(value, quotes: true, to: &line)
                line.append(UInt8(ascii: "\""))
            } else {
                Self.appendEscaped(value, quotes: false, to: &line)
            }
            if line.count > Self.maximumBytes - 32 {
                line.removeSubrange(start...)
                line.append(contentsOf: " …".utf8)
                break
            }
        }
        line.append(UInt8(ascii: "\n"))
    }

    /// Nested dictionaries become dotted keys; keys are sorted so that equal events give equal lines.
    static func flattened(_ metadata: Logger.Metadata) -> [(key: String, value: String)] {
        var fields: [(key: String, value: String)] = []
        func add(_ key: String, _ value: Logger.MetadataValue, _ depth: Int) {
            switch value {
            case .dictionary(let inner) where depth < 8: for (name, value) in inner { add("\(key).\(name)", value, depth + 1) }
            case .string(let text): fields.append((key, text))
            case .stringConvertible(let value): fields.append((key, value.description))
            case .array(let values): fields.append((key, values.map(\.description).joined(separator: ",")))
            case .dictionary: fields.append((key, "…"))
            }
        }
        for (key, value) in metadata { add(key, value, 0) }
        return fields.sorted { $0.key < $1.key }
    }

    private static func appendField(_ key: String, _ value: String, to line: inout [UInt8]) {
        line.append(contentsOf: #",""#.utf8)
        appendEscaped(key, quotes: true, to: &line)
        line.append(contentsOf: #"":""#.utf8)
        appendEscaped(value, quotes: true, to: &line)
        line.append(UInt8(ascii: "\""))
    }

    /// Appends text cut at ``maximumValueBytes`` with control characters escaped as JSON does.
    ///
    /// C1 controls and the line separators U+2028 and U+2029 are escaped too: terminals and log shippers act on them.
    private static func appendEscaped(_ text: String, quotes: Bool, to line: inout [UInt8]) {
        let limit = line.count + maximumValueBytes
        for scalar in text.unicodeScalars {
            if line.count >= limit {
                line.append(contentsOf: "…".utf8)
                return
            }
            switch scalar.value {
            case 0x0a: line.append(contentsOf: #"\n"#.utf8)
            case 0x0d: line.append(contentsOf: #"\r"#.utf8)
            case 0x09: line.append(contentsOf: #"\t"#.utf8)
            case 0x22 where quotes: line.append(contentsOf: #"\""#.utf8)
            case 0x5c where quotes: line.append(contentsOf: #"\\"#.utf8)
            case 0..<0x20, 0x7f...0x9f, 0x2028, 0x2029:
                let hex = String(scalar.value, radix: 16)
                line.append(contentsOf: #"\u"#.utf8)
                line.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - hex.utf8.count))
                line.append(contentsOf: hex.utf8)
            default: line.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }
}
