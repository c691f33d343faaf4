internal import Contracts
internal import Extraction
internal import Foundation
internal import ObjectStorage
internal import WorkerKit

/// Looks for rows in what a day has in the lake.
struct LakeRows: Sendable {
    let store: any ObjectStore
    let layout: LakeLayout

    /// The rows of these keys that a manifest's objects hold. Memory holds no more than them.
    ///
    /// A rerun may replace the objects while they are read: then it's the newer manifest that counts, and none when it's gone.
    func rows(_ keys: Set<RowKey>, in manifest: Manifest) async throws -> [RowKey: UserRow] {
        guard !keys.isEmpty else { return [:] }
        var manifest = manifest
        while true {
            do {
                return try await read(keys, manifest)
            } catch {
                guard
                    let newest = try await self.manifest(
                        of: manifest.job, day: manifest.day, source: manifest.source, manifest.dataset)
                else { return [:] }
                guard newest != manifest else { throw error }
                manifest = newest
            }
        }
    }

    /// The manifest of a day's job.
    func manifest(of job: String, day: String?, source: String, _ dataset: String) async throws -> Manifest? {
        guard let day else { return nil }
        let folder = layout.folder(source: source, dataset: dataset, day: day)
        return try await StoredManifest.read(try ObjectKey(LakeLayout.manifest(of: job, in: folder)), from: store).manifest
    }

    private func read(_ keys: Set<RowKey>, _ manifest: Manifest) async throws -> [RowKey: UserRow] {
        var found: [RowKey: UserRow] = [:]
        let reader = ManifestRecords(store: store)
        for object in manifest.objects {
            try await reader.read(object) { line in
                guard let key = RowKey(of: line), keys.contains(key) else { return }
                found[key] = UserRow(stored: Array(line))
            }
        }
        return found
    }
}
