internal import Contracts
internal import ObjectStorage

/// A plan as programs and people see it: ids and counts, nobody's data.
public struct PrivacyReport: Sendable, Encodable {
    struct Part: Sendable, Encodable {
        let manifest: String
        let dataset: String
        let day: String?
        let objects: [PrivacyObject]
    }

    let request: String?
    let action: PrivacySubject.Action
    let status: String?
    let manifests: Int
    let records: Int
    let concerned: Int
    let parts: [Part]
    let unfit: [String]

    /// The report for `--json`.
    public init(_ plan: PrivacyPlan, _ subject: PrivacySubject) {
        request = subject.request
        action = subject.action
        status = subject.status
        manifests = plan.manifests
        records = plan.records
        concerned = plan.concerned
        parts = plan.findings.map {
            Part(manifest: $0.key.text, dataset: $0.manifest.dataset, day: $0.manifest.day, objects: $0.objects)
        }
        unfit = plan.unfit
    }

    /// The most ids that a row names.
    private static let namedIDs = 3

    /// The plan for people, object by object.
    public static func text(_ plan: PrivacyPlan, _ subject: PrivacySubject) -> String {
        var text = ""
        if let request = subject.request {
            text += "request \(request): \(subject.action.rawValue)\(subject.status.map { ", \($0) at the vendor" } ?? "")\n"
        }
        if subject.action == .export { text += "an export changes nothing in the lake\n" }
        var table = TextTable([
            TextTable.Column(subject.action == .update ? "CHANGE" : "REMOVE", .right), TextTable.Column("OF", .right),
            TextTable.Column("OBJECT"), TextTable.Column("RECORDS"),
        ])
        for finding in plan.findings {
            for object in finding.objects {
                var ids = object.ids.prefix(namedIDs).joined(separator: " ")
                if object.concerned > namedIDs { ids += " …" }
                table.add(["\(object.concerned)", "\(object.records)", object.key, ids])
            }
        }
        if !table.isEmpty { text += table.text }
        for problem in plan.unfit { text += "left as it is: \(TerminalText.escaped(problem, limit: 400))\n" }
        text += "\(plan.concerned) of \(plan.records) records in \(plan.manifests) manifests are concerned\n"
        return text
    }

    /// Requests for people.
    public static func text(_ entries: [PrivacyBook.Entry]) -> String {
        var table = TextTable([
            TextTable.Column("REQUEST"), TextTable.Column("TYPE"), TextTable.Column("STATUS"), TextTable.Column("CREATED"),
            TextTable.Column("APPLIED"), TextTable.Column("RECORDS", .right), TextTable.Column("BY"),
        ])
        for entry in entries {
            table.add([
                entry.id, entry.type, entry.status, entry.created ?? "-", entry.applied ?? "-",
                entry.records.map { "\($0)" } ?? "-",
                TerminalText.escaped(entry.by ?? "-", limit: 60),
            ])
        }
        return table.text
    }
}
