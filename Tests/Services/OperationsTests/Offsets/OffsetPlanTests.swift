import Foundation
import Kafka
import Scheduler
import Testing
import WorkerKit

@testable import Operations

@Suite("Plans to move offsets")
struct OffsetPlanTests {
    private static let partition = TopicPartition("t", 0)

    private static func row(
        _ target: OffsetTarget, committed: CommittedOffset? = CommittedOffset(50), kept: Range<Int64> = 10..<100,
        found: Int64? = nil
    ) throws -> OffsetPlan.Row {
        let facts = [partition: OffsetPlan.Facts(committed: committed, kept: kept, found: found)]
        return try #require(OffsetPlan(group: "g", facts: facts, target: target).rows.first)
    }

    @Test(
        "every target becomes an offset inside of what is kept, and what was moved there says so",
        arguments: [
            (OffsetTarget.earliest, 10, false), (.latest, 100, false), (.offset(77), 77, false), (.offset(3), 10, true),
            (.offset(101), 100, true), (.shift(5), 55, false), (.shift(-5), 45, false), (.shift(-50), 10, true),
            (.shift(.max), 100, true), (.shift(.min), 10, true), (.time(Date()), 60, false),
        ])
    func targets(_ target: OffsetTarget, _ expected: Int64, _ isMoved: Bool) throws {
        let row = try Self.row(target, found: 60)
        #expect(row.new == CommittedOffset(expected) && row.isChange)
        #expect((row.note != nil) == isMoved, "\(row)")
        #expect(row.skipped == max(0, expected - 50) && row.repeated == max(0, 50 - expected))
    }

    @Test("a time behind every record means the end, and says so")
    func lateTime() throws {
        let row = try Self.row(.time(Date()))
        #expect(row.new == CommittedOffset(100) && row.note != nil)
    }

    @Test("without a commit the oldest record is where reading begins, and what is shifted from")
    func nothingCommitted() throws {
        let row = try Self.row(.shift(5), committed: nil)
        #expect(row.from == 10 && row.new == CommittedOffset(15) && row.skipped == 5 && row.note != nil)
        #expect(try Self.row(.earliest, committed: nil).isChange)
    }

    @Test("the window beside the offset is cleared, also where the offset stays, and what was done in it is repeated")
    func window() throws {
        var window = AckWindow(base: 50)
        for offset in Int64(50)...60 { _ = window.start(offset) }
        for offset in [Int64(52), 53, 58] { window.finish(offset) }
        let committed = CommittedOffset(50, metadata: window.encode())
        let stays = try Self.row(.offset(50), committed: committed)
        #expect(stays.isChange && stays.new == CommittedOffset(50) && stays.repeated == 3 && stays.skipped == 0)
        #expect(try Self.row(.offset(40), committed: committed).repeated == 13)
        // 52 and 53 are passed over, 58 comes again.
        let on = try Self.row(.offset(55), committed: committed)
        #expect(on.repeated == 1 && on.skipped == 5)
        #expect(try !Self.row(.offset(50)).isChange)
    }

    @Test("a file restores offsets with what was beside them, and takes a commit away that wasn't there")
    func restoring() throws {
        let other = TopicPartition("t", 1)
        let gone = TopicPartition("t", 2)
        let before = OffsetPlan(
            group: "g",
            facts: [
                Self.partition: .init(committed: CommittedOffset(50, metadata: "w1:AQ"), kept: 10..<100),
                other: .init(committed: nil, kept: 0..<5), gone: .init(committed: CommittedOffset(3), kept: 0..<9),
            ], target: .latest)
        let path = FileManager.default.temporaryDirectory.appending(path: "offsets-\(UUID().uuidString).json").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try OffsetFile(before: before, at: Date(timeIntervalSince1970: 1_772_380_800), by: "me@here").write(to: path)
        #expect(throws: (any Error).self) { try OffsetFile(before: before, at: Date(), by: "x").write(to: path) }
        let file = try OffsetFile.read(path, option: "--from-file")
        #expect(file.group == "g" && file.by == "me@here" && file.name == "offsets-g-20260301T160000000Z.json")
        let after = OffsetPlan(
            group: file.group,
            facts: [
                Self.partition: .init(committed: CommittedOffset(100), kept: 10..<120),
                other: .init(committed: CommittedOffset(5), kept: 0..<5),
                gone: .init(committed: CommittedOffset(9), kept: 4..<9),
            ], restoring: file.committed)
        #expect(after.rows.map(\.new) == [CommittedOffset(50, metadata: "w1:AQ"), nil, CommittedOffset(4)])
        #expect(after.rows[2].note != nil)
    }

    @Test(
        "a file that isn't one is refused",
        arguments: [
            "", "{}", "[1]", "{\"version\":2,\"group\":\"g\",\"at\":\"2026-03-01T16:00:00Z\",\"by\":\"x\",\"offsets\":[]}",
        ])
    func wrongFiles(_ text: String) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "offsets-\(UUID().uuidString).json").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(text.utf8).write(to: URL(filePath: path))
        #expect(throws: UsageProblem.self) { try OffsetFile.read(path, option: "--from-file") }
    }

    @Test("targets are read as they are written")
    func parsing() throws {
        let now = Date(timeIntervalSince1970: 1_772_380_800)
        func parse(_ text: String) throws -> OffsetTarget {
            try OffsetTarget.parse(text, option: "--to", now: now, zone: BusinessZone("Asia/Manila"))
        }
        #expect(try parse("earliest") == .earliest && parse("latest") == .latest && parse("17") == .offset(17))
        #expect(try parse("+3") == .shift(3) && parse("-3") == .shift(-3))
        #expect(try parse("@-1h") == .time(now.addingTimeInterval(-3600)))
        #expect(try parse("2026-03-02") == .time(now))
        for text in ["", "+", "-", "--3", "1.5", "soon", "99999999999999999999", "+99999999999999999999"] {
            #expect(throws: UsageProblem.self, "\(text)") { try parse(text) }
        }
    }
}
