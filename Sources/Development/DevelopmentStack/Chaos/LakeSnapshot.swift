internal import Contracts
internal import Crypto
internal import Foundation
internal import ObjectStorage
internal import Rehearsal

/// What a lake holds: a short form of every object by its key.
struct LakeSnapshot: Sendable {
    /// A short form of an object's bytes.
    struct Content: Sendable, Hashable {
        let bytes: Int
        let sha256: String

        init(_ bytes: [UInt8]) {
            self.init(bytes: bytes.count, hash: bytes.withUnsafeBytes { SHA256.hash(data: $0) })
        }

        init(bytes: Int, hash: SHA256Digest) {
            self.bytes = bytes
            sha256 = hash.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
        }
    }

    /// The data and the tags.
    private(set) var objects: [String: Content] = [:]
    /// What workers keep for themselves, by key.
    private(set) var state: [String: Int] = [:]

    /// Objects read at a time.
    private static let concurrency = 8

    /// Reads everything in a store.
    static func of(_ store: any ObjectStore) async throws -> LakeSnapshot {
        var snapshot = LakeSnapshot()
        let all = try await store.list(prefix: "").collect()
        try await withThrowingTaskGroup(of: (String, Content).self) { group in
            var pending = 0
            for object in all {
                guard !object.key.text.hasPrefix("\(StateLayout.root)/") else {
                    snapshot.state[object.key.text] = object.size
                    continue
                }
                if pending >= concurrency, let (key, content) = try await group.next() {
                    snapshot.objects[key] = content
                    pending -= 1
                }
                group.addTask { (object.key.text, try await content(of: object.key, in: store)) }
                pending += 1
            }
            for try await (key, content) in group { snapshot.objects[key] = content }
        }
        return snapshot
    }

    private static func content(of key: ObjectKey, in store: any ObjectStore) async throws -> Content {
        var hash = SHA256()
        var count = 0
        for try await chunk in try await store.get(key) {
            chunk.withUnsafeBytes { hash.update(bufferPointer: $0) }
            count += chunk.count
        }
        return Content(bytes: count, hash: hash.finalize())
    }

    /// Checkpoints that nobody has removed.
    var checkpoints: [String] { state.keys.filter { $0.contains("/checkpoints/") }.sorted() }

    /// What a plan's jobs and the monitor must leave; a failed day's tag says when it failed, so only its presence counts.
    static func expected(of plan: RehearsalPlan) -> (objects: [String: Content], failureTags: Set<String>) {
        var objects: [String: Content] = [:]
        var manifests: [String: [(key: String, manifest: Manifest)]] = [:]
        var failureTags: Set<String> = []
        for expectation in plan.expectations {
            let folder = RehearsalContent.folder(of: expectation.job)
            guard case .completed(let task) = expectation.end else {
                if expectation.end == .failed { failureTags.insert(LakeLayout.failure(in: folder)) }
                continue
            }
            let manifest = RehearsalPlan.manifest(of: expectation.job, task) { key, bytes, records in
                let content = Content(bytes)
                objects[key] = content
                return Manifest.Object(key: key, records: records, bytes: bytes.count, sha256: content.sha256)
            }
            let key = LakeLayout.manifest(of: expectation.job.id, in: folder)
            objects[key] = Content(manifest.encoded())
            manifests[folder, default: []].append((key, manifest))
        }
        for (folder, parts) in manifests where !failureTags.contains(LakeLayout.failure(in: folder)) {
            let sorted = parts.sorted { $0.key < $1.key }.map(\.manifest)
            let tag = sorted.count == 1 ? sorted.first : Manifest(merging: sorted)
            if let tag { objects[LakeLayout.success(in: folder)] = Content(tag.encoded()) }
        }
        return (objects, failureTags)
    }
}

/// How a lake differs from what it must be.
struct LakeDifference: Sendable {
    /// Objects that should be there and aren't.
    var missing: [String] = []
    /// Objects that should not be there.
    var strange: [String] = []
    /// Objects with other bytes than they should have.
    var different: [String] = []
    /// Objects that are as they should be.
    var equal = 0

    /// Compares.
    ///
    /// - Parameter anyContent: keys that must be there, with whatever content.
    init(_ found: [String: LakeSnapshot.Content], expected: [String: LakeSnapshot.Content], anyContent: Set<String>) {
        for (key, content) in expected {
            if let present = found[key] {
                if present == content { equal += 1 } else { different.append(key) }
            } else {
                missing.append(key)
            }
        }
        missing += anyContent.filter { found[$0] == nil }
        strange = found.keys.filter { expected[$0] == nil && !anyContent.contains($0) }
        missing.sort()
        strange.sort()
        different.sort()
    }
}
