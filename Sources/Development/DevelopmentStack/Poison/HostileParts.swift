internal import Kafka

/// The pieces that poison messages are broken with.
enum HostileParts {
    // MARK: Values

    /// Values that hold nothing; the first is no value at all.
    static let empties: [[UInt8]?] =
        [nil, []] + [" ", "\n\n\t", "null", "{}", "[]", "0", "\"\"", "true", "\u{feff}{}"].map { Array($0.utf8) }

    private static let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\"version\":1", "\"id\":\"a\"", "\"kind\":\"test\"", "1e999", "-", "0.1",
        "true",
        "null", "\\u0000", "\\ud800", " ", "\u{feff}", "//", "NaN", "'",
    ]

    static func almostJSON(_ chance: inout Chance) -> [UInt8] {
        var text = ""
        for _ in 0..<chance.below(40) { text += chance.pick(pieces) }
        return Array(text.utf8)
    }

    static func flipped(_ job: [UInt8], _ chance: inout Chance) -> [UInt8] {
        var bytes = job
        for _ in 0...chance.below(4) { bytes[chance.below(bytes.count)] ^= 1 << UInt8(chance.below(8)) }
        return bytes
    }

    static func edited(_ job: [UInt8], _ chance: inout Chance) -> [UInt8] {
        var bytes = job
        for _ in 0...chance.below(4) {
            let place = chance.below(bytes.count)
            switch chance.below(3) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: chance.next())
            case 1: bytes.remove(at: place)
            default: bytes.insert(bytes[place], at: place)
            }
        }
        return bytes
    }

    /// The job with one more member, before the others or behind them: which of two equal keys counts is the reader's choice.
    static func inserted(_ member: String, into job: [UInt8], _ chance: inout Chance) -> [UInt8] {
        let inside = job.dropFirst().dropLast()
        return chance.below(2) == 0
            ? Array("{\(member),".utf8) + inside + Array("}".utf8) : Array("{".utf8) + inside + Array(",\(member)}".utf8)
    }

    static func repeatedMember(_ chance: inout Chance) -> String {
        chance.pick([
            "\"id\":\"another\"", "\"id\":7", "\"version\":2", "\"version\":1", "\"kind\":\"other\"", "\"root\":null",
            "\"parameters\":[]", "\"createdAt\":\"never\"", "\"revision\":-1", "\"day\":\"2026-02-30\"", "\"id\":\"../../etc\"",
        ])
    }

    static func numberMember(_ chance: inout Chance) -> String {
        let key = chance.pick(["version", "revision", "maximumAttempts", "parameters", "unknown", "createdAt", "interval"])
        let number = chance.pick([
            "1e308", "1e309", "-1e400", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e-400", "-0",
            "0.1", "1.0", "00", "0x10", "+1", "1.", ".5", String(repeating: "9", count: 400),
            "1e" + String(repeating: "9", count: 50),
            "-", "1e", "Infinity",
        ])
        return "\"\(key)\":\(number)"
    }

    static func escapeMember(_ chance: inout Chance) -> String {
        let key = chance.pick(["id", "kind", "source", "dataset", "parameters", "unknown", "traceparent", "root"])
        let text = chance.pick([
            "\\ud800", "\\udc00", "\\ud800\\ud800", "\\ud83d", "\\u0000", "\\u", "\\u12", "\\x41", "\\", "a\\nb", "\\uFFFF",
            "\\/",
            "\u{202E}", "e\u{301}\u{301}",
        ])
        return "\"\(key)\":\"\(text)\""
    }

    static func invalidUTF8(_ job: [UInt8], _ chance: inout Chance) -> [UInt8] {
        let broken: [[UInt8]] = [
            [0xC0, 0x80], [0xFF], [0xFE, 0xFF], [0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0xF0, 0x9F],
            [0xC1, 0xBF], [0],
        ]
        var bytes = job
        bytes.insert(contentsOf: chance.pick(broken), at: chance.below(bytes.count + 1))
        return bytes
    }

    static func nested(_ job: [UInt8], _ chance: inout Chance) -> [UInt8] {
        let depth = chance.pick([10, 126, 127, 128, 129, 511, 512, 513, 2000])
        let opening = chance.pick(["[", "{\"a\":", "[{\"a\":"])
        let closing = opening == "[" ? "]" : opening == "[{\"a\":" ? "}]" : "}"
        let deep = String(repeating: opening, count: depth)
        let member = "\"\(chance.pick(["parameters", "unknown", "id"]))\":\(deep)1\(String(repeating: closing, count: depth))"
        let whole = inserted(member, into: job, &chance)
        guard chance.below(3) == 0 else { return whole }
        return Array(whole.prefix(chance.below(whole.count)))
    }

    static func longText(_ job: [UInt8], mayBeLarge: Bool, _ chance: inout Chance) -> [UInt8] {
        let length = mayBeLarge && chance.below(5000) == 0 ? 900_000 : 200 + chance.below(chance.below(100) == 0 ? 60_000 : 2000)
        let key = chance.pick(["id", "kind", "source", "day", "parameters", "unknown"])
        return inserted("\"\(key)\":\"\(String(repeating: "x", count: length))\"", into: job, &chance)
    }

    // MARK: Keys and headers

    static func key(job: String, _ chance: inout Chance) -> [UInt8]? {
        switch chance.below(20) {
        case 0: nil
        case 1: []
        case 2: chance.bytes(1 + chance.below(40))
        case 3: [UInt8](repeating: 0x6B, count: 2000)
        case 4: Array("the same for many".utf8)
        default: Array(job.utf8)
        }
    }

    private static let names = [
        "job-attempt", "job-not-before", "job-snoozed-until", "job-first-topic", "job-first-partition", "job-first-offset",
        "job-first-timestamp", "job-last-error", "job-kind", "dlq-reason", "dlq-attempts", "dlq-at", "dlq-truncated",
        "dlq-redrives",
        "ce_type", "ce_time", "traceparent", "content-type", "", " ", "\u{1}\u{7f}\n", "día \u{1F600}", "\u{202E}",
        String(repeating: "n", count: 3000),
    ]
    private static let texts = [
        "-9223372036854775808", "9223372036854775807", "9223372036854775808", "99999999999999999999999", "1e308", "-1", "0",
        "NaN",
        "", " 7", "0x7", "\u{0}", "\n", String(repeating: "9", count: 5000), "2026-13-41T99:99:99Z", "../../etc/passwd",
    ]

    static func headers(_ chance: inout Chance) -> [RecordHeader] {
        (0...chance.below(chance.below(50) == 0 ? 200 : 6)).map { _ in
            let name = chance.pick(names)
            return switch chance.below(8) {
            case 0: RecordHeader(name, bytes: nil)
            case 1: RecordHeader(name, bytes: chance.bytes(chance.below(30)))
            default: RecordHeader(name, chance.pick(texts))
            }
        }
    }
}
