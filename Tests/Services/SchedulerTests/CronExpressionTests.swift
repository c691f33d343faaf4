import Foundation
import Testing

@testable import Scheduler

@Suite("cron expressions")
struct CronExpressionTests {
    private func fires(_ expression: String, _ name: String, from start: String, to end: String) throws -> [String] {
        let cron = try CronExpression(expression)
        let zone = try zone(name)
        var fires: [String] = []
        var instant = utc(start).wholeSeconds
        while let fire = cron.fire(atOrAfter: instant, zone: zone), fire < utc(end).wholeSeconds {
            fires.append(text(Date(seconds: fire)))
            instant = fire + 1
        }
        return fires
    }

    @Test("a fixed time that the spring change skips fires once, right after the change")
    func springFixed() throws {
        let fires = try fires("30 2 * * *", "America/New_York", from: "2026-03-07T05:00:00Z", to: "2026-03-10T04:00:00Z")
        #expect(fires == ["2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"])
    }

    @Test("several skipped times and the time right after the change are one fire")
    func springCollapsed() throws {
        let fires = try fires("0,20,40 2,3 * * *", "Europe/Berlin", from: "2026-03-28T23:00:00Z", to: "2026-03-29T22:00:00Z")
        #expect(fires == ["2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z"])
    }

    @Test("an entry with a wildcard doesn't fire at skipped times")
    func springWildcard() throws {
        let fires = try fires("30 * * * *", "America/New_York", from: "2026-03-08T06:00:00Z", to: "2026-03-08T09:00:00Z")
        #expect(fires == ["2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z", "2026-03-08T08:30:00Z"])
    }

    @Test("a fixed time that the autumn change repeats fires the first time only")
    func autumnFixed() throws {
        let fires = try fires("30 1 * * *", "America/New_York", from: "2026-11-01T04:00:00Z", to: "2026-11-02T05:00:00Z")
        #expect(fires == ["2026-11-01T05:30:00Z"])
    }

    @Test(
        "an entry with a wildcard or a step fires in both passes of a repeated hour",
        arguments: ["0 * * * *", "0 */1 * * *", "*/60 * * * *"])
    func autumnWildcard(expression: String) throws {
        let fires = try fires(expression, "Europe/Berlin", from: "2026-10-24T23:30:00Z", to: "2026-10-25T02:30:00Z")
        #expect(fires == ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"])
    }

    @Test("a day that the zone leaves out has no fires")
    func leftOutDay() throws {
        let fires = try fires("0 6 * * *", "Pacific/Apia", from: "2011-12-28T10:00:00Z", to: "2012-01-01T10:00:00Z")
        #expect(fires == ["2011-12-28T16:00:00Z", "2011-12-29T16:00:00Z", "2011-12-30T16:00:00Z", "2011-12-31T16:00:00Z"])
    }

    @Test("day of month and day of week are alternatives unless one begins with a star")
    func dayRule() throws {
        #expect(
            try fires("0 0 13 * FRI", "UTC", from: "2026-03-01T00:00:00Z", to: "2026-03-15T00:00:00Z")
                == ["2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z"])
        #expect(
            try fires("0 0 */2 * MON", "UTC", from: "2026-03-01T00:00:00Z", to: "2026-03-31T00:00:00Z")
                == ["2026-03-09T00:00:00Z", "2026-03-23T00:00:00Z"])
    }

    @Test("rare dates are found in both directions")
    func rare() throws {
        let cron = try CronExpression("0 0 29 2 *")
        let utcZone = try zone("UTC")
        #expect(
            cron.fire(atOrAfter: utc("2096-03-01T00:00:00Z").wholeSeconds, zone: utcZone)
                == utc("2104-02-29T00:00:00Z").wholeSeconds)
        #expect(
            cron.fire(atOrBefore: utc("2104-02-28T00:00:00Z").wholeSeconds, zone: utcZone)
                == utc("2096-02-29T00:00:00Z").wholeSeconds)
        let sundays = try CronExpression("0 0 29 2 */7")
        #expect(
            sundays.fire(atOrAfter: utc("2088-03-01T00:00:00Z").wholeSeconds, zone: utcZone)
                == utc("2128-02-29T00:00:00Z").wholeSeconds)
    }

    @Test(
        "what is not allowed is refused with the field and what is allowed",
        arguments: [
            ("* * * *", "4 fields"), ("* * * * * *", "6 fields"), ("60 * * * *", "minute: \"60\""), ("* 24 * * *", "hour"),
            ("* * 0 * *", "day of month"), ("* * * 13 *", "month"), ("* * * * 8", "day of week"), ("* * * FOO *", "JAN to DEC"),
            ("*/0 * * * *", "step"), ("*/61 * * * *", "1 to 60"), ("*/99999 * * * *", "step"), ("5/10 * * * *", "5-59/10"),
            ("10-5 * * * *", "backwards"),
            ("0 0 30 2 *", "never fires"), ("0 0 31 4,6,9,11 *", "never fires"), ("0 0 30 2 */2", "never fires"),
            ("@reboot", "@daily"), ("", "0 fields"), ("a b c d e", "minute: \"a\""), ("1, * * * *", "minute"),
            ("-1 * * * *", "minute"),
            ("1-2-3 * * * *", "minute"), ("* * L * *", "day of month"), ("* * ? * *", "day of month"),
            ("* * * * 5#2", "day of week"),
            ("\u{7}1 * * * *", "minute"), ("١ * * * *", "minute"), ("1/ * * * *", "minute"), ("*/ * * * *", "step"),
        ])
    func refuses(expression: String, mention: String) {
        let error = #expect(throws: CronError.self) { try CronExpression(expression) }
        #expect(error?.description.contains(mention) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains { $0.isNewline } == false)
    }

    @Test(
        "names, shorthands and other spellings mean the same",
        arguments: [
            ("0 0 * * sun", "0 0 * * 7"), ("0 0 * * 5-7", "0 0 * * FRI-SUN"), ("@daily", "00 0 * * *"), ("@weekly", "0 0 * * 0"),
            ("0 0 1 jan,Jul *", "0 0 1 1,7 *"), ("  0\t6 * *  * ", "0 6 * * *"), ("@HOURLY", "0 * * * *"),
        ])
    func spellings(left: String, right: String) throws {
        let left = try CronExpression(left)
        let right = try CronExpression(right)
        #expect(left.minutes == right.minutes && left.hours == right.hours && left.months == right.months)
        #expect(left.daysOfMonth == right.daysOfMonth && left.daysOfWeek == right.daysOfWeek)
        #expect(left.needsBothDays == right.needsBothDays && left.followsTheClock == right.followsTheClock)
    }
}
