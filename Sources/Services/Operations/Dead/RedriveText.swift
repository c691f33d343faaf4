internal import Foundation
internal import Kafka

/// A redrive for people and programs.
public enum RedriveText {
    /// The plan: what goes back, what stays and why, and how carefully it goes.
    public static func plan(
        _ plan: RedrivePlan, _ selection: DeadOperations.Selection, target: String, _ policy: RedrivePolicy
    ) -> String {
        var text = ""
        if !plan.letters.isEmpty {
            text += DeadRow.table(plan.letters.prefix(20).map { DeadRow($0, mark: nil) })
            if plan.letters.count > 20 { text += "… \(plan.letters.count - 20) more\n" }
        }
        for (reason, count, advice) in plan.omissionCounts {
            text += "stays: \(count) \(reason); \(advice)\n"
        }
        let older = plan.superseded.values.reduce(0) { $0 + $1.count }
        if older > 0 { text += "replaced: \(older) older letters of the same jobs\n" }
        if selection.marked > 0 { text += "dealt with before: \(selection.marked)\n" }
        let left = selection.letters.count - plan.letters.count - plan.omissions.count - older
        if left > 0 { text += "beyond --limit: \(left)\n" }
        text += "\(plan.letters.count) to send back to \(target)"
        if plan.letters.count > policy.canary {
            text += policy.canary > 0 ? ": \(policy.canary) first, then the rest" : ": all"
            text += " at \(rate(policy.rate)) a second while at most \(policy.deathLimit) die again"
        }
        return text + "\n"
    }

    private static func rate(_ rate: Double) -> String { rate == rate.rounded() ? "\(Int(rate))" : "\(rate)" }

    /// What was done, in a line.
    public static func outcome(_ report: RedriveReport) -> String {
        var parts = ["\(report.published) of \(report.total) sent back"]
        if report.succeeded > 0 { parts.append("\(report.succeeded) succeeded so far") }
        if report.died > 0 { parts.append("\(report.died) died again") }
        if report.cancelled > 0 { parts.append("\(report.cancelled) were called off") }
        if report.pending > 0 { parts.append("\(report.pending) have not ended yet") }
        return parts.joined(separator: ", ")
    }

    /// The plan, and what was done, for `--json`.
    public static func report(
        _ plan: RedrivePlan, _ selection: DeadOperations.Selection, target: String, _ done: RedriveReport?
    ) -> some Encodable {
        Report(
            target: target, redrive: plan.letters.map { DeadRow($0, mark: nil) },
            stays: plan.omissions.map { Report.Omission(letter: $0.letter.position, reason: $0.reason, advice: $0.advice) },
            superseded: plan.superseded.values.flatMap { $0.map(\.position) }.sorted(), dealtWithBefore: selection.marked,
            executed: done != nil, published: done?.published ?? 0, succeeded: done?.succeeded ?? 0, died: done?.died ?? 0,
            cancelled: done?.cancelled ?? 0, pending: done?.pending ?? 0, stopped: done?.stopped)
    }

    private struct Report: Encodable {
        struct Omission: Encodable {
            let letter: DeadLetter.Position
            let reason: String
            let advice: String
        }

        let target: String
        let redrive: [DeadRow]
        let stays: [Omission]
        let superseded: [DeadLetter.Position]
        let dealtWithBefore: Int
        let executed: Bool
        let published: Int
        let succeeded: Int
        let died: Int
        let cancelled: Int
        let pending: Int
        let stopped: String?
    }
}
