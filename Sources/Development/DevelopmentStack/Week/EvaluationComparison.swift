internal import Foundation

/// Compares evaluations: of each the lake has the latest version once, and earlier ones as well.
struct EvaluationComparison: Sendable {
    private struct Line: Decodable {
        let id: String?
    }

    private var expected: [String: WeekTruth.Evaluation] = [:]
    /// The records of the lake by id, with how often each is there.
    private var records: [String: [String: Int]] = [:]
    private var rest: [UInt8] = []

    /// Takes in what the vendor has.
    mutating func expect(_ evaluations: [WeekTruth.Evaluation]) {
        for evaluation in evaluations { expected[evaluation.id] = evaluation }
    }

    /// Takes in bytes of the lake.
    mutating func found(_ bytes: [UInt8]) {
        rest += bytes
        guard let end = rest.lastIndex(of: 0x0a) else { return }
        for line in rest[..<end].split(separator: 0x0a) {
            let id = (try? JSONDecoder().decode(Line.self, from: Data(line)))?.id ?? "no id"
            records[id, default: [:]][String(decoding: line, as: UTF8.self), default: 0] += 1
        }
        rest.removeSubrange(...end)
    }

    /// Versions that are in the lake and no longer the latest.
    var earlierVersions: Int {
        records.reduce(0) { sum, found in sum + found.value.keys.count { expected[found.key]?.lines.contains($0) != true } }
    }

    /// Of those whose latest version is missing, what the vendor says, and how many versions the lake has.
    var missing: [String] {
        expected.compactMap { id, evaluation in
            let versions = records[id] ?? [:]
            guard evaluation.lines.isDisjoint(with: versions.keys) else { return nil }
            return "\(id) version \(evaluation.version) \(evaluation.status) by \(evaluation.evaluator ?? "the system"), "
                + "assigned \(evaluation.assigned): \(versions.count) versions in the lake"
        }
    }

    /// How the lake differs.
    var difference: RecordDifference {
        var difference = RecordDifference()
        for (id, evaluation) in expected {
            let versions = records[id] ?? [:]
            let latest = versions.filter { evaluation.lines.contains($0.key) }.values.reduce(0, +)
            if latest > 0 { difference.equal += 1 } else { difference.missing += 1 }
            difference.doubled += max(0, latest - 1)
            difference.doubled += versions.filter { !evaluation.lines.contains($0.key) }.values.reduce(0) { $0 + $1 - 1 }
        }
        difference.strange = records.keys.count { expected[$0] == nil }
        return difference
    }
}
