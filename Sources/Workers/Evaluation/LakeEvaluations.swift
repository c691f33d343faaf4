internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import ObjectStorage
internal import Records

/// What the lake has of a data set's days.
struct LakeEvaluations: Sendable {
    let work: EvaluationWork
    let dataset: String

    private static let dayMilliseconds: Int64 = 86_400_000

    /// The manifests of days that touch a stretch of time, by interval; zones move a day by less than one.
    func manifests(from start: Int64, to end: Int64) async throws -> [Manifest] {
        var found: [Manifest] = []
        var day = start - Self.dayMilliseconds
        while day < end + 2 * Self.dayMilliseconds {
            let name = String(VendorTime.format(day).prefix(10))
            let folder = work.configuration.layout.folder(source: work.job.source, dataset: dataset, day: name)
            for try await object in work.store.list(prefix: "\(folder)/_manifest.") where object.key.text.hasSuffix(".json") {
                let bytes = try await work.store.read(object.key, upTo: Manifest.maximumBytes)
                guard let manifest = Self.decoded(bytes), manifest.source == work.job.source, manifest.dataset == dataset,
                    let interval = manifest.interval, interval.end.milliseconds > start, interval.start.milliseconds < end
                else { continue }
                found.append(manifest)
            }
            day += Self.dayMilliseconds
        }
        return found.sorted { ($0.interval?.start ?? .distantPast, $0.job) < ($1.interval?.start ?? .distantPast, $1.job) }
    }

    /// Hands over every evaluation of a manifest's objects.
    func read(_ manifest: Manifest, _ record: (EvaluationRecord) -> Void) async throws {
        let reader = ManifestRecords(store: work.store)
        for object in manifest.objects {
            try await reader.read(object) { line in
                record(EvaluationRecord(RawRecord(bytes: line), dates: work.configuration.dayDates))
            }
        }
    }

    /// What no reader could follow says nothing.
    private static func decoded(_ bytes: [UInt8]) -> Manifest? {
        do throws(ContractError) { return try Manifest.decode(bytes) } catch { return nil }
    }
}

extension Date {
    /// Whole milliseconds since 1970 UTC.
    var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }
}
