public import Foundation

/// A half-open interval of UTC time in whole milliseconds, as the API writes it:
/// `2026-03-01T16:00:00.000Z/2026-03-02T16:00:00.000Z`.
public struct QueryInterval: Sendable, Hashable, CustomStringConvertible {
    /// The first instant inside, in milliseconds since 1970 UTC.
    public let startMilliseconds: Int64
    /// The first instant after it, in milliseconds since 1970 UTC.
    public let endMilliseconds: Int64

    /// Creates an interval.
    ///
    /// - Parameters:
    ///   - startMilliseconds: The first instant inside, in milliseconds since 1970 UTC.
    ///   - endMilliseconds: The first instant after it.
    /// - Returns: Nil when the end is not after the start, or when a year doesn't have four digits.
    public init?(startMilliseconds: Int64, endMilliseconds: Int64) {
        guard startMilliseconds < endMilliseconds, VendorTime.range.contains(startMilliseconds),
            VendorTime.range.contains(endMilliseconds)
        else { return nil }
        self.startMilliseconds = startMilliseconds
        self.endMilliseconds = endMilliseconds
    }

    /// Creates an interval from dates, rounded to milliseconds.
    ///
    /// - Parameters:
    ///   - start: The first instant inside.
    ///   - end: The first instant after it.
    public init?(start: Date, end: Date) {
        let milliseconds = [start, end].map { ($0.timeIntervalSince1970 * 1000).rounded() }
        guard milliseconds.allSatisfy({ abs($0) < 1e15 }) else { return nil }
        self.init(startMilliseconds: Int64(milliseconds[0]), endMilliseconds: Int64(milliseconds[1]))
    }

    /// Parses the API's form; times may lack milliseconds or carry an offset.
    ///
    /// - Parameter text: Two times with a slash between.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let start = VendorTime.parse(parts[0]), let end = VendorTime.parse(parts[1]) else { return nil }
        self.init(startMilliseconds: start, endMilliseconds: end)
    }

    /// The API's form.
    public var description: String { VendorTime.format(startMilliseconds) + "/" + VendorTime.format(endMilliseconds) }

    /// Two adjacent halves; nil for a single millisecond.
    public var halves: (QueryInterval, QueryInterval)? {
        let middle = startMilliseconds + (endMilliseconds - startMilliseconds) / 2
        guard let first = QueryInterval(startMilliseconds: startMilliseconds, endMilliseconds: middle),
            let second = QueryInterval(startMilliseconds: middle, endMilliseconds: endMilliseconds)
        else { return nil }
        return (first, second)
    }
}

/// The vendor's times: ISO 8601 with or without milliseconds, `Z` or an offset, read and written without a formatter.
public enum VendorTime {
    /// The years 0001 to 9999, in milliseconds since 1970 UTC.
    static let range: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    /// Writes a time as `2026-03-01T16:00:00.000Z`.
    ///
    /// - Parameter milliseconds: Milliseconds since 1970 UTC.
    public static func format(_ milliseconds: Int64) -> String {
        let milliseconds = min(max(milliseconds, range.lowerBound), range.upperBound)
        let days = milliseconds >= 0 ? milliseconds / 86_400_000 : (milliseconds - 86_399_999) / 86_400_000
        let inDay = milliseconds - days * 86_400_000
        let (year, month, day) = civil(days)
        return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))T\(digits(inDay / 3_600_000, 2))"
            + ":\(digits(inDay / 60_000 % 60, 2)):\(digits(inDay / 1000 % 60, 2)).\(digits(inDay % 1000, 3))Z"
    }

    /// Reads a time in any form of ISO 8601 that has been met, and some that haven't: what can be understood must not be lost.
    ///
    /// - Parameter text: `2026-03-01T16:00:00Z`; the seconds may be missing, or have a fraction of any length (cut to
    ///   milliseconds) after a point or a comma; an offset (`+0000`, `+08:00`, `+08`) may be in the place of `Z`, and without
    ///   either it is UTC; `t`, `z` and a space in the place of `T` mean the same.
    /// - Returns: Milliseconds since 1970 UTC; nil when the text is no such time.
    public static func parse(_ text: some StringProtocol) -> Int64? {
        let bytes = Array(text.utf8)
        guard (16...48).contains(bytes.count), bytes[4] == 0x2d, bytes[7] == 0x2d, [0x54, 0x74, 0x20].contains(bytes[10]),
            bytes[13] == 0x3a, let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10]), let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            year > 0, (1...12).contains(month), hour < 24, minute < 60
        else { return nil }
        let days = days(year, month, day)
        guard civil(days) == (year, month, day) else { return nil }
        var rest = bytes[16...]
        var second: Int64 = 0
        if rest.first == 0x3a {
            // A leap second counts as the one after it.
            guard rest.count >= 3, let value = number(rest.dropFirst().prefix(2)), value <= 60 else { return nil }
            second = value
            rest = rest.dropFirst(3)
        }
        var milliseconds: Int64 = 0
        if rest.first == 0x2e || rest.first == 0x2c {
            let fraction = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard !fraction.isEmpty, let value = number(Array((Array(fraction) + [0x30, 0x30]).prefix(3))[...]) else {
                return nil
            }
            milliseconds = value
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard let offset = offsetMinutes(rest) else { return nil }
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset * 60
        return seconds * 1000 + milliseconds
    }

    private static func offsetMinutes(_ bytes: ArraySlice<UInt8>) -> Int64? {
        guard let sign = bytes.first else { return 0 }
        if bytes.count == 1, sign | 0x20 == 0x7a { return 0 }
        var digits = Array(bytes.dropFirst())
        if digits.count == 5, digits[2] == 0x3a { digits.remove(at: 2) }
        guard sign == 0x2b || sign == 0x2d, digits.count == 4 || digits.count == 2, let hours = number(digits[0..<2]),
            let minutes = digits.count == 2 ? 0 : number(digits[2..<4]), hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (sign == 0x2b ? 1 : -1)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return value
    }

    private static func digits(_ value: Int64, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }

    /// The date of a day counted from 1970-01-01, in the Gregorian calendar, by years that begin in March.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// The inverse of ``civil(_:)``.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
