import Foundation

extension TopicPlan {
    /// The plan as a table for people: one line a step, then what is left alone.
    public var table: String {
        let rows = steps.map(Self.row)
        let widths = (0..<2).map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in
            let first = row[0].padding(toLength: widths[0], withPad: " ", startingAt: 0)
            let second = row[1].padding(toLength: widths[1], withPad: " ", startingAt: 0)
            return "\(first)  \(second)  \(row[2])"
        }
        if !unmanaged.isEmpty {
            lines.append("left alone, named by no file: \(Self.listed(unmanaged))")
        }
        if !unknown.isEmpty {
            lines.append("not compared, the cluster doesn't tell: \(Self.listed(unknown))")
        }
        lines.append(summary)
        return lines.joined(separator: "\n") + "\n"
    }

    /// One line: how many topics there are of each sort.
    public var summary: String {
        var counts: [String: Int] = [:]
        for step in steps { counts[Self.row(step)[0], default: 0] += 1 }
        let parts = ["create", "alter", "grow", "refuse"].compactMap { word in counts[word].map { "\($0) to \(word)" } }
        return (parts + ["\(unchanged) as they should be", "\(unmanaged.count) left alone"]).joined(separator: ", ")
    }

    private static func row(_ step: Step) -> [String] {
        switch step {
        case .create(let topic):
            let settings = topic.shape.settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let shape = ["partitions=\(topic.shape.partitions)", "replication=\(topic.shape.replication)"]
            return ["create", topic.name, (shape + settings).joined(separator: " ")]
        case .alter(let topic, let changes):
            return ["alter", topic, changes.map { "\($0.name): \($0.from) -> \($0.to)" }.joined(separator: ", ")]
        case .addPartitions(let topic, let from, let to):
            return ["grow", topic, "partitions: \(from) -> \(to); keys move to other partitions"]
        case .refuse(let topic, let reason):
            return ["refuse", topic, reason]
        }
    }

    private static func listed(_ names: [String]) -> String {
        names.prefix(20).joined(separator: ", ") + (names.count > 20 ? " and \(names.count - 20) more" : "")
    }

    /// The plan as one JSON object: `steps` (each with `action` and `topic`), `unmanaged`, `unknown`, `unchanged`.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let report = Report(steps: steps.map(Report.Entry.init), unmanaged: unmanaged, unknown: unknown, unchanged: unchanged)
        return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
    }
}

/// The JSON form of a plan.
private struct Report: Encodable {
    let steps: [Entry]
    let unmanaged: [String]
    let unknown: [String]
    let unchanged: Int

    struct Entry: Encodable {
        let action: String
        let topic: String
        var partitions: Int?
        var replication: Int?
        var from: Int?
        var to: Int?
        var settings: [String: String]?
        var changes: [Change]?
        var reason: String?

        init(_ step: TopicPlan.Step) {
            switch step {
            case .create(let specification):
                action = "create"
                topic = specification.name
                partitions = specification.shape.partitions
                replication = specification.shape.replication
                settings = specification.shape.settings
            case .alter(let name, let list):
                action = "alter"
                topic = name
                changes = list.map { Change(setting: $0.name, from: $0.from, to: $0.to) }
            case .addPartitions(let name, let before, let after):
                action = "grow"
                topic = name
                from = before
                to = after
            case .refuse(let name, let why):
                action = "refuse"
                topic = name
                reason = why
            }
        }
    }

    struct Change: Encodable {
        let setting: String
        let from: String
        let to: String
    }
}
