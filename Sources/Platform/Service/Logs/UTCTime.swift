import Foundation

/// A point in time that prints as RFC 3339 in UTC with milliseconds, without a formatter.
struct UTCTime: Sendable, Equatable {
    let millisecondsSinceEpoch: Int64

    /// The present.
    static var now: UTCTime {
        UTCTime(millisecondsSinceEpoch: Int64(Date().timeIntervalSince1970 * 1000))
    }

    /// Appends `2026-03-01T16:00:00.000Z`.
    func append(to bytes: inout [UInt8]) {
        let days = Int(millisecondsSinceEpoch.floorDivided(by: 86_400_000))
        let inDay = Int(millisecondsSinceEpoch - Int64(days) * 86_400_000)
        // Days since 0000-03-01 in the proleptic Gregorian calendar: leap days fall at the end of such a year.
        let shifted = days + 719_468
        let era = Int64(shifted).floorDivided(by: 146_097)
        let dayOfEra = shifted - Int(era) * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0)
        func digits(_ value: Int, _ count: Int, _ separator: Unicode.Scalar) {
            var divisor = 1
            for _ in 1..<count { divisor *= 10 }
            while divisor > 0 {
                bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
                divisor /= 10
            }
            bytes.append(UInt8(ascii: separator))
        }
        digits(year, 4, "-")
        digits(month, 2, "-")
        digits(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, 2, "T")
        digits(inDay / 3_600_000, 2, ":")
        digits(inDay / 60_000 % 60, 2, ":")
        digits(inDay / 1000 % 60, 2, ".")
        digits(inDay % 1000, 3, "Z")
    }
}

extension Int64 {
    /// The quotient rounded towards negative infinity.
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
