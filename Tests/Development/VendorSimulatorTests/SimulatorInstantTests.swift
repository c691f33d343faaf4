import Foundation
import Testing

@testable import VendorSimulator

@Suite("Simulated time")
struct SimulatorInstantTests {
    @Test(
        "an instant is read in every form the vendor writes",
        arguments: [
            ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00.000Z"),
            ("2026-03-01T08:00:00.1Z", "2026-03-01T08:00:00.100Z"),
            ("2026-03-01T08:00:00.123456Z", "2026-03-01T08:00:00.123Z"),
            ("2026-03-01T08:00:00.123+0000", "2026-03-01T08:00:00.123Z"),
            ("2026-03-01T08:00:00+08:00", "2026-03-01T00:00:00.000Z"),
            ("2024-02-29T23:59:59.999-01:30", "2024-03-01T01:29:59.999Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ])
    func reads(text: String, expected: String) throws {
        #expect(try #require(SimulatorInstant(text)).description == expected)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "2026-03-01", "2026-03-01T08:00:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-01T24:00:00Z",
            "2026-03-01T08:00:00.Z", "2026-03-01T08:00:00Zx", "2026-03-01T08:00:00.1234567890Z", "+026-03-01T08:00:00Z",
        ])
    func refuses(text: String) {
        #expect(SimulatorInstant(text) == nil)
    }

    @Test("days and dates agree with Foundation's calendar over 60 years")
    func civilDates() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for day in stride(from: -400, to: 22_000, by: 13) {
            let parts = calendar.dateComponents([.year, .month, .day], from: Date(timeIntervalSince1970: Double(day) * 86_400))
            let date = CivilDate(daysSinceEpoch: day)
            #expect([date.year, date.month, date.day] == [parts.year, parts.month, parts.day])
            #expect(date.daysSinceEpoch == day)
        }
    }

    @Test("a frozen clock moves only when told, its uptime always")
    func frozenClock() throws {
        let start = try SimulatedDay.instant("2026-03-01T00:00:00Z")
        let clock = SimulatorClock(start: start, isFrozen: true)
        #expect(clock.now == start)
        clock.advance(by: .seconds(90))
        #expect(clock.now == start.adding(milliseconds: 90_000))
        #expect(clock.uptime >= .seconds(90))
        clock.set(to: start)
        #expect(clock.now == start)
        #expect(clock.uptime >= .seconds(90))
    }
}
