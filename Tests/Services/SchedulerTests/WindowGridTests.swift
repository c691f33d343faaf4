import Foundation
import Testing

@testable import Scheduler

@Suite("windows of business days")
struct WindowGridTests {
    private func windows(_ length: String, _ zoneName: String, from day: String, days: Int = 1) throws -> [Range<Int>] {
        let anchor = try #require(CalendarDay(day))
        let zone = try zone(zoneName)
        let grid = WindowGrid(length: try #require(WindowLength(length)), zone: zone, anchor: anchor)
        var cursor = zone.startOfDay(anchor.number)
        let end = zone.startOfDay(anchor.number + days)
        var windows: [Range<Int>] = []
        while cursor < end {
            let next = grid.boundary(after: cursor)
            windows.append(cursor..<next)
            cursor = next
        }
        #expect(cursor == end)
        return windows
    }

    @Test(
        "a day of a clock change has the windows of its hours",
        arguments: [
            ("America/New_York", "2026-03-08", "1h", 23, 3_600), ("America/New_York", "2026-11-01", "1h", 25, 3_600),
            ("Europe/Berlin", "2026-03-29", "15m", 92, 900), ("Europe/Berlin", "2026-10-25", "15m", 100, 900),
            ("Asia/Manila", "2026-03-01", "1h", 24, 3_600),
            // Half an hour less and more: the last window is cut at midnight.
            ("Australia/Lord_Howe", "2025-10-05", "1h", 24, 1_800), ("Australia/Lord_Howe", "2026-04-05", "1h", 25, 1_800),
            ("Europe/Berlin", "2026-10-25", "6h", 5, 3_600), ("Pacific/Apia", "2011-12-30", "1h", 0, 0),
        ])
    func counts(name: String, day: String, length: String, count: Int, last: Int) throws {
        let windows = try windows(length, name, from: day)
        #expect(windows.count == count)
        #expect((windows.last?.count ?? 0) == last)
        if let first = windows.first {
            let grid = WindowGrid(
                length: try #require(WindowLength(length)), zone: try zone(name), anchor: CalendarDay(number: 0))
            #expect(grid.windowsOfDay(containing: first.lowerBound) == count)
        }
    }

    @Test("windows adjoin, never overlap, and a boundary is found from every instant inside", arguments: oddZones)
    func boundaries(name: String) throws {
        var generator = SeededGenerator(seed: 3)
        let zone = try zone(name)
        for length in ["5m", "15m", "1h", "4h", "12h", "1d", "2d", "7d"] {
            let grid = WindowGrid(length: try #require(WindowLength(length)), zone: zone, anchor: CalendarDay(number: 11_000))
            for _ in 0..<60 {
                let instant = Int.random(in: 900_000_000...2_000_000_000, using: &generator)
                let low = grid.boundary(atOrBefore: instant)
                let high = grid.boundary(after: instant)
                #expect(low <= instant && instant < high, "\(name) \(length) \(instant)")
                #expect(grid.boundary(after: low) == high, "\(name) \(length) \(instant)")
                #expect(grid.boundary(atOrBefore: high) == high, "\(name) \(length) \(instant)")
                #expect(grid.boundary(atOrBefore: high - 1) == low, "\(name) \(length) \(instant)")
            }
        }
    }

    @Test(
        "lengths that neither divide a day nor are whole days are refused",
        arguments: ["7m", "5h", "24h", "1440m", "0m", "-1h", "1w", "", "367d", "1.5h", "h", "86400s", "999999s"])
    func refuses(text: String) {
        #expect(WindowLength(text) == nil)
    }

    @Test("lengths are spelt as they are read", arguments: ["30s", "1m", "15m", "1h", "12h", "1d", "7d"])
    func spelling(text: String) {
        #expect(WindowLength(text)?.description == text)
    }
}
