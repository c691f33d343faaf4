import Foundation
import Testing

@testable import Contracts

@Suite("What is no message is refused with a reason")
struct RefusalTests {
    /// The fields of a job that is fine, to be spoilt one by one.
    private static let fields: [(name: String, json: String)] = [
        ("version", "1"), ("id", #""a""#), ("kind", #""conversation""#), ("source", #""genesys/main""#),
        ("dataset", #""conversations""#), ("createdAt", #""2026-03-01T16:00:00Z""#),
    ]

    private static func object(_ changes: [String: String], without missing: Set<String> = []) -> String {
        let fields = Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.json) }).merging(changes) { $1 }
        return "{\(fields.filter { !missing.contains($0.key) }.map { "\"\($0)\":\($1)" }.joined(separator: ","))}"
    }

    private static func job(_ changes: [String: String] = [:], without missing: Set<String> = []) -> [UInt8] {
        Array(object(changes, without: missing).utf8)
    }

    private static func event(_ changes: [String: String] = [:]) -> [UInt8] {
        let reference = object(changes, without: ["version", "createdAt"])
        return Array(#"{"version":1,"event":"started","at":"2026-03-01T16:00:00Z","job":\#(reference)}"#.utf8)
    }

    private static func text(_ value: String) -> String {
        (try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }

    @Test("the samples that are spoilt here are fine themselves")
    func baseline() throws {
        #expect(try Job.decode(Self.job()).id == "a")
        #expect(try JobEvent.decode(Self.event()).job.id == "a")
    }

    @Test("a missing field is named", arguments: fields.map(\.name))
    func missing(_ name: String) {
        #expect(throws: ContractError.malformed("\(name) is missing")) { try Job.decode(Self.job(without: [name])) }
    }

    @Test("a field of the wrong type is named", arguments: fields.map(\.name))
    func wrongType(_ name: String) {
        for json in ["[]", "true", "{}"] {
            #expect(throws: ContractError.malformed("\(name) has the wrong type")) { try Job.decode(Self.job([name: json])) }
        }
    }

    @Test("fields that nobody knows are ignored, in every message")
    func unknownFields() throws {
        let more = #""zzz":{"deep":[1,{"x":null}]},"#
        func with(_ json: [UInt8]) -> [UInt8] { Array("{\(more)".utf8) + json.dropFirst() }
        let topics = TopicNames()
        #expect(try Job.decode(with(Sample.job.message(to: topics).value)) == Sample.job)
        for sample in Sample.events {
            #expect(try JobEvent.decode(with(sample.event.message(to: topics).value)) == sample.event)
        }
        let manifest = Manifest(of: Sample.job, objects: [])
        #expect(try Manifest.decode(with(manifest.encoded())) == manifest)
    }

    @Test("a word for an event that nobody knows becomes unknown, not an error")
    func unknownEvent() throws {
        let text = String(decoding: Self.event(), as: UTF8.self).replacing("started", with: "teleported")
        #expect(try JobEvent.decode(Array(text.utf8)).event == .unknown)
    }

    @Test("another version is refused before anything else is looked at")
    func versions() {
        for version in [0, 2, 99, -1] {
            let value = Array(#"{"version":\#(version),"id":{},"everything":"else"}"#.utf8)
            #expect(throws: ContractError.unknownVersion(version)) { try Job.decode(value) }
            #expect(throws: ContractError.unknownVersion(version)) { try JobEvent.decode(value) }
            #expect(throws: ContractError.unknownVersion(version)) { try Alert.decode(value) }
            #expect(throws: ContractError.unknownVersion(version)) { try ScheduleState.decode(value) }
            #expect(throws: ContractError.unknownVersion(version)) { try Manifest.decode(value) }
        }
    }

    @Test("nothing, too much and no JSON are refused with their own reasons")
    func noMessage() {
        #expect(throws: ContractError.empty) { try Job.decode(nil) }
        #expect(throws: ContractError.empty) { try Job.decode([]) }
        #expect(throws: ContractError.empty) { try Manifest.decode([]) }
        #expect(throws: ContractError.malformed("not JSON")) { try Job.decode(Array("hello".utf8)) }
        #expect(throws: ContractError.malformed("not JSON")) { try Job.decode(Self.job().dropLast()) }
        let large = Message.maximumBytes + 1
        #expect(throws: ContractError.tooLarge(bytes: large, limit: Message.maximumBytes)) {
            try Job.decode([UInt8](repeating: UInt8(ascii: " "), count: large))
        }
        let reasons: [ContractError] = [.empty, .tooLarge(bytes: 2, limit: 1), .malformed("x"), .unknownVersion(2)]
        #expect(reasons.map(\.reason) == ["empty", "too-large", "malformed", "unknown-version"])
        #expect(reasons.allSatisfy { !$0.description.contains("\n") })
    }

    @Test("a message of exactly the largest size is read")
    func largest() throws {
        let job = Self.job()
        #expect(try Job.decode(job + [UInt8](repeating: UInt8(ascii: " "), count: Message.maximumBytes - job.count)).id == "a")
    }

    static let hostileIdentifiers = [
        "", ".", "..", "...", "a/b", "../a", "a\\b", "a b", "a\u{0}", "a\n", "\u{1b}[31m", "ä", "ａ", "a\u{301}", "a:b", "a%2e",
        "😀", "a\u{202e}b",
        String(repeating: "a", count: 201),
    ]

    @Test("a text that could leave its place in an object key is no id, kind, parent or root", arguments: hostileIdentifiers)
    func identifiers(_ text: String) {
        #expect(!Job.isIdentifier(text))
        for name in ["id", "kind", "parent", "root"] {
            #expect(throws: ContractError.self) { try Job.decode(Self.job([name: Self.text(text)])) }
            #expect(throws: ContractError.self, "an event's \(name)") { try JobEvent.decode(Self.event([name: Self.text(text)])) }
        }
    }

    static let hostileNames = [
        "", "/", "/a", "a/", "a//b", "..", "../..", "a/../b", "a/./b", "a\\..\\b", "a/\u{0}", "a b", "a\n/b", "ä/b", "a/\u{338}b",
        "<b>",
        String(repeating: "a/", count: 100) + "a",
    ]

    @Test("a text that could leave its folder is no source or data set", arguments: hostileNames)
    func names(_ text: String) {
        #expect(!Job.isName(text))
        for name in ["source", "dataset"] {
            #expect(throws: ContractError.self) { try Job.decode(Self.job([name: Self.text(text)])) }
            #expect(throws: ContractError.self, "an event's \(name)") { try JobEvent.decode(Self.event([name: Self.text(text)])) }
        }
    }

    @Test("usual ids and names are accepted", arguments: ["a", "A-1_b.c", ".a", "a..b", String(repeating: "a", count: 200)])
    func goodIdentifiers(_ text: String) throws {
        #expect(try Job.decode(Self.job(["id": Self.text(text), "dataset": Self.text(text)])).root == text)
    }

    static let hostileDays = [
        "", "2026-3-01", "2026-03-1", "26-03-01", "2026-02-29", "2026-04-31", "2026-00-01", "2026-13-01", "2026-01-00",
        "2026/03/01",
        "2026-03-01T00:00:00Z", "../../etc", "2026-03-01/..", "２０２６-03-01", "2026-03-01 ", "-026-03-01", "+026-03-01",
        "2026-03-0\u{0}",
        "1900-02-29",
    ]

    @Test("a text that is no day is refused", arguments: hostileDays)
    func days(_ text: String) {
        #expect(!BusinessDay.isValid(text))
        #expect(throws: ContractError.self) { try Job.decode(Self.job(["day": Self.text(text)])) }
        #expect(throws: ContractError.self) { try JobEvent.decode(Self.event(["day": Self.text(text)])) }
    }

    @Test(
        "leap days and the ends of months are days",
        arguments: ["2024-02-29", "2000-02-29", "2026-12-31", "0001-01-01", "9999-12-31"])
    func goodDays(_ text: String) throws {
        #expect(try Job.decode(Self.job(["day": Self.text(text)])).day == text)
    }

    @Test("an interval that ends before it starts, and instants that are none, are refused; an empty interval isn't")
    func intervals() throws {
        func decode(_ start: String, _ end: String) throws -> Job {
            try Job.decode(Self.job(["interval": #"{"start":"\#(start)","end":"\#(end)"}"#]))
        }
        #expect(throws: ContractError.malformed("interval.end: end lies before start")) {
            try decode("2026-03-01T00:00:00Z", "2026-02-28T23:59:59.999Z")
        }
        #expect(throws: ContractError.malformed("interval.start: not an ISO-8601 instant")) {
            try decode("yesterday", "2026-03-01T00:00:00Z")
        }
        #expect(try decode("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z").interval != nil)
    }

    @Test("a revision below 0 is refused")
    func revisions() {
        #expect(throws: ContractError.malformed("revision: less than 0")) { try Job.decode(Self.job(["revision": "-1"])) }
        #expect(throws: ContractError.self) { try JobEvent.decode(Self.event(["revision": "-1"])) }
    }

    @Test("a trace that is none is dropped, the job isn't")
    func traces() throws {
        for text in ["", "x", "00-\r\nevil: header", String(repeating: "0", count: 10_000)] {
            #expect(try Job.decode(Self.job(["traceparent": Self.text(text)])).traceparent == nil)
        }
        #expect(try Job.decode(Self.job(["traceparent": Self.text(Sample.trace)])).traceparent == Sample.trace)
    }

    @Test("a reason repeats nothing of the message that could be long, secret or break a line")
    func bounded() throws {
        let digits = String(repeating: "7", count: 100_000)
        let long = #expect(throws: ContractError.self) { try Job.decode(Self.job(["revision": digits])) }
        #expect((long?.description.utf8.count ?? .max) < 500)
        let key = String(repeating: "k\u{1b}[31m\\n\\u2028", count: 1000)
        let control = Array(#"{"version":1,"event":"planned","at":"2026-03-01T16:00:00Z","figures":{"\#(key)":"x"},"#.utf8)
        let event = control + Self.event().dropFirst(#"{"version":1,"event":"started","at":"2026-03-01T16:00:00Z","#.utf8.count)
        let error = #expect(throws: ContractError.self) { try JobEvent.decode(event) }
        let text = try #require(error?.description)
        #expect(text.utf8.count < 500 && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x2028 }, "\(text)")
    }
}
