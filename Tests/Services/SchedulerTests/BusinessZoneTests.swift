import Foundation
import Testing

@testable import Scheduler

@Suite("business days in a zone")
struct BusinessZoneTests {
    @Test(
        "a day has the hours that the clocks give it",
        arguments: [
            ("Asia/Manila", "2026-03-01", "2026-02-28T16:00:00Z", 24.0),
            ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", 23.0),
            ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", 25.0),
            ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", 23.0),
            ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", 25.0),
            ("Australia/Lord_Howe", "2025-10-05", "2025-10-04T13:30:00Z", 23.5),
            ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", 24.5),
            // Clocks went from 00:00 to 01:00: the day begins at 01:00.
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", 23.0),
            // Clocks went from 01:00 back to 00:00: midnight came twice, the first one counts.
            ("America/Havana", "2025-11-02", "2025-11-02T04:00:00Z", 25.0),
            ("UTC", "2024-02-29", "2024-02-29T00:00:00Z", 24.0),
            // 2011-12-30 was left out.
            ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", 24.0),
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0.0),
            ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", 24.0),
        ])
    func lengths(name: String, day: String, start: String, hours: Double) throws {
        let zone = try zone(name)
        let day = try #require(CalendarDay(day))
        #expect(text(zone.start(of: day)) == start)
        #expect(zone.start(of: day.advanced(by: 1)).timeIntervalSince(zone.start(of: day)) == hours * 3_600)
    }

    @Test("days that don't exist are not counted")
    func leftOutDay() throws {
        let zone = try zone("Pacific/Apia")
        let after = try #require(CalendarDay("2011-12-31"))
        let before = try #require(CalendarDay("2011-12-29"))
        #expect(zone.day(after.number, movedBy: -1) == before.number)
        #expect(zone.day(before.number, movedBy: 1) == after.number)
        #expect(zone.day(of: utc("2011-12-30T10:00:00Z")) == after)
        #expect(zone.day(of: utc("2011-12-30T09:59:59Z")) == before)
    }

    @Test("every instant belongs to exactly the day whose begin and end surround it", arguments: oddZones)
    func daysCover(name: String) throws {
        let zone = try zone(name)
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<300 {
            let instant = Int.random(in: 300_000_000...2_100_000_000, using: &generator)
            let day = zone.day(containing: instant)
            #expect(zone.startOfDay(day) <= instant && instant < zone.startOfDay(day + 1), "\(name) \(instant)")
        }
    }

    @Test("a day begins when the local clock first reaches its midnight", arguments: oddZones)
    func beginsAtMidnight(name: String) throws {
        let zone = try zone(name)
        for day in CalendarDay("2009-01-01").map({ $0.number..<$0.number + 1_200 }) ?? 0..<0 {
            let start = zone.startOfDay(day)
            #expect(start + zone.offset(at: start) >= day * 86_400, "\(name) \(CalendarDay(number: day))")
            #expect(start - 1 + zone.offset(at: start - 1) < day * 86_400, "\(name) \(CalendarDay(number: day))")
        }
    }

    @Test("names that are no IANA zones are refused", arguments: ["PST", "GMT+8", "Asia/Manilla", "", "+08:00", "Etc/Nowhere"])
    func refuses(name: String) {
        #expect(BusinessZone(name) == nil)
    }
}
