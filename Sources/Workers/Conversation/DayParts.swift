internal import Contracts
internal import Foundation
internal import GenesysCloud
internal import ObjectStorage
internal import WorkerKit

/// The parts of an interval that was too large for one job: each has the id of the whole and `.h1` or `.h2`, and so on, so that
/// the same part always has the same id, and its manifest is known to belong to the whole.
enum DayParts {
    private static let suffixes = [".h1", ".h2"]

    /// The two halves of a job, of adjacent intervals; nil when it is too short, or its id too long, for that.
    static func halves(of job: Job, range: QueryInterval, least: TimeInterval) -> [Job]? {
        guard let halves = range.halves, job.id.utf8.count + 3 <= 200,
            Double(range.endMilliseconds - range.startMilliseconds) / 1000 >= least * 2
        else { return nil }
        return zip(suffixes, [halves.0, halves.1]).compactMap { suffix, half in
            let start = Date(timeIntervalSince1970: Double(half.startMilliseconds) / 1000)
            let end = Date(timeIntervalSince1970: Double(half.endMilliseconds) / 1000)
            guard let interval = Interval(start: start, end: end) else { return nil }
            return part(job.id + suffix, of: job, interval: interval)
        }
    }

    /// The job of a part.
    static func part(_ id: String, of job: Job, interval: Interval) -> Job {
        Job(
            id: id, kind: job.kind, source: job.source, dataset: job.dataset, day: job.day, interval: interval,
            revision: job.revision, createdAt: job.createdAt, deadline: job.deadline, maximumAttempts: job.maximumAttempts,
            parameters: job.parameters)
    }

    /// The whole that a part belongs to; the id itself when it is none.
    static func whole(of id: String) -> String {
        var id = id[...]
        while let suffix = suffixes.first(where: { id.hasSuffix($0) && id.utf8.count > $0.utf8.count }) {
            id = id.dropLast(suffix.count)
        }
        return String(id)
    }

    /// Whether an id is that of a part of a whole, at whatever depth.
    static func isPart(_ id: String, of whole: String) -> Bool {
        guard id.hasPrefix(whole), id != whole else { return false }
        var rest = id.dropFirst(whole.count)
        while let suffix = suffixes.first(where: { rest.hasPrefix($0) }) { rest = rest.dropFirst(suffix.count) }
        return rest.isEmpty
    }

    /// Whether these jobs are the whole: the job itself, or both halves of it, each as a whole.
    static func isComplete(_ id: String, _ jobs: Set<String>) -> Bool {
        if jobs.contains(id) { return true }
        guard jobs.contains(where: { isPart($0, of: id) }) else { return false }
        return suffixes.allSatisfy { isComplete(id + $0, jobs) }
    }

    /// The manifests in a folder whose jobs a condition is true of, by job id.
    static func manifests(
        in folder: String, of store: any ObjectStore, beginning prefix: String = "", where isWanted: (String) -> Bool
    ) async throws(ObjectStorageError) -> [Manifest] {
        let begin = "\(folder)/_manifest."
        var keys: [ObjectKey] = []
        for try await object in store.list(prefix: begin + prefix) where object.key.text.hasSuffix(".json") {
            if isWanted(String(object.key.text.dropFirst(begin.count).dropLast(5))) { keys.append(object.key) }
        }
        var manifests: [Manifest] = []
        for key in keys {
            // What no reader can follow is as good as none; its job writes it again.
            if let manifest = try await StoredManifest.read(key, from: store).manifest { manifests.append(manifest) }
        }
        return manifests.sorted { $0.job < $1.job }
    }
}

extension DayWork {
    /// The parts of this job as its children again, to be corrected each by itself; nil when they aren't the whole.
    func completeParts() async throws(ObjectStorageError) -> [Job]? { children(try await parts()) }

    /// The same, if each of them is of this job's revision or a later one: then nothing is to be done.
    func currentParts() async throws(ObjectStorageError) -> [Job]? {
        let parts = try await parts()
        return parts.allSatisfy { $0.revision >= job.revision } ? children(parts) : nil
    }

    private func children(_ parts: [Manifest]) -> [Job]? {
        guard DayParts.isComplete(job.id, Set(parts.map(\.job))) else { return nil }
        return parts.compactMap { part in part.interval.map { DayParts.part(part.job, of: job, interval: $0) } }
    }

    /// The manifests that the parts of this job have left, whoever wrote them.
    func parts() async throws(ObjectStorageError) -> [Manifest] {
        try await DayParts.manifests(in: folder, of: store, beginning: job.id) { DayParts.isPart($0, of: job.id) }
    }

    /// Takes away what parts have left: this job writes the whole.
    func removeParts() async throws {
        for manifest in try await parts() {
            try Task.checkCancellation()
            try await store.delete(try ObjectKey(LakeLayout.manifest(of: manifest.job, in: folder)))
            for object in manifest.objects where object.key.hasPrefix(folder) {
                try await store.delete(try ObjectKey(object.key))
            }
        }
        // Those of parts that never came to a manifest too.
        var lists: [ObjectKey] = []
        let begin = "\(OpenList.Place.folder(source: job.source, dataset: job.dataset))\(request.day)/"
        for try await object in store.list(prefix: begin + job.id) where object.key.text.hasSuffix(".json") {
            if DayParts.isPart(String(object.key.text.dropFirst(begin.count).dropLast(5)), of: job.id) {
                lists.append(object.key)
            }
        }
        for key in lists { try await store.delete(key) }
    }
}
