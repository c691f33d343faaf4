internal import Contracts
internal import Foundation
internal import ObjectStorage
internal import WorkerKit

/// The day in which a row begins, if it was extracted: the manifests of its data set know.
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
    private var manifests: [String: [Manifest]] = [:]

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

    /// The manifests that cover a moment before the day at hand; milliseconds since 1970 UTC.
    mutating func homes(of moment: Int64) async throws -> [Manifest] {
        let date = Date(timeIntervalSince1970: Double(moment) / 1000)
        let back = Int((start.timeIntervalSince(date) / 86400).rounded(.up))
        // Days are named in a zone that only the scheduler knows, and clocks change; a window of several days is named by one.
        for distance in max(0, back - 1)...(max(0, back) + windowDays) {
            guard let name = Self.day(day, before: distance) else { continue }
            let known: [Manifest]
            if let cached = manifests[name] {
                known = cached
            } else {
                known = try await read(name)
                manifests[name] = known
            }
            let homes = known.filter { $0.interval?.contains(date) ?? false }
            if !homes.isEmpty { return homes }
        }
        return []
    }

    private func read(_ day: String) async throws -> [Manifest] {
        let folder = layout.folder(source: source, dataset: dataset, day: day)
        var found: [Manifest] = []
        for try await object in store.list(prefix: "\(folder)/_manifest.") {
            // Taken back while we looked, or damaged: it is being written anew, or will be.
            guard let manifest = try await StoredManifest.read(object.key, from: store).manifest, manifest.dataset == dataset,
                manifest.source == source, manifest.interval != nil
            else { continue }
            found.append(manifest)
        }
        return found
    }

    private static func day(_ day: String, before distance: Int) -> String? {
        guard let date = Timestamp.date("\(day)T00:00:00Z") else { return nil }
        return String(Timestamp.string(date.addingTimeInterval(Double(distance) * -86400)).prefix(10))
    }
}
