import Testing

@testable import Records

@Suite("Record splitter")
struct RecordSplitterTests {
    @Test("records are the bytes that were sent, numbers, escapes and blanks included")
    func exactBytes() throws {
        let records = [
            #"{"a":1e400,"b":0.1000,"c":12345678901234567890,"d":-0}"#, #"{ "e" : "\u00e9\ud83d\ude00\/" , "f":[ ] }"#,
            "{\n\t\"g\": {\"]\": \"}\"}\r\n}", "{}", #"{"ü":"😀","conversations":[1,2]}"#, "[1]", "12.5e3", "\"text\"", "null",
            "true",
        ]
        let split = try Split(
            "\n{ \"totalHits\" : 7, \"conversations\" : [ \(records.joined(separator: " , ")) ] , \"cursor\":\"x\" }\n")
        #expect(split.records == records)
        #expect(split.rest == "\n{ \"totalHits\" : 7, \"conversations\" : [] , \"cursor\":\"x\" }\n")
        #expect(split.envelope.integer(of: "totalHits") == 7)
        #expect(split.envelope.string(of: "cursor") == "x")
        #expect(split.envelope.recordCount == records.count)
    }

    @Test("where the document is cut makes no difference", arguments: 0..<60 as Range<UInt64>)
    func chunking(seed: UInt64) throws {
        var json = RandomJSON(random: SeededGenerator(seed: seed))
        let records = (0..<Int.random(in: 0...6, using: &json.random)).map { _ in json.value(depth: 4) }
        let bytes = Array(json.document(records).utf8)
        let whole = try Split([bytes])
        #expect(whole.records == records)
        #expect(whole.envelope.documentBytes == bytes.count)
        #expect(try Split(bytes.map { [$0] }) == whole)
        for _ in 0..<10 { #expect(try Split(json.cut(bytes)) == whole) }
    }

    @Test("a document that ends anywhere but at its end is refused", arguments: 100..<120 as Range<UInt64>)
    func truncation(seed: UInt64) throws {
        var json = RandomJSON(random: SeededGenerator(seed: seed))
        let records = (0..<3).map { _ in json.object(depth: 3) }
        var bytes = Array(json.document(records).utf8)
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        for count in 0..<bytes.count {
            let error = #expect(throws: RecordError.self) { try Split([Array(bytes[..<count])]) }
            #expect(error?.kind == .truncated && error?.offset == count)
        }
    }

    @Test(
        "an absent array and null are empty pages",
        arguments: [
            ("{}", false), (#"{"totalHits":3}"#, false), (#"{"conversations":null}"#, true), (#"{"conversations":[]}"#, true),
            (#"{"conversations": [ ] , "a":1}"#, true),
            (#"{"x":{"conversations":[1]},"y":[{"conversations":[2]}],"z":"conversations"}"#, false),
        ])
    func empty(text: String, hasArray: Bool) throws {
        let split = try Split(text)
        #expect(split.records.isEmpty)
        #expect(split.envelope.hasArray == hasArray)
        #expect(split.rest == text.replacing("[ ]", with: "[]"))
    }

    @Test("the key counts at the top level only, and also when it's written with escapes")
    func keys() throws {
        #expect(try Split(#"{"a":{"conversations":[1]},"conversations":[2]}"#).records == ["2"])
        #expect(try Split(#"{"convers\u0061tions":[2]}"#).records == ["2"])
        #expect(try Split(#"{"conversations ":[1],"Conversations":[2],"conversation":[3]}"#).records.isEmpty)
        #expect(try Split(#"{"":[1]}"#, key: "").records == ["1"])
    }

    @Test("a document that is itself the array is split too")
    func plainArray() throws {
        let split = try Split(" [ {\"a\":[1]} ,2,\"x\" ] ", key: nil)
        #expect(split.records == ["{\"a\":[1]}", "2", "\"x\""])
        #expect(split.rest == " [] ")
        #expect(try Split("[]", key: nil).records.isEmpty)
        #expect(throws: RecordError(.unexpectedTopLevel, at: 0)) { try Split("{}", key: nil) }
    }

    @Test("a byte order mark is tolerated, half of one is not")
    func byteOrderMark() throws {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        let document = Array(#"{"conversations":[1]}"#.utf8)
        #expect(try Split([mark + document]).records == ["1"])
        #expect(try Split([[0xef], [0xbb], [0xbf], document]).records == ["1"])
        #expect(try Split([mark + document]).rest == #"{"conversations":[]}"#)
        #expect(throws: RecordError.self) { try Split([[0xef, 0xbb] + document]) }
        #expect(throws: RecordError.self) { try Split([mark]) }
        #expect(throws: RecordError.self) { try Split([document + mark]) }
    }

    @Test(
        "what is no page is refused with the reason and the place",
        arguments: [
            ("", RecordError.Kind.truncated, 0), ("  \n", .truncated, 3), ("{", .truncated, 1), ("[]", .unexpectedTopLevel, 0),
            ("\"x\"", .unexpectedTopLevel, 0), ("12", .unexpectedTopLevel, 0), ("null", .unexpectedTopLevel, 0),
            ("{}}", .malformed("more text after the document's end"), 2),
            ("{} {}", .malformed("more text after the document's end"), 3),
            (#"{"conversations":[]}x"#, .malformed("more text after the document's end"), 20),
            (#"{"conversations":{}}"#, .notAnArray(key: "conversations"), 17),
            (#"{"conversations":"x"}"#, .notAnArray(key: "conversations"), 17),
            (#"{"conversations":5}"#, .notAnArray(key: "conversations"), 17),
            (#"{"conversations":true}"#, .notAnArray(key: "conversations"), 17),
            (#"{"conversations":[1],"conversations":[2]}"#, .duplicateArray(key: "conversations"), 35),
            (#"{"conversations":null,"convers\u0061tions":[2]}"#, .duplicateArray(key: "conversations"), 41),
            (#"{"conversations":[1,]}"#, .malformed("unexpected byte 0x5d"), 20),
            (#"{"conversations":[1 2]}"#, .malformed("unexpected byte 0x32"), 20),
            (#"{"conversations":[{"a":01}]}"#, .malformed("number with a leading zero"), 24),
            (#"{"conversations":["a\#u{1}"]}"#, .malformed("control character in a string"), 20),
            ("{\"conversations\":[\"a\nb\"]}", .malformed("control character in a string"), 20),
            ("{\u{0}}", .malformed("unexpected control character"), 1),
            ("<html><body>502</body></html>", .malformed("unexpected byte 0x3c"), 0),
            (#"{"a":tru}"#, .malformed("unknown literal"), 8), (#"{"a":"\x"}"#, .malformed("unknown escape"), 7),
            (#"{"a":"\u12g4"}"#, .malformed("\\u without four digits"), 10), (#"{"a":1.}"#, .malformed("incomplete number"), 7),
            (#"{"a" 1}"#, .malformed("unexpected byte 0x31"), 5), (#"{1:2}"#, .malformed("unexpected byte 0x31"), 1),
            (#"{"a":1,}"#, .malformed("unexpected byte 0x7d"), 7), (#"{"a":[1}]"#, .malformed("unexpected byte 0x7d"), 7),
        ])
    func refused(text: String, kind: RecordError.Kind, offset: Int) throws {
        #expect(throws: RecordError(kind, at: offset)) { try Split(text) }
        // The same error at the same place when the document arrives byte by byte.
        #expect(throws: RecordError(kind, at: offset)) { try Split(Array(text.utf8).map { [$0] }) }
    }

    @Test("limits hold, for records in one chunk and over many")
    func limits() throws {
        let limits = RecordLimits(recordBytes: 20, envelopeBytes: 60, depth: 5)
        let fits = #"{"conversations":["\#(String(repeating: "x", count: 18))"]}"#
        let large = #"{"conversations":["\#(String(repeating: "x", count: 19))"]}"#
        for cut in [{ [Array($0.utf8)] }, { (text: String) in Array(text.utf8).map { [$0] } }] {
            #expect(try Split(cut(fits), limits: limits).records.count == 1)
            var error = #expect(throws: RecordError.self) { try Split(cut(large), limits: limits) }
            #expect(error?.kind == .recordTooLarge(limit: 20))
            error = #expect(throws: RecordError.self) {
                try Split(cut("{\"a\":\"" + String(repeating: "y", count: 60) + "\"}"), limits: limits)
            }
            #expect(error?.kind == .envelopeTooLarge(limit: 60))
            #expect(try Split(cut(#"{"conversations":[[[[1]]]]}"#), limits: limits).records == ["[[[1]]]"])
            error = #expect(throws: RecordError.self) { try Split(cut(#"{"conversations":[[[[[1]]]]]}"#), limits: limits) }
            #expect(error?.kind == .tooDeep(limit: 5))
        }
        let deep = String(repeating: "[", count: 1_000_000)
        #expect(throws: RecordError(.tooDeep(limit: 127), at: 127)) {
            try Split(deep, key: nil, limits: RecordLimits(depth: 9999))
        }
    }

    @Test("a record of 5 MB comes through byte for byte, cut anywhere")
    func largeRecord() throws {
        let text = "{\"a\":\"" + String(repeating: "0123456789\\\" ü😀", count: 270_000) + "\",\"n\":1e400}"
        #expect(text.utf8.count > 5_000_000)
        let bytes = Array(#"{"conversations":[{"first":1},"#.utf8) + Array(text.utf8) + Array(#",{"last":1}]}"#.utf8)
        var pieces: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: 16_381) {
            pieces.append(Array(bytes[start..<min(start + 16_381, bytes.count)]))
        }
        #expect(try Split(pieces).records == [#"{"first":1}"#, text, #"{"last":1}"#])
    }

    @Test("invalid UTF-8 inside strings passes through untouched")
    func invalidUnicode() throws {
        let record: [UInt8] = [0x22, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x22]
        var splitter = RecordSplitter(arrayKey: "r")
        var seen: [UInt8] = []
        try splitter.feed(Array(#"{"r":["#.utf8) + record + Array("]}".utf8)) { seen += $0.bytes }
        _ = try splitter.finish()
        #expect(seen == record)
    }

    @Test("after an error the splitter keeps refusing, and the consumer's own error passes through")
    func errors() throws {
        struct Full: Error {}
        var splitter = RecordSplitter(arrayKey: "r")
        #expect(throws: RecordError.self) { try splitter.feed(Array("{]".utf8)) { _ in } }
        #expect(throws: RecordError(.malformed("unexpected byte 0x5d"), at: 1)) { try splitter.feed(Array("}".utf8)) { _ in } }
        #expect(throws: RecordError.self) { try splitter.finish() }
        var other = RecordSplitter(arrayKey: "r")
        #expect(throws: Full.self) { try other.feed(Array(#"{"r":[1,2]}"#.utf8)) { _ in throw Full() } }
    }
}
