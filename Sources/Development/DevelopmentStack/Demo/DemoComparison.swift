internal import Contracts
internal import Foundation
internal import ObjectStorage

/// Compares days of other data sets than conversations with the vendor, record by record.
struct DemoComparison {
    private let stack: DevelopmentStack
    private let truth: WeekTruth
    private let lake: WeekLake

    init(_ stack: DevelopmentStack) throws {
        self.stack = stack
        truth = WeekTruth(vendor: stack.vendor)
        lake = WeekLake(store: try stack.lake(), source: StackConfiguration.source)
    }

    /// Compares a day that has `_SUCCESS`; nil: there's more to come.
    func compare(
        _ row: DemoProgress.Row, _ manifest: Manifest, _ folder: LakeFolder
    ) async throws -> DemoProgress.Comparison? {
        guard let interval = stack.days.interval(of: row.day) else { return .failed("it isn't one of the days") }
        switch row.dataset {
        case "conversations-settled": return try await settled(row.day, interval)
        case "evaluations":
            var comparison = EvaluationComparison()
            comparison.expect(try await truth.evaluations(interval))
            try await lake.read(row.dataset, row.day) { comparison.found($0) }
            return result(comparison.difference)
        case "user_details": return result(try await userDetails(row.day, interval))
        default:
            let named = Set(manifest.objects.map(\.key))
            let pages = Set(try await folder.pages().map(\.key.text))
            guard named == pages else { return .failed("its objects aren't those of its manifest") }
            return .complete(records: manifest.records)
        }
    }

    private func result(_ difference: RecordDifference) -> DemoProgress.Comparison {
        difference.missing + difference.doubled + difference.strange == 0
            ? .equalRecords(difference.equal + difference.permitted) : .differentRecords(difference)
    }

    private func userDetails(_ day: String, _ interval: Interval) async throws -> RecordDifference {
        var (found, expected, earlier) = (RecordTally(), RecordTally(), RecordTally())
        try await lake.tally("user_details", day, into: &found)
        try await truth.userDetails(interval, into: &expected)
        // What had begun before the first day and reached into it has no day of its own.
        if day == stack.days.days.first,
            let before = Interval(start: interval.start.addingTimeInterval(-10 * 86_400), end: interval.start)
        {
            try await truth.userDetails(before, into: &earlier)
        }
        return found.difference(from: expected, permitting: earlier)
    }

    /// The settled day's conversations are in their own folder; nil while the run that was asked for goes on.
    private func settled(_ day: String, _ interval: Interval) async throws -> DemoProgress.Comparison? {
        let folder = try stack.folder(of: day)
        guard let manifest = try await folder.success(), manifest.revision > 0 else { return nil }
        var (found, expected) = (RecordTally(), RecordTally())
        try await lake.tally("conversations", day, into: &found)
        try await truth.conversations(interval, into: &expected)
        return result(found.difference(from: expected))
    }
}
