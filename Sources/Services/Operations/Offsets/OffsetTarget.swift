public import Foundation
public import Scheduler

/// Where a group's offsets are to be moved.
public enum OffsetTarget: Sendable, Hashable {
    /// The oldest record that is kept.
    case earliest
    /// After the newest record.
    case latest
    /// This record.
    case offset(Int64)
    /// The first record at or after this time; without one, the end.
    case time(Date)
    /// So many offsets on from what is committed, or, if negative, back.
    case shift(Int64)

    /// What is allowed, for problems.
    public static let allowed =
        "earliest, latest, an offset, +N or -N from what is committed, or a time: \(TimeExpression.allowed)"

    /// Reads a target.
    ///
    /// - Throws: a ``UsageProblem`` that names the option.
    public static func parse(
        _ text: String, option: String, now: Date, zone: BusinessZone?
    ) throws(UsageProblem) -> OffsetTarget {
        switch text {
        case "earliest", "start": return .earliest
        case "latest", "end": return .latest
        default: break
        }
        let isNumber = !text.isEmpty && text.drop { $0 == "+" || $0 == "-" }.allSatisfy { $0.isASCII && $0.isNumber }
        if isNumber, let number = Int64(text) {
            return text.hasPrefix("+") || text.hasPrefix("-") ? .shift(number) : .offset(number)
        }
        if isNumber { throw UsageProblem(option, given: text, allowed: allowed) }
        do {
            return .time(try TimeExpression.parse(text, option: option, now: now, zone: zone))
        } catch {
            // The time's own words are better where it looks like one.
            let looksLikeTime = text.contains("-") || text.hasPrefix("@")
            throw looksLikeTime ? error : UsageProblem(option, given: text, allowed: allowed)
        }
    }
}
