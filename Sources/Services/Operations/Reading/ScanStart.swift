public import Foundation
public import Kafka
public import Scheduler

/// Where reading a topic begins, as operators write it.
public enum ScanStart {
    /// What is allowed, for problems and help.
    public static let allowed =
        "earliest, latest, an offset, -N (the last N), +N (after the first N), or a time: \(TimeExpression.allowed)"

    /// Reads a beginning.
    ///
    /// - Throws: a ``UsageProblem`` that names the option.
    public static func parse(
        _ text: String, option: String, now: Date, zone: BusinessZone?
    ) throws(UsageProblem) -> TopicScan.Start {
        do {
            switch try OffsetTarget.parse(text, option: option, now: now, zone: zone) {
            case .earliest: return .earliest
            case .latest: return .latest
            case .offset(let offset): return .offset(offset)
            case .shift(let count): return .shift(count)
            case .time(let date): return .time(Int64((date.timeIntervalSince1970 * 1000).rounded(.up)))
            }
        } catch {
            throw error.description.contains(OffsetTarget.allowed) ? UsageProblem(option, given: text, allowed: allowed) : error
        }
    }
}
