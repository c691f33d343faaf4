import Foundation
import Testing

@testable import Contracts

@Suite("Bytes from anywhere never end the program")
struct HostileBytesTests {
    /// Reads with every decoder; each either reads or throws a `ContractError`. Returns how many read.
    private func read(_ bytes: [UInt8]) -> Int {
        count { try Job.decode(bytes) } + count { try JobEvent.decode(bytes) } + count { try Alert.decode(bytes) }
            + count { try ScheduleState.decode(bytes) } + count { try Manifest.decode(bytes) }
    }

    private func count<Value>(_ decode: () throws -> Value) -> Int {
        do {
            _ = try decode()
            return 1
        } catch let error as ContractError {
            if error.description.utf8.count > 1000 { Issue.record("a reason of \(error.description.utf8.count) bytes") }
        } catch {
            Issue.record("\(error)")
        }
        return 0
    }

    @Test("10,000 random byte strings are refused")
    func random() {
        var generator = SplitMix(seed: 1)
        var readable = 0
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            readable += read(bytes)
        }
        #expect(readable == 0)
    }

    @Test("10,000 random rows of JSON's own characters are refused or read")
    func almostJSON() {
        var generator = SplitMix(seed: 2)
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"", "\"version\":1", "\"id\":\"a\"", "1e999", "-", "0.1", "true", "null", "\\u0000",
            "\\ud800", " ",
            "\"at\":\"2026-03-01T16:00:00Z\"", "\u{feff}", "//", "NaN",
        ]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0...40, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
            _ = read(Array(text.joined().utf8))
        }
    }

    @Test("a message with flipped, lost and doubled bytes is refused or read")
    func mutations() {
        var generator = SplitMix(seed: 3)
        let originals = [Array(Sample.jobJSON.utf8)] + Sample.events.map { Array($0.json.utf8) }
        var readable = 0
        for _ in 0..<2000 {
            var bytes = originals.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[place], at: place)
                }
            }
            readable += read(bytes)
        }
        #expect(readable > 0, "some mutations hurt nothing")
    }

    @Test("nesting of any depth is refused, not followed", arguments: ["[", "{\"a\":", "[{\"a\":"])
    func depth(_ opening: String) {
        let head = String(Sample.jobJSON.dropLast())
        for depth in [1, 42, 127, 128, 129, 511, 512, 513, 514, 5000, 100_000] {
            let closing = opening.reversed().map { $0 == "[" ? "]" : $0 == "{" ? "}" : "" }.joined()
            let nested = String(repeating: opening, count: depth) + "1" + String(repeating: closing, count: depth)
            let value = Array("\(head.replacing("\"parameters\":", with: "\"other\":")),\"parameters\":\(nested)}".utf8)
            if 1 + depth * closing.count <= JSONReader.maximumDepth {
                #expect(throws: Never.self) { try Job.decode(value) }
            } else {
                #expect(throws: ContractError.malformed("nested deeper than 128 levels")) { try Job.decode(value) }
            }
            // In a field that nobody reads, and broken off after every opening bracket and before it.
            _ = read(Array("\(head),\"unknown\":\(nested)}".utf8))
            _ = read(Array("\(head),\"unknown\":\(nested.prefix(depth * opening.count))".utf8))
            _ = read(Array(nested.utf8.prefix(depth * opening.count)))
            _ = read(Array(nested.utf8.prefix(depth * opening.count - 1)))
        }
    }

    @Test("brackets inside texts are no nesting")
    func bracketsInTexts() throws {
        var job = Sample.job
        job.parameters = .string(String(repeating: "[{\"\\", count: 10_000))
        #expect(try Job.decode(job.message(to: TopicNames()).value) == job)
    }

    @Test("JSON in UTF-16 and UTF-32 is refused: only UTF-8 is agreed on")
    func encodings() throws {
        for encoding in [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian, .utf32, .utf32LittleEndian, .utf32BigEndian]
        {
            let bytes = Array(try #require(Sample.jobJSON.data(using: encoding)))
            #expect(throws: ContractError.malformed("not JSON in UTF-8")) { try Job.decode(bytes) }
        }
    }

    @Test("parameters that are read are written back the same")
    func deepRoundTrip() throws {
        var value = JSONValue.integer(1)
        for depth in 0..<100 { value = depth.isMultiple(of: 2) ? .array([value]) : .object(["a": value]) }
        var job = Sample.job
        job.parameters = value
        #expect(try Job.decode(job.message(to: TopicNames()).value).parameters == value)
    }

    @Test("numbers, texts and truth values stay what they are")
    func values() throws {
        let text = #"{"a":[0,-1,9223372036854775807,-9223372036854775808,0.5,1e3,"1","true",true,false,null,"",{}],"b":{"":[]}}"#
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        #expect(
            value["a"]
                == .array([
                    .integer(0), .integer(-1), .integer(.max), .integer(.min), .number(0.5), .integer(1000), .string("1"),
                    .string("true"),
                    .bool(true), .bool(false), .null, .string(""), .object([:]),
                ]))
        #expect(value["b"]?[""] == .array([]))
        #expect(value["c"] == nil && JSONValue.null["a"] == nil)
        #expect(try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value)) == value)
    }
}

/// A small generator with a fixed seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
