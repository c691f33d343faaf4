@testable import Records

/// A small seeded generator, so that a failing random test can be repeated from its printed seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

/// What came out of splitting a document.
struct Split: Equatable {
    var records: [String] = []
    var envelope: Envelope

    /// Splits a document that arrives in the given pieces.
    init(_ pieces: [[UInt8]], key: String? = "conversations", limits: RecordLimits = RecordLimits()) throws {
        var splitter = RecordSplitter(arrayKey: key, limits: limits)
        var records: [String] = []
        for piece in pieces {
            try splitter.feed(piece) { records.append(String(decoding: $0.bytes, as: UTF8.self)) }
        }
        envelope = try splitter.finish()
        self.records = records
    }

    init(_ text: String, key: String? = "conversations", limits: RecordLimits = RecordLimits()) throws {
        try self.init([Array(text.utf8)], key: key, limits: limits)
    }

    var rest: String { String(decoding: envelope.bytes, as: UTF8.self) }
}

/// Makes random JSON documents, among them everything that is easy to get wrong.
struct RandomJSON {
    var random: SeededGenerator

    private static let strings = [
        "", "a", "]", "}", ",", "\\\"", "\\\\", "\\\\\\\"", "\\u00e9", "\\ud83d\\ude00", "\\/", "\\n", "ü", "😀", "\\u0000", "[{",
        "\\\":\\\"",
        "0123456789abcdef0123456789", "conversations", "1234567", "12345678", "123456789",
    ]
    private static let scalars = [
        "0", "-0", "1", "-1", "0.1000", "1e400", "1E+5", "1e-5", "12345678901234567890", "123.456e7", "true", "false", "null",
        "\"\"",
    ]
    private static let blanks = ["", "", "", "", " ", "\n", "\t", "\r\n", "  "]

    mutating func blank() -> String { Self.blanks.randomElement(using: &random) ?? "" }

    mutating func string() -> String {
        "\"" + (0..<Int.random(in: 0...3, using: &random)).map { _ in Self.strings.randomElement(using: &random) ?? "" }.joined()
            + "\""
    }

    mutating func value(depth: Int) -> String {
        switch Int.random(in: 0...(depth > 0 ? 5 : 2), using: &random) {
        case 0, 1: return Self.scalars.randomElement(using: &random) ?? "0"
        case 2: return string()
        case 3, 4: return object(depth: depth - 1)
        default:
            let values = (0..<Int.random(in: 0...3, using: &random)).map { _ in blank() + value(depth: depth - 1) + blank() }
            return values.isEmpty ? "[\(blank())]" : "[" + values.joined(separator: ",") + "]"
        }
    }

    mutating func object(depth: Int) -> String {
        let fields = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            blank() + string() + blank() + ":" + blank() + value(depth: depth) + blank()
        }
        return fields.isEmpty ? "{\(blank())}" : "{" + fields.joined(separator: ",") + "}"
    }

    /// A document with these records, and other fields before and after.
    mutating func document(_ records: [String]) -> String {
        let array = records.isEmpty ? "[\(blank())]" : "[" + records.map { blank() + $0 + blank() }.joined(separator: ",") + "]"
        let before = Bool.random(using: &random) ? "\"totalHits\":\(blank())\(records.count)\(blank())," : ""
        let after = Bool.random(using: &random) ? ",\"x\":{\"conversations\":[1,{\"conversations\":[]}]}" : ""
        return blank() + "{" + blank() + before + blank() + "\"conversations\"" + blank() + ":" + blank() + array + blank()
            + after + "}" + blank()
    }

    mutating func cut(_ bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        let longest = [1, 3, 9, 40, 1000].randomElement(using: &random) ?? 1
        while !rest.isEmpty {
            let count = min(rest.count, Int.random(in: 0...longest, using: &random))
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}
