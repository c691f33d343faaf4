import Foundation
import Testing

@testable import Scheduler

@Suite("days of the calendar")
struct CalendarDayTests {
    @Test("dates agree with Foundation's calendar over four centuries")
    func agreesWithFoundation() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<3_000 {
            let number = Int.random(in: -60_000...120_000, using: &generator)
            let day = CalendarDay(number: number)
            let expected = calendar.dateComponents(
                [.year, .month, .day, .weekday], from: Date(timeIntervalSince1970: Double(number) * 86_400))
            #expect(day.date.year == expected.year && day.date.month == expected.month && day.date.day == expected.day)
            #expect(day.weekday + 1 == expected.weekday)
            #expect(CalendarDay(day.description) == day)
            #expect(CalendarDay(year: day.date.year, month: day.date.month, day: day.date.day) == day)
        }
    }

    @Test(
        "what is no day is refused",
        arguments: ["2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "26-01-01", "2026-1-1", "", "0000-01-01"])
    func refuses(_ text: String) {
        #expect(CalendarDay(text) == nil)
    }

    @Test("29 February exists in leap years only")
    func leapDays() {
        #expect(CalendarDay("2024-02-29") != nil)
        #expect(CalendarDay("2000-02-29") != nil)
        #expect(CalendarDay("1900-02-29") == nil)
    }
}
