internal import Contracts
internal import Foundation

/// A plan of publications as people and programs see it.
public struct PublicationReport: Sendable, Encodable {
    struct Entry: Sendable, Encodable {
        let id: String
        let kind: String
        let source: String
        let dataset: String
        let day: String?
        let interval: Interval?
        let revision: Int
        let deadline: Date?
        let parameters: JSONValue
    }

    struct Omission: Sendable, Encodable {
        let id: String
        let interval: Interval?
        let reason: String
        let advice: String?

        init(_ omission: PublicationPlan.Omission) {
            id = omission.id
            interval = omission.interval
            reason = omission.reason
            advice = omission.advice
        }
    }

    let publish: [Entry]
    let leftOut: [Omission]
    let refused: [Omission]
    /// Whether it was carried out.
    let published: Bool

    /// The report for `--json`.
    public init(_ plan: PublicationPlan, published: Bool) {
        publish = plan.publications.map { publication in
            let job = publication.job
            return Entry(
                id: job.id, kind: job.kind, source: job.source, dataset: job.dataset, day: job.day, interval: job.interval,
                revision: job.revision, deadline: job.deadline ?? publication.expectation?.deadline, parameters: job.parameters)
        }
        leftOut = plan.leftOut.map(Omission.init)
        refused = plan.refused.map(Omission.init)
        self.published = published
    }

    /// The most jobs that a table names at each end.
    static let named = 10

    /// The plan for people: the first and last jobs, what is left out by reason, what is refused with advice.
    public static func text(_ plan: PublicationPlan) -> String {
        var text = ""
        let publications = plan.publications
        if !publications.isEmpty {
            var table = TextTable([
                TextTable.Column("PUBLISH"), TextTable.Column("REV", .right), TextTable.Column("DAY"),
                TextTable.Column("INTERVAL"), TextTable.Column("DEADLINE"),
            ])
            let isLong = publications.count > 2 * named + 1
            for (index, publication) in publications.enumerated() {
                if isLong, (named..<publications.count - named).contains(index) {
                    if index == named { table.add(["… \(publications.count - 2 * named) more"]) }
                    continue
                }
                let job = publication.job
                table.add([
                    job.id, "\(job.revision)", job.day ?? "-", job.interval.map { "\($0)" } ?? "-",
                    (job.deadline ?? publication.expectation?.deadline).map { Timestamp.string($0) } ?? "-",
                ])
            }
            text += table.text
        }
        for refusal in plan.refused.prefix(50) {
            text += "refused: \(refusal.id) \(refusal.reason)" + (refusal.advice.map { "; \($0)" } ?? "") + "\n"
        }
        if plan.refused.count > 50 { text += "refused: … \(plan.refused.count - 50) more\n" }
        for (reason, count) in plan.leftOutCounts { text += "left out: \(count) \(reason)\n" }
        return text + summary(plan) + "\n"
    }

    /// One line: how many jobs, over which days.
    public static func summary(_ plan: PublicationPlan) -> String {
        let jobs = plan.publications.map(\.job)
        var line = "\(jobs.count) to publish"
        let days = Set(jobs.compactMap(\.day))
        if let first = days.min(), let last = days.max() {
            line += days.count == 1 ? " for \(first)" : " for \(days.count) days, \(first) to \(last)"
        }
        if let start = jobs.compactMap({ $0.interval?.start }).min(), let end = jobs.compactMap({ $0.interval?.end }).max() {
            line += ", covering \(Timestamp.string(start)) to \(Timestamp.string(end))"
        }
        if !plan.leftOut.isEmpty { line += "; \(plan.leftOut.count) left out" }
        if !plan.refused.isEmpty { line += "; \(plan.refused.count) refused" }
        return line
    }
}
