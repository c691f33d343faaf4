import Contracts
import Foundation
import Kafka
import Testing

@testable import Operations

/// Makes dead letters.
enum DeadSample {
    static let topics = TopicNames()

    static func headers(
        reason: String = "vendor-unavailable", offset: Int64 = 7, redrives: Int? = nil, truncated: Int? = nil,
        at: Date = Sample.start
    ) -> [RecordHeader] {
        var headers = [
            RecordHeader("ce_id", "x.0"), RecordHeader("custom", bytes: [0xff, 0]), RecordHeader(JobHeader.attempt, "8"),
            RecordHeader(JobHeader.notBefore, "1"), RecordHeader(JobHeader.snoozedUntil, "1"),
            RecordHeader(JobHeader.lastErrorClass, "e"), RecordHeader(JobHeader.lastError, "e"),
            RecordHeader(JobHeader.firstTopic, "jobs.conversation"), RecordHeader(JobHeader.firstPartition, "2"),
            RecordHeader(JobHeader.firstOffset, "\(offset)"), RecordHeader(JobHeader.firstTimestamp, "5"),
            RecordHeader(JobHeader.deadReason, reason), RecordHeader(JobHeader.deadMessage, "no answer"),
            RecordHeader(JobHeader.deadAdvice, "look at the vendor"), RecordHeader(JobHeader.deadAt, Timestamp.string(at)),
            RecordHeader(JobHeader.deadAttempts, "8"), RecordHeader(JobHeader.deadWorker, "conversation-worker@a"),
        ]
        if let redrives { headers.append(RecordHeader(JobHeader.redrives, "\(redrives)")) }
        if let truncated { headers.append(RecordHeader(JobHeader.deadTruncated, "\(truncated)")) }
        return headers
    }

    static func letter(
        _ job: Job, offset: Int64 = 0, timestamp: Int64? = nil, reason: String = "vendor-unavailable", redrives: Int? = nil,
        truncated: Int? = nil, at: Date = Sample.start
    ) -> DeadLetter {
        let message = job.message(to: topics)
        return DeadLetter(
            ConsumerRecord(
                topic: topics.dead(job.kind), partition: 0, offset: offset, timestamp: timestamp ?? offset + 1, key: message.key,
                value: message.value,
                headers: headers(reason: reason, offset: offset, redrives: redrives, truncated: truncated, at: at)))
    }

    static func poison(offset: Int64 = 0, value: [UInt8]? = [0xff, 0x1b, 0x00], key: [UInt8]? = [0x1b, 0x5b]) -> DeadLetter {
        DeadLetter(
            ConsumerRecord(
                topic: "jobs.conversation.dead", partition: 0, offset: offset, timestamp: offset + 1, key: key, value: value,
                headers: headers(reason: "malformed", offset: offset)))
    }
}

@Suite("dead letters")
struct DeadLetterTests {
    @Test("a letter says why it died, where it came from and what to do, from its headers")
    func reads() {
        let letter = DeadSample.letter(Sample.job("x"), offset: 9, redrives: 2)
        #expect(letter.reason == "vendor-unavailable" && letter.advice == "look at the vendor" && letter.attempts == 8)
        #expect(letter.redrives == 2 && letter.diedAt == Sample.start && letter.job?.id == "x")
        #expect(letter.origin == DeadLetter.Origin(topic: "jobs.conversation", partition: 2, offset: 9))
        #expect(letter.position.description == "0:9" && DeadLetter.Position("0:9") == letter.position)
    }

    @Test("what can't be read is a letter, too, and shows nothing that a terminal obeys")
    func poison() {
        for value: [UInt8]? in [nil, [], [0xff], Array("{}".utf8), Array("[[[[".utf8)] {
            let letter = DeadSample.poison(value: value)
            #expect(letter.job == nil && letter.problem != nil)
        }
        #expect(!DeadSample.poison().name.unicodeScalars.contains("\u{1b}"))
        let bare = DeadLetter(
            ConsumerRecord(topic: "t", partition: 0, offset: 0, timestamp: -1, key: nil, value: nil, headers: []))
        #expect(bare.reason == "unknown" && bare.diedAt == nil && bare.origin == nil && bare.name == "(no key)")
        let negative = DeadSample.letter(Sample.job("x"), redrives: -4)
        #expect(negative.redrives == 0)
    }

    @Test(
        "positions are partition and offset and nothing else", arguments: ["", "1", "1:", ":1", "1:2:3", "-1:2", "1:-2", "a:b"])
    func positions(text: String) { #expect(DeadLetter.Position(text) == nil) }

    @Test("a filter lets through what matches all of it; what can't be read belongs to no account")
    func filter() {
        let letters = [
            DeadSample.letter(Sample.job("a"), offset: 0), DeadSample.letter(Sample.job("b"), offset: 1, reason: "stalled"),
            DeadSample.letter(Sample.job("c", source: "genesys/other"), offset: 2, at: Sample.start.addingTimeInterval(60)),
            DeadSample.letter(Sample.job("d", day: "2026-03-02", parent: "p", root: "a"), offset: 3),
            DeadSample.poison(offset: 4),
        ]
        func names(_ change: (inout DeadFilter) -> Void) -> [Int64] {
            var filter = DeadFilter()
            change(&filter)
            return letters.filter(filter.matches).map(\.position.offset)
        }
        #expect(names { _ in } == [0, 1, 2, 3, 4])
        #expect(names { $0.reasons = ["stalled", "malformed"] } == [1, 4])
        #expect(names { $0.source = "genesys/main" } == [0, 1, 3])
        #expect(names { $0.ids = ["a"] } == [0, 3], "a root and its parts")
        #expect(names { $0.day = "2026-03-02" } == [3])
        #expect(names { $0.since = Sample.start.addingTimeInterval(1) } == [2])
        #expect(names { $0.until = Sample.start.addingTimeInterval(1) } == [0, 1, 3, 4])
        #expect(names { $0.isReadable = false } == [4])
        #expect(names { $0.positions = [DeadLetter.Position(partition: 0, offset: 2)] } == [2])
    }

    @Test("groups are counted by what letters have in common")
    func groups() {
        func groups(_ key: DeadGroups.Key, zone: String = "UTC") -> [String] {
            var groups = DeadGroups(by: key, zone: zone)
            groups.add(DeadSample.letter(Sample.job("a"), at: Date(timeIntervalSince1970: 1_772_319_600)))
            groups.add(DeadSample.letter(Sample.job("b"), at: Date(timeIntervalSince1970: 1_772_323_200)))
            groups.add(DeadSample.poison())
            return groups.sorted.map { "\($0.name)=\($0.count)" }
        }
        #expect(groups(.error) == ["vendor-unavailable=2", "malformed=1"])
        #expect(groups(.source) == ["genesys/main=2", "(unreadable)=1"])
        #expect(groups(.tenant) == ["genesys=2", "(unreadable)=1"])
        #expect(groups(.day).prefix(2) == ["2026-02-28=1", "2026-03-01=1"])
        #expect(groups(.day, zone: "Asia/Manila").first == "2026-03-01=2")
        #expect(groups(.hour).prefix(2) == ["2026-02-28T23:00Z=1", "2026-03-01T00:00Z=1"])
    }

    @Test("more groups than can be counted apart become one")
    func manyGroups() {
        var groups = DeadGroups(by: .error)
        for number in 0..<(DeadGroups.maximumGroups + 5) {
            groups.add(DeadSample.letter(Sample.job("a"), reason: "reason-\(number)"))
        }
        #expect(groups.sorted.count == DeadGroups.maximumGroups + 1 && groups.sorted.first?.name == "(other)")
    }

    @Test("a mark hides the letter at its position with its time, and a later letter there is another one")
    func marks() {
        var marks = DeadMarks(kind: "conversation")
        func take(_ mark: DeadMark) { marks.take(ConsumerRecord(mark.message(to: DeadSample.topics))) }
        func mark(_ kind: String, _ offset: Int64, _ timestamp: Int64) -> DeadMark {
            DeadMark(
                .redriven, kind: kind, partition: 0, offset: offset, timestamp: timestamp, job: "x", by: "me@here",
                at: Sample.start)
        }
        take(mark("conversation", 4, 5))
        take(mark("report", 5, 6))
        #expect(marks[DeadSample.letter(Sample.job("x"), offset: 4)]?.action == .redriven)
        #expect(marks[DeadSample.letter(Sample.job("x"), offset: 4, timestamp: 99)] == nil)
        #expect(marks[DeadSample.letter(Sample.job("x"), offset: 5)] == nil)
        #expect(marks.outlived(kept: [0: 4]).isEmpty && marks.outlived(kept: [0: 5]) == ["conversation/0/4"])
        marks.take(
            ConsumerRecord(
                topic: "dead.marks", partition: 0, offset: 9, timestamp: 1, key: Array("conversation/0/4".utf8), value: nil))
        #expect(marks[DeadSample.letter(Sample.job("x"), offset: 4)] == nil)
        marks.take(
            ConsumerRecord(
                topic: "dead.marks", partition: 0, offset: 10, timestamp: 1, key: Array("conversation/0/4".utf8), value: [0xff]))
        #expect(marks.unreadable == 1)
    }

    @Test("an exported line holds every byte of key, value and headers")
    func export() throws {
        let letter = DeadSample.poison()
        let line = try DeadExport.line(letter, mark: nil)
        #expect(line.last == UInt8(ascii: "\n") && line.count { $0 == UInt8(ascii: "\n") } == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect(Data(base64Encoded: object["value"] as? String ?? "").map(Array.init) == letter.record.value)
        #expect(Data(base64Encoded: object["key"] as? String ?? "").map(Array.init) == letter.record.key)
        let headers = object["headers"] as? [[String: String]]
        #expect(headers?.count == letter.record.headers.count && headers?[1]["value"] == "/wA=")
    }
}
