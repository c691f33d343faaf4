internal import Contracts
internal import Foundation
internal import ObjectStorage

/// What the demo says at its end: the tree of what was written, tags, alerts, and where to look closer.
struct DemoSummary {
    let stack: DevelopmentStack
    /// The working directory as the reader would type it.
    let shownDirectory: String
    /// Whether everything goes on afterwards.
    let keepsRunning: Bool

    /// The lines.
    func lines(_ progress: DemoProgress) async throws -> [String] {
        var lines = ["", "Written below \(shownDirectory)/lake:"]
        var successes = 0
        var failures: [String] = []
        var example: String?
        for row in progress.rows {
            let folder = try stack.folder(of: row.day, dataset: row.dataset)
            let manifest = try await folder.success()
            if manifest != nil { successes += 1 }
            if let text = try await folder.failure() { failures.append("\(folder.folder)/_FAILURE: \(text)") }
            if example == nil { example = try await folder.pages().first?.key.text }
            // One day of each data set is enough to see what they look like.
            guard row.day == stack.days.days.last else { continue }
            lines += ["", "  \(folder.folder)/"] + tree(try await folder.objects(), manifest, in: folder.folder)
        }
        lines += ["", "Tags:    \(successes) × _SUCCESS, \(failures.count) × _FAILURE"] + failures.map { "         \($0)" }
        let alerts = try await stack.overview().alerts
        lines.append("Alerts:  \(alerts.isEmpty ? "none firing" : "\(alerts.count) firing")")
        for alert in alerts {
            lines.append("         \(alert.severity.rawValue): \(alert.summary)\(alert.advice.map { " (\($0))" } ?? "")")
        }
        lines += ["", "Look closer:"]
        if let example { lines.append("  head -n 1 \(shownDirectory)/lake/\(example) | python3 -m json.tool | less") }
        lines += [
            "  less \(shownDirectory)/logs/\(StackMember.conversationWorker.name).log", "  ls \(shownDirectory)/configuration",
        ]
        if !keepsRunning {
            lines.append("  make demo KEEP=1    # leaves everything running: the monitor's page, metrics, broker and simulator")
        }
        return lines + [""]
    }

    /// A folder's objects with records and sizes, the middle ones counted only.
    private func tree(_ objects: [ObjectInfo], _ manifest: Manifest?, in folder: String) -> [String] {
        let records = Dictionary((manifest?.objects ?? []).map { ($0.key, $0.records) }) { $1 }
        // Pages by number, then the manifest, then the tag, as they are written.
        let sorted = objects.sorted { left, right in
            let (one, two) = (Self.rank(left, records), Self.rank(right, records))
            return one != two ? one < two : left.key.text.compare(right.key.text, options: .numeric) == .orderedAscending
        }
        let width = (objects.map(\.key.text.count).max() ?? 0) - folder.count
        var lines = sorted.map { object in
            let name = String(object.key.text.dropFirst(folder.count + 1))
            let note = records[object.key.text].map { Layout.right("\(Layout.number($0)) records", 15) } ?? ""
            return "\(Layout.left(name, width)) \(Layout.right(Layout.size(object.size), 8))\(note)"
        }
        let pages = sorted.count { records[$0.key.text] != nil }
        if pages > 5 { lines.replaceSubrange(2..<pages - 1, with: ["… \(pages - 3) more pages"]) }
        return lines.enumerated().map { "  \($0 == lines.count - 1 ? "└──" : "├──") \($1)" }
    }

    private static func rank(_ object: ObjectInfo, _ records: [String: Int]) -> Int {
        if records[object.key.text] != nil { return 0 }
        return object.key.text.contains("/_manifest.") ? 1 : 2
    }

    /// Where everything listens, for those who keep it running.
    func addresses() async throws -> [String] {
        var lines = ["", "Everything is still running:"]
        lines.append("  monitor's page       \(try await stack.member(.monitor).admin)/      its days as JSON: /days")
        for member in await stack.members.sorted(by: { $0.member.name < $1.member.name }) {
            lines.append("  \(Layout.left(member.member.program, 20)) \(member.admin)/metrics   /healthz   /readyz")
        }
        lines += [
            "  broker               \(stack.broker.bootstrapServers)",
            "  vendor simulator     login \(stack.vendor.login), api \(stack.vendor.api), control \(stack.vendor.control)",
            "", "Ctrl-C stops all of it.",
        ]
        return lines
    }
}
