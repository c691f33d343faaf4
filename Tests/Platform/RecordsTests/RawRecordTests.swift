import Testing

@testable import Records

@Suite("Raw records")
struct RawRecordTests {
    private func string(_ key: String, _ text: String) -> String? {
        Array(text.utf8).withUnsafeBytes { RawRecord(bytes: $0).string(of: key) }
    }

    private func raw(_ key: String, _ text: String) -> String? {
        Array(text.utf8).withUnsafeBytes { bytes in
            RawRecord(bytes: bytes).rawValue(of: key).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test("fields of the top level are found as they were sent")
    func rawValues() {
        let record =
            #" { "a" : 1e400 , "b":{"id":"inner","c":[1,{"id":2}]},"s":"}\"]", "id" : "outer","n":null,"l":[ 1 , 2 ], "e":"" } "#
        #expect(raw("a", record) == "1e400")
        #expect(raw("b", record) == #"{"id":"inner","c":[1,{"id":2}]}"#)
        #expect(raw("id", record) == #""outer""#)
        #expect(raw("n", record) == "null")
        #expect(raw("l", record) == "[ 1 , 2 ]")
        #expect(raw("c", record) == nil)
        #expect(
            string("id", record) == "outer" && string("e", record) == "" && string("a", record) == nil
                && string("n", record) == nil)
    }

    @Test(
        "escapes in names and ids are decoded",
        arguments: [
            (#"{"id":"\u0041\u00e9\ud83d\ude00\n\/\\\""}"#, "Aé😀\n/\\\""), (#"{"\u0069d":"x"}"#, "x"),
            (#"{"i\u0064":"x","id":"y"}"#, "x"),
            (#"{"xd":"y","id":"z"}"#, "z"),
        ])
    func escapes(record: String, expected: String) { #expect(string("id", record) == expected) }

    @Test(
        "what is no Unicode text gives no id rather than a wrong one",
        arguments: [
            #"{"id":"\ud800"}"#, #"{"id":"\udc00\ud800"}"#, #"{"id":"\ud800x"}"#, #"{"id":"\ud800\n"}"#, #"{"id":5}"#,
            #"{"id":["x"]}"#, "[]", "",
            "{", #"{"id"#, #"{"id":"#, #"{"id":"x"#, #"{"a":1 "id":"x"}"#, #"{"a":}"#, "5", #"{"id\"#,
        ])
    func noText(record: String) { #expect(string("id", record) == nil) }

    @Test("invalid UTF-8 in an id gives none")
    func invalidUnicode() {
        let bytes = Array(#"{"id":"a"#.utf8) + [0xff] + Array(#""}"#.utf8)
        #expect(bytes.withUnsafeBytes { RawRecord(bytes: $0).string(of: "id") } == nil)
    }
}

@Suite("NDJSON")
struct NDJSONTests {
    @Test("a record becomes one line; only line breaks between tokens change")
    func lines() {
        var lines: [UInt8] = []
        for record in ["{\n  \"a\": \"\\n\\r\",\r\n  \"b\": 1e400\n}", "{}", "\r"] {
            Array(record.utf8).withUnsafeBytes { NDJSON.append($0, to: &lines) }
        }
        #expect(String(decoding: lines, as: UTF8.self) == "{   \"a\": \"\\n\\r\",    \"b\": 1e400 }\n{}\n \n")
    }
}

@Suite("Content hash")
struct ContentHashTests {
    @Test("the hash is the same everywhere and in every version")
    func stable() {
        #expect(ContentHash.of([]) == ContentHash.of(Array("".utf8)))
        let known = [0, 1, 7, 8, 31, 32, 33, 100].map { ContentHash.of(Array(repeating: 7, count: $0)) }
        #expect(known == Self.known)
    }

    private static let known: [UInt64] = [
        16_744_782_690_759_124_400, 7_283_338_182_175_243_976, 2_040_039_018_737_193_364, 14_128_711_773_029_354_168,
        8_091_334_648_621_951_467, 4_049_943_714_345_842_402, 4_265_179_315_604_953_841, 5_578_206_626_089_055_820,
    ]

    @Test("every single bit matters, at every length", arguments: [1, 3, 8, 15, 16, 31, 32, 33, 64, 95, 200])
    func bits(length: Int) {
        var random = SeededGenerator(seed: UInt64(length))
        var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        let original = ContentHash.of(bytes)
        var flippedBits = 0
        for bit in 0..<(length * 8) {
            bytes[bit / 8] ^= 1 << (bit % 8)
            let hash = ContentHash.of(bytes)
            #expect(hash != original)
            flippedBits += (hash ^ original).nonzeroBitCount
            bytes[bit / 8] ^= 1 << (bit % 8)
        }
        // Half of the 64 bits change on average.
        let average = Double(flippedBits) / Double(length * 8)
        #expect((28.0...36.0).contains(average), "\(average)")
    }

    @Test("similar and zero-filled contents don't collide")
    func collisions() {
        var seen: Set<UInt64> = []
        for count in 0..<2000 { seen.insert(ContentHash.of(Array(repeating: 0, count: count))) }
        for number in 0..<20_000 { seen.insert(ContentHash.of(Array("{\"conversationId\":\"\(number)\"}".utf8))) }
        #expect(seen.count == 22_000)
        // Words moved between lanes and swapped halves.
        let a = [UInt8](repeating: 1, count: 16), b = [UInt8](repeating: 2, count: 16)
        #expect(Set([a + b + a + b, a + a + b + b, b + a + b + a, b + b + a + a].map(ContentHash.of)).count == 4)
    }
}
