internal import Foundation

/// Compares evaluations: of each the lake has the latest version once, and earlier ones as well.
struct EvaluationComparison: Sendable {
    private struct Line: Decodable {
        let id: String?
    }

    private var expected: [String: String] = [:]
    /// The records of the lake by id, with how often each is there.
    private var records: [String: [String: Int]] = [:]
    private var rest: [UInt8] = []

    /// Takes in what the vendor has.
    mutating func expect(_ evaluations: [WeekTruth.Evaluation]) {
        for evaluation in evaluations { expected[evaluation.id] = evaluation.listing }
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
        records.reduce(0) { sum, found in sum + found.value.keys.count { $0 != Self.line(expected[found.key] ?? "") } }
    }

    /// How the lake differs.
    var difference: RecordDifference {
        var difference = RecordDifference()
        for (id, listing) in expected {
            let versions = records[id] ?? [:]
            if versions[Self.line(listing)] != nil { difference.equal += 1 } else { difference.missing += 1 }
            difference.doubled += versions.values.reduce(0) { $0 + $1 - 1 }
        }
        difference.strange = records.keys.count { expected[$0] == nil }
        return difference
    }

    /// A record is one line in the lake.
    private static func line(_ record: String) -> String {
        String(decoding: record.utf8.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 }, as: UTF8.self)
    }
}
