import Contracts
import Foundation
import Kafka
import Operations
import Testing

@Suite("Records as operators see them")
struct RecordViewTests {
    private static func record(
        _ value: [UInt8]?, topic: String = "t", key: [UInt8]? = Array("k".utf8), headers: [RecordHeader] = []
    ) -> ConsumerRecord {
        ConsumerRecord(
            topic: topic, partition: 3, offset: 15, timestamp: 1_772_380_800_000, key: key, value: value, headers: headers)
    }

    private static func record(_ text: String, topic: String = "t") -> ConsumerRecord { record(Array(text.utf8), topic: topic) }

    private static let job = Job(
        id: "j1", kind: "conversation", source: "genesys/main", dataset: "conversations", day: "2026-03-01",
        createdAt: Date(timeIntervalSince1970: 1_772_380_800))

    @Test("each of our messages is one line with what matters; retries and dead letters say why")
    func decoded() throws {
        let names = TopicNames(prefix: "p.")
        let lines = MessageLine(names)
        func line(_ message: Message, topic: String? = nil, headers: [RecordHeader] = []) -> String {
            lines.text(
                Self.record(message.value, topic: topic ?? message.topic, key: message.key, headers: headers))
        }
        let at = Date(timeIntervalSince1970: 1_772_380_800)
        #expect(
            line(Self.job.message(to: names))
                == "2026-03-01T16:00:00.000Z 3:15 j1 job conversation genesys/main conversations 2026-03-01")
        let event = JobEvent(
            .failed, of: Self.job, at: at, attempt: 2, worker: "w@1",
            failure: JobEvent.Failure(reason: "vendor-unavailable", message: "503", advice: "wait"), figures: ["pages": 3])
        #expect(line(event.message(to: names)).hasSuffix("by w@1 vendor-unavailable: 503 (wait) pages=3"))
        #expect(line(event.message(to: names)).contains(" j1 failed attempt 2 conversation "))
        let dead = line(
            Self.job.message(to: names), topic: names.dead("conversation"),
            headers: [RecordHeader(JobHeader.deadReason, "stalled"), RecordHeader(JobHeader.deadMessage, "no\u{1b}[31m bytes")])
        #expect(dead.hasSuffix("dead stalled: no\\u{1b}[31m bytes"), "\(dead)")
        let pause = Control.pause(.kind("conversation"), by: "me@here", reason: "vendor is down", at: at, expiresAt: nil)
        #expect(
            try #require(pause.message(to: names).map { line($0) }).hasSuffix(
                "pause kind conversation by me@here because vendor is down"))
        #expect(lines.content(Self.record(nil, topic: names.control)) == "taken back")
        let alert = Alert(key: "a", state: .firing, severity: .critical, summary: "late", advice: "look", since: at, at: at)
        #expect(line(alert.message(to: names)).hasSuffix("a firing critical: late (look)"))
        let state = ScheduleState(
            schedule: "s", lastFire: nil, lastIntervalEnd: at, definitionHash: "x", updatedAt: at, moves: 1, movedBy: "me@here")
        #expect(line(state.message(to: names)).hasSuffix("s cursor 2026-03-01T16:00:00.000Z moved by me@here"))
    }

    @Test("what isn't ours is shown as it is, and nothing of it reaches the terminal raw")
    func foreign() {
        let lines = MessageLine(TopicNames())
        #expect(lines.content(Self.record("{\"a\":1}\n")) == "{\"a\":1}\\n")
        #expect(lines.content(Self.record([0xff, 0x00])) == "0xff00")
        #expect(lines.content(Self.record(nil)) == "(no value)")
        #expect(lines.content(Self.record("not a job", topic: "jobs.conversation")) == "not a job")
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let value = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let key = (0..<3).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let line = lines.text(Self.record(value, topic: "job.events", key: key))
            let isClean = line.unicodeScalars.allSatisfy {
                $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) && $0 != "\u{202e}"
            }
            #expect(isClean, "\(value)")
        }
        let long = lines.content(Self.record(String(repeating: "é", count: 5000)))
        #expect(long.hasSuffix("…") && long.count == MessageLine.shownText + 1)
    }

    @Test("a record as JSON keeps every digit of its value, and bytes that are not text as base64")
    func document() throws {
        func object(_ record: ConsumerRecord) throws -> [String: Any] {
            let line = RecordDocument(record).line
            #expect(line.hasSuffix("\n") && line.count { $0 == "\n" } == 1)
            return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        let precise = Self.record("{\"n\": 12345678901234567890.10,\n \"e\": 1.50E+2}")
        #expect(RecordDocument(precise).line.contains("\"value\":{\"n\": 12345678901234567890.10,  \"e\": 1.50E+2}"))
        let plain = try object(precise)
        #expect(
            plain["topic"] as? String == "t" && plain["offset"] as? Int == 15
                && plain["time"] as? String == "2026-03-01T16:00:00.000Z")
        let tombstone = try object(Self.record(nil, key: nil))
        #expect(tombstone["value"] is NSNull && tombstone["isTombstone"] as? Bool == true && tombstone["key"] is NSNull)
        #expect(try object(Self.record("null"))["isTombstone"] == nil)
        #expect(try object(Self.record("te\"x\u{1b}t"))["valueText"] as? String == "te\"x\u{1b}t")
        #expect(
            !RecordDocument(Self.record("te\u{1b}\u{9b}t")).line.unicodeScalars.contains { $0.value == 0x1b || $0.value == 0x9b })
        #expect(try object(Self.record([0xff]))["valueBase64"] as? String == "/w==")
        #expect(try object(Self.record([]))["valueText"] as? String == "")
        let headers = try object(
            Self.record([], headers: [RecordHeader("a", "1"), RecordHeader("a", bytes: [0xff]), RecordHeader("n", bytes: nil)]))[
                "headers"]
        let list = try #require(headers as? [[String: Any]])
        #expect(list[0]["value"] as? String == "1" && list[1]["valueBase64"] as? String == "/w==" && list[2]["value"] is NSNull)
    }

    @Test("values that would harm a parser are text, not JSON: deep nesting, other encodings, duplicated bytes of ends")
    func hostileValues() {
        let deep = String(repeating: "[", count: 513)
        for value in [
            Array(deep.utf8), Array(String(repeating: "{\"a\":", count: 5000).utf8), [0xff, 0xfe, 0x7b, 0x00], [0x7b, 0x00],
        ] {
            let fields = RecordFields(Self.record(value))
            #expect(!fields.isReadable && fields.text("a") == nil)
            #expect(!RecordDocument(Self.record(value)).line.contains("\"value\":"))
        }
    }

    @Test(
        "conditions find fields of the value, of an event's job, and of the record",
        arguments: [
            ("event=failed", true), ("event!=failed", false), ("event~fail", true), ("job.source=genesys/main", true),
            ("source=genesys/main", true), ("source=genesys/other", false), ("attempt=2", true), ("nothing=x", false),
            ("nothing!=x", true), ("failure.reason=a=b", true), ("key=k", true), ("partition=3", true), ("offset=16", false),
            ("header.dlq-reason=stalled", true), ("value.key=inner", true), ("list.1=two", true), ("flag=true", true),
            ("failure=x", false), ("job.id~", true),
        ])
    func conditions(_ text: String, _ expected: Bool) throws {
        let value = """
            {"event":"failed","attempt":2,"job":{"source":"genesys/main","id":"j"},"failure":{"reason":"a=b"},"key":"inner",
             "list":["one","two"],"flag":true}
            """
        let record = Self.record(Array(value.utf8), headers: [RecordHeader("dlq-reason", "stalled")])
        var filter = RecordFilter()
        filter.conditions = [try RecordFilter.Condition(text, option: "--where")]
        #expect(filter.matches(record) == expected)
        #expect(filter.matches(Self.record([0xff])) == (text.contains("!=") || ["key=k", "partition=3"].contains(text)))
    }

    @Test("kinds, sources, days and keys: one of each sort must hold; what isn't JSON has none")
    func filters() {
        let message = Self.job.message(to: TopicNames())
        let job = Self.record(message.value)
        let event = Self.record(JobEvent(.started, of: Self.job, at: Date()).message(to: TopicNames()).value)
        var filter = RecordFilter()
        #expect(filter.isEmpty && filter.matches(Self.record([0xff])))
        filter.kinds = ["recording", "conversation"]
        filter.days = ["2026-03-01"]
        filter.sources = ["genesys/main"]
        #expect(filter.matches(job) && filter.matches(event) && !filter.matches(Self.record([0xff])))
        filter.days = ["2026-03-02"]
        #expect(!filter.matches(job) && !filter.matches(event))
        filter = RecordFilter()
        filter.keys = ["k"]
        #expect(filter.matches(Self.record([0xff])) && !filter.matches(Self.record([], key: nil)))
    }
}
