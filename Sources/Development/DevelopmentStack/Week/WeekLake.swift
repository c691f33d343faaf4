internal import Contracts
internal import Foundation
internal import ObjectStorage

/// Reads data sets out of the lake as a consumer does: what the manifests of a day name, nothing else.
struct WeekLake: Sendable {
    let store: any ObjectStore
    let source: String

    /// The manifests of a data set's business day.
    func manifests(_ dataset: String, _ day: String) async throws -> [Manifest] {
        let folder = LakeLayout.standard.folder(source: source, dataset: dataset, day: day)
        var manifests: [Manifest] = []
        for try await object in store.list(prefix: "\(folder)/_manifest.") {
            manifests.append(try Manifest.decode(try await store.read(object.key, upTo: Manifest.maximumBytes)))
        }
        return manifests
    }

    /// Hands over the bytes of a day's objects, each ended by a line feed.
    func read(_ dataset: String, _ day: String, _ body: ([UInt8]) throws -> Void) async throws {
        for manifest in try await manifests(dataset, day) {
            for object in manifest.objects {
                for try await chunk in try await store.get(ObjectKey(object.key)) { try body(chunk) }
            }
        }
    }

    /// The records of a day.
    func tally(_ dataset: String, _ day: String, into tally: inout RecordTally) async throws {
        var rest: [UInt8] = []
        try await read(dataset, day) { chunk in rest = tally.add(lines: rest + chunk) }
        if !rest.isEmpty { rest.withUnsafeBytes { tally.add($0) } }
    }

    /// What is in a day's folder although no manifest names it, tags and manifests aside.
    func strays(_ dataset: String, _ day: String) async throws -> [String] {
        let folder = LakeLayout.standard.folder(source: source, dataset: dataset, day: day)
        let named = Set(try await manifests(dataset, day).flatMap { $0.objects.map(\.key) })
        var strays: [String] = []
        for try await object in store.list(prefix: "\(folder)/") {
            let key = object.key.text
            if !named.contains(key), !key.dropFirst(folder.count + 1).hasPrefix("_") { strays.append(key) }
        }
        return strays
    }

    /// Whether a day has `_SUCCESS` and no `_FAILURE`.
    func isTagged(_ dataset: String, _ day: String) async throws -> Bool {
        let folder = LakeLayout.standard.folder(source: source, dataset: dataset, day: day)
        guard try await store.head(ObjectKey(LakeLayout.success(in: folder))) != nil else { return false }
        return try await store.head(ObjectKey(LakeLayout.failure(in: folder))) == nil
    }
}
