import Foundation
import Testing

@testable import Records

@Suite("JSON machine")
struct JSONMachineTests {
    private func accepts(_ bytes: [UInt8]) -> Bool {
        var machine = JSONMachine(maximumDepth: 127)
        do {
            try bytes.withUnsafeBytes { buffer in
                guard let base = buffer.baseAddress else { return }
                var index = 0
                while index < buffer.count { _ = try machine.run(base, &index, buffer.count, floor: -1) }
            }
            try machine.finish(at: bytes.count)
            return true
        } catch {
            return false
        }
    }

    private func foundationAccepts(_ bytes: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
    }

    @Test(
        "mutated documents are accepted or refused as by Foundation, documented differences aside",
        arguments: 0..<40 as Range<UInt64>)
    func differential(seed: UInt64) throws {
        var json = RandomJSON(random: SeededGenerator(seed: seed &+ 1000))
        let alphabet = Array("{}[]:,\"\\ \n\t0123456789+-.eEtrufalsn/bx\u{0}\u{1f}".utf8)
        for _ in 0..<60 {
            // Foundation refuses numbers beyond Double and half surrogate pairs; both are well-formed JSON for us.
            var bytes = Array(json.value(depth: 3).replacing("e400", with: "e40").replacing("\\ud83d\\ude00", with: "x").utf8)
            #expect(accepts(bytes))
            for _ in 0..<Int.random(in: 1...2, using: &json.random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &json.random)
                guard bytes[place] < 0x80 else { continue }
                let byte = alphabet.randomElement(using: &json.random) ?? 0x20
                switch Int.random(in: 0...2, using: &json.random) {
                case 0: bytes[place] = byte
                case 1: bytes.remove(at: place)
                default: bytes.insert(byte, at: place)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            if Self.differs(text) { continue }
            #expect(accepts(bytes) == foundationAccepts(bytes), "seed \(seed): \(text.debugDescription)")
        }
    }

    /// Where Foundation is known to differ: exponents beyond Double's, half surrogate pairs.
    private static func differs(_ text: String) -> Bool {
        text.contains(/[eE][+-]?[0-9]{3,}/) || text.contains(/[0-9]{30,}/) || text.contains(/\\u[dD][89a-fA-F]/)
    }

    @Test(
        "the grammar's corners",
        arguments: [
            ("0", true), ("-0", true), ("-", false), ("+1", false), ("01", false), ("1.", false), (".5", false), ("1.5e", false),
            ("1e+", false),
            ("1e+05", true), ("1E400", true), ("-1.0E-0", true), ("0x1", false), ("1 ", true), ("NaN", false),
            ("Infinity", false),
            ("nul", false), ("nulll", false), ("True", false), ("\"\\ud800\"", true), ("\"\\u12\"", false), ("\"\u{7f}\"", true),
            ("\"\t\"", false),
            ("'a'", false), ("{\"a\":1,\"a\":2}", true), ("{\"a\"}", false), ("{,}", false), ("[,1]", false), ("[1,]", false),
            ("[[]", false),
            ("[]]", false), ("{]", false), ("[}", false), ("/* */1", false), ("", false), (" ", false), ("\u{b}1", false),
            ("]", false), ("}", false),
        ])
    func corners(text: String, isFine: Bool) { #expect(accepts(Array(text.utf8)) == isFine) }

    @Test("plain text is searched to exactly the first special byte, at every offset and length")
    func plainText() {
        for length in 0...40 {
            for special: UInt8 in [0x22, 0x5c, 0x00, 0x1f] {
                for place in 0...length {
                    // 0x21, 0x23, 0x5b, 0x5d, 0x20, 0x80, 0xa2 and 0xdc are the neighbours that bit tricks confuse.
                    var bytes: [UInt8] = (0..<length).map { [0x21, 0x23, 0x5b, 0x5d, 0x20, 0x80, 0xa2, 0xdc, 0xff][$0 % 9] }
                    if place < length { bytes[place] = special }
                    if place + 3 < length { bytes[place + 3] = 0x22 }
                    let found = bytes.withUnsafeBytes { buffer in
                        buffer.baseAddress.map { JSONMachine.endOfPlainText($0, 0, buffer.count) } ?? 0
                    }
                    #expect(found == place)
                }
            }
        }
    }
}
