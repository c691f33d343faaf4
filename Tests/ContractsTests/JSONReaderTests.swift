import Foundation
import Testing

@testable import Contracts

@Suite("JSON from anybody")
struct JSONReaderTests {
    private func read(_ text: String) throws -> JSONValue { try JSONReader.read(Array(text.utf8)) }

    @Test(
        "what RFC 8259 allows is read",
        arguments: [
            (
                #" { "a" : [ 1 , -0 , 2.5 , 1e3 , 1.0 , -1.5E-2 ] } "#,
                JSONValue.object([
                    "a": .array([.integer(1), .integer(0), .number(2.5), .integer(1000), .integer(1), .number(-0.015)])
                ])
            ),
            (#""\"\\\/\b\f\n\r\té😀""#, .string("\"\\/\u{8}\u{c}\n\r\té😀")),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("[[],{}]", .array([.array([]), .object([:])])),
            ("true", .bool(true)), (" null\n", .null), ("\"\"", .string("")),
            (#"{"a":1,"a":2}"#, .object(["a": .integer(2)])), ("\"\u{7f}\u{85}\"", .string("\u{7f}\u{85}")),
        ])
    func allowed(text: String, value: JSONValue) throws {
        #expect(try read(text) == value)
    }

    @Test(
        "what RFC 8259 does not allow is refused",
        arguments: [
            "", " ", "{", "}", "[1,]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "[1 2]", "01", "-", "+1",
            "1.",
            ".5", "1e", "1e+", "0x1", "NaN", "Infinity", "tru", "truee", "nul", "\"", "\"\\\"", "\"\\x41\"", "\"\\u12\"",
            "\"\\u+123\"",
            "\"\n\"", "\"\u{0}\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"", "1 1", "[] []",
            "1e999", "-1e999",
            "\u{feff}{}", "// x", "[1]]", "\u{a0}1",
        ])
    func refused(text: String) {
        #expect(throws: ContractError.self) { try read(text) }
    }

    @Test(
        "bytes that are not UTF-8 are refused wherever they stand",
        arguments: [[0xC0, 0x80], [0xFF], [0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        for value in [bytes, [quote] + bytes + [quote], [quote, 0x5C, 0x6E] + bytes + [quote]] {
            #expect(throws: ContractError.malformed("not JSON in UTF-8")) { try JSONReader.read(value) }
        }
    }

    @Test(
        "Foundation reads the same from all that both read, and refuses what this refuses",
        arguments: [1, 2, 112_569] as [UInt64])
    func differential(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"a\":", "\"b\\u00e9\":", "1", "-0.5", "1e2", "\"x\"", "\"\\ud83d\\ude00\"", "true",
            "null", " ",
            "{\"k\":[", "]}", "0", "\\", "\"",
        ]
        var both = 0
        for _ in 0..<8000 {
            let text = (0..<Int.random(in: 1...9, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
                .joined()
            let ours = try? read(text)
            let theirs = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
            // Foundation takes `[1e2,]`, a comma before the end; the grammar (RFC 8259) doesn't.
            if ours == nil, theirs != nil, text.contains(/,\s*[\]}]/) { continue }
            #expect(ours == theirs, "\(text)")
            if ours != nil, theirs != nil { both += 1 }
        }
        #expect(both > 200)
    }

    @Test("a megabyte of deep lists, long numbers or escapes is read or refused in time that its length explains")
    func time() {
        let deep = String(repeating: "[", count: 120) + String(repeating: "]", count: 120)
        let hostile = [
            "[" + Array(repeating: deep, count: 4000).joined(separator: ",") + "]",
            "[" + Array(repeating: String(repeating: "9", count: 1000), count: 1000).joined(separator: ",") + "]",
            String(repeating: "9", count: 1_000_000), "0." + String(repeating: "0", count: 1_000_000) + "1",
            "\"" + String(repeating: "\\u00e9", count: 160_000) + "\"",
            "{" + (0..<60_000).map { "\"key\($0)\":0" }.joined(separator: ",") + "}",
        ]
        for text in hostile {
            let head =
                #"{"version":1,"id":"a","kind":"k","source":"s","dataset":"d","createdAt":"2026-03-01T00:00:00Z","parameters":"#
            let bytes = Array("\(head)\(text)}".utf8)
            let time = ContinuousClock().measure { _ = try? Job.decode(bytes) }
            // A hundredth of this in a release build; the decoder that was here before took minutes for the first.
            #expect(time < .seconds(10), "\(text.prefix(20))… took \(time)")
        }
    }
}
