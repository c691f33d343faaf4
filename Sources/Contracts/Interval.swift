public import Foundation

/// A half-open stretch of time, `[start, end)`.
public struct Interval: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// The first instant that belongs to it.
    public let start: Date
    /// The first instant that no longer belongs to it.
    public let end: Date

    /// An interval; an end before the start is refused.
    public init?(start: Date, end: Date) {
        guard start <= end else { return nil }
        self.start = start
        self.end = end
    }

    /// Decodes `{"start": …, "end": …}` and refuses an end before the start.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        start = try container.decode(Date.self, forKey: .start)
        end = try container.decode(Date.self, forKey: .end)
        guard start <= end else {
            throw DecodingError.dataCorruptedError(forKey: .end, in: container, debugDescription: "end lies before start")
        }
    }

    /// Whether the instant lies in the interval.
    public func contains(_ date: Date) -> Bool { start <= date && date < end }

    /// Orders by start, then by end.
    public static func < (left: Interval, right: Interval) -> Bool { (left.start, left.end) < (right.start, right.end) }

    /// ISO-8601's form `start/end`, as vendors and operators write it.
    public var description: String { "\(Timestamp.string(start))/\(Timestamp.string(end))" }
}
