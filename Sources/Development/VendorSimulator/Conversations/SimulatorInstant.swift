/// A point in simulated time, in milliseconds since 1970-01-01T00:00:00Z.
public struct SimulatorInstant: Hashable, Comparable, Sendable {
    /// Milliseconds since the epoch.
    public var milliseconds: Int64

    /// Makes an instant from milliseconds since the epoch.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Reads ISO-8601: `2026-03-01T16:00:00Z`, with up to nine fraction digits (those past milliseconds are dropped), and
    /// with `Z`, `+hh:mm` or `+hhmm`; nil when the text is anything else.
    public init?(_ text: some StringProtocol) {
        var reader = DigitReader(Array(text.utf8))
        guard let year = reader.number(digits: 4), reader.take("-"), let month = reader.number(digits: 2), reader.take("-"),
            let day = reader.number(digits: 2), reader.take("T"), let hour = reader.number(digits: 2), reader.take(":"),
            let minute = reader.number(digits: 2), reader.take(":"), let second = reader.number(digits: 2),
            (1...12).contains(month), (1...CivilDate.daysIn(month: month, year: year)).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        guard let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
        let seconds = Int64(days) * 86_400 + Int64(hour * 3_600 + minute * 60 + second) - Int64(offset * 60)
        milliseconds = seconds * 1_000 + Int64(fraction)
    }

    /// Orders by time.
    public static func < (left: SimulatorInstant, right: SimulatorInstant) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The instant that is `milliseconds` later.
    public func adding(milliseconds: Int64) -> SimulatorInstant {
        SimulatorInstant(milliseconds: self.milliseconds + milliseconds)
    }

    /// The number of the UTC day, counted from 1970-01-01.
    var day: Int32 {
        Int32(clamping: milliseconds.dividedRoundingDown(by: SimulatorInstant.millisecondsPerDay))
    }

    static let millisecondsPerDay: Int64 = 86_400_000

    /// The first instant of a UTC day.
    static func startOfDay(_ day: Int32) -> SimulatorInstant {
        SimulatorInstant(milliseconds: Int64(day) * millisecondsPerDay)
    }
}

extension SimulatorInstant: CustomStringConvertible {
    /// ISO-8601 in UTC with milliseconds, as the vendor writes it.
    public var description: String {
        var bytes = RecordBytes(capacity: 32)
        bytes.append(instant: self, wholeSeconds: false)
        return bytes.string
    }
}

/// A half-open interval `[start, end)` of simulated time.
public struct SimulatorInterval: Hashable, Sendable {
    /// The first instant inside.
    public var start: SimulatorInstant
    /// The first instant after it.
    public var end: SimulatorInstant

    /// Makes an interval; one whose end is not after its start holds nothing.
    public init(start: SimulatorInstant, end: SimulatorInstant) {
        self.start = start
        self.end = end
    }

    /// Reads `start/end` in ISO-8601; nil when it is anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let start = SimulatorInstant(parts[0]), let end = SimulatorInstant(parts[1]) else { return nil }
        self.init(start: start, end: end)
    }

    /// The length in milliseconds, negative when the end is before the start.
    var length: Int64 { end.milliseconds - start.milliseconds }
}

/// A date of the proleptic Gregorian calendar.
struct CivilDate: Equatable {
    var year: Int
    var month: Int
    var day: Int

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date of a day counted from 1970-01-01.
    @inline(__always)
    init(daysSinceEpoch: Int) {
        let shifted = daysSinceEpoch + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// The days from 1970-01-01 to this date.
    var daysSinceEpoch: Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        default: 31
        }
    }
}

extension Int64 {
    @inline(__always)
    func dividedRoundingDown(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

/// Reads fixed-width numbers from ASCII.
private struct DigitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func number(digits: Int) -> Int? {
        guard position + digits <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[position..<position + digits] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        position += digits
        return value
    }

    /// Milliseconds of an optional fraction; nil when a point has no digits or too many after it.
    mutating func fraction() -> Int? {
        guard take(".") else { return 0 }
        var value = 0
        var count = 0
        while let digit = number(digits: 1) {
            if count < 3 { value = value * 10 + digit }
            count += 1
        }
        guard (1...9).contains(count) else { return nil }
        for _ in min(count, 3)..<3 { value *= 10 }
        return value
    }

    /// Minutes east of UTC; nil when there is no zone.
    mutating func offset() -> Int? {
        if take("Z") { return 0 }
        let sign: Int
        if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
        guard let hours = number(digits: 2), hours < 24 else { return nil }
        _ = take(":")
        guard let minutes = number(digits: 2), minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}
