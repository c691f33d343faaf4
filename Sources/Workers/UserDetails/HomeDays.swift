internal import Contracts
internal import Foundation
internal import ObjectStorage
internal import WorkerKit

/// Whether the day in which a row begins was extracted: the manifests of its data set know.
struct HomeDays: Sendable {
    let store: any ObjectStore
    let layout: LakeLayout
    let source: String
    let dataset: String
    /// The day at hand, whose name and begin tell which folder another day has.
    let day: String
    let start: Date
    /// The days of a window of the data set's schedule, at least one.
    let windowDays: Int
    private var intervals: [String: [Interval]] = [:]

    init(store: any ObjectStore, layout: LakeLayout, job: Job, day: String, start: Date) {
        self.store = store
        self.layout = layout
        source = job.source
        dataset = job.dataset
        self.day = day
        self.start = start
        let length = job.interval.map { $0.end.timeIntervalSince($0.start) / 86400 } ?? 1
        windowDays = max(1, Int(min(length, 31).rounded()))
    }

    /// Whether a manifest covers a moment before the day at hand; milliseconds since 1970 UTC.
    mutating func isExtracted(_ moment: Int64) async throws -> Bool {
        let date = Date(timeIntervalSince1970: Double(moment) / 1000)
        let back = Int((start.timeIntervalSince(date) / 86400).rounded(.up))
        // Days are named in a zone that only the scheduler knows, and clocks change; a window of several days is named by one.
        for distance in max(0, back - 1)...(max(0, back) + windowDays) {
            guard let name = Self.day(day, before: distance) else { continue }
            let known: [Interval]
            if let cached = intervals[name] {
                known = cached
            } else {
                known = try await manifests(of: name)
                intervals[name] = known
            }
            if known.contains(where: { $0.contains(date) }) { return true }
        }
        return false
    }

    private func manifests(of day: String) async throws -> [Interval] {
        let folder = layout.folder(source: source, dataset: dataset, day: day)
        var found: [Interval] = []
        for try await object in store.list(prefix: "\(folder)/_manifest.") {
            // Taken back while we looked, or damaged: it is being written anew, or will be.
            guard let manifest = try await StoredManifest.read(object.key, from: store).manifest, manifest.dataset == dataset,
                manifest.source == source,
                let interval = manifest.interval
            else { continue }
            found.append(interval)
        }
        return found
    }

    private static func day(_ day: String, before distance: Int) -> String? {
        guard let date = Timestamp.date("\(day)T00:00:00Z") else { return nil }
        return String(Timestamp.string(date.addingTimeInterval(Double(distance) * -86400)).prefix(10))
    }
}
