import Contracts
import Foundation
import Operations
import Scheduler
import Testing

@Suite("Times as operators write them")
struct TimeExpressionTests {
    private static let now = Date(timeIntervalSince1970: 1_772_380_800)  // 2026-03-01T16:00:00Z

    @Test(
        "instants are read in every form; local times by the zone's clocks, also where a change skips or repeats them",
        arguments: [
            ("2026-03-01T16:00:00Z", nil, "2026-03-01T16:00:00.000Z"),
            ("2026-03-02T00:00:00+08:00", nil, "2026-03-01T16:00:00.000Z"),
            ("2026-03-01T16:00:00.250Z", nil, "2026-03-01T16:00:00.250Z"),
            ("@2026-03-01T16:00:00Z", nil, "2026-03-01T16:00:00.000Z"),
            ("now", nil, "2026-03-01T16:00:00.000Z"), ("@-2h", nil, "2026-03-01T14:00:00.000Z"),
            ("@-1d12h", nil, "2026-02-28T04:00:00.000Z"), ("@+30m", nil, "2026-03-01T16:30:00.000Z"),
            ("@1772380800123", nil, "2026-03-01T16:00:00.123Z"), ("2026-03-01", "Asia/Manila", "2026-02-28T16:00:00.000Z"),
            ("2026-03-01", "UTC", "2026-03-01T00:00:00.000Z"), ("2026-03-01T08:30", "Asia/Manila", "2026-03-01T00:30:00.000Z"),
            ("2026-03-01 08:30:15", "Asia/Manila", "2026-03-01T00:30:15.000Z"),
            ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:00:00.000Z"),
            ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z"),
            ("2026-03-29", "Asia/Beirut", "2026-03-28T22:00:00.000Z"), ("2028-02-29", "UTC", "2028-02-29T00:00:00.000Z"),
        ])
    func read(_ text: String, _ zone: String?, _ expected: String) throws {
        let date = try TimeExpression.parse(text, option: "--from", now: Self.now, zone: try TimeExpression.zone(zone))
        #expect(Timestamp.string(date) == expected)
    }

    @Test(
        "what is no time is refused with the option and what is allowed",
        arguments: [
            "", "@", "@-", "@-2", "@-2x", "yesterday", "2026-02-29", "2026-13-01", "2026-03-01T24:00", "2026-03-01T08:61",
            "12345", "@99999999999999999999", "@253402300800000", "1969-12-31T23:59:59Z", "2026-03-01T", "--", "@@now",
            "٢٠٢٦-٠٣-٠١",
            String(repeating: "9", count: 100),
        ])
    func refused(_ text: String) throws {
        let zone = try TimeExpression.zone("UTC")
        #expect {
            try TimeExpression.parse(text, option: "--from", now: Self.now, zone: zone)
        } throws: { ($0 as? UsageProblem)?.description.hasPrefix("--from: ") ?? false }
    }

    @Test("a local time without a zone is refused, not guessed", arguments: ["2026-03-01", "2026-03-01T08:30"])
    func needsZone(_ text: String) {
        #expect {
            try TimeExpression.parse(text, option: "--to", now: Self.now)
        } throws: { "\($0)".contains("without a zone") }
    }

    @Test("times are shown in UTC and in the zone")
    func shown() throws {
        #expect(TimeText().text(Self.now) == "2026-03-01T16:00:00.000Z")
        let manila = try TimeExpression.zone("Asia/Manila")
        #expect(TimeText(zone: manila).text(Self.now) == "2026-03-01T16:00:00.000Z (2026-03-02 00:00:00 Asia/Manila)")
        #expect(TimeText(zone: manila).text(milliseconds: -1) == "-")
    }
}
