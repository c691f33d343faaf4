public import Foundation

/// Instants as text: ISO-8601 in UTC, with milliseconds when written.
public enum Timestamp {
    private static let withMilliseconds = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    private static let withoutMilliseconds = Date.ISO8601FormatStyle()

    /// Such as `2026-03-01T16:00:00.000Z`, rounded to the nearest millisecond.
    public static func string(_ date: Date) -> String {
        // Foundation cuts off instead of rounding, and most milliseconds are a little less than themselves as a Double: an
        // instant would lose one each time it is read and written. A quarter more keeps it on the right side.
        let milliseconds = (date.timeIntervalSinceReferenceDate * 1000).rounded()
        return Date(timeIntervalSinceReferenceDate: (milliseconds + 0.25) / 1000).formatted(withMilliseconds)
    }

    /// Reads an instant with or without fractional seconds; nil when it is none.
    public static func date(_ text: String) -> Date? {
        (try? withMilliseconds.parse(text)) ?? (try? withoutMilliseconds.parse(text))
    }

    /// Such as `20260301T160000Z`, for ids and file names.
    public static func compact(_ date: Date) -> String {
        string(date).prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}

extension JSONEncoder {
    /// The encoder of every message: keys sorted, so that equal values have equal bytes, and instants as `Timestamp` writes them.
    static func contract() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(Timestamp.string(date))
        }
        return encoder
    }
}
