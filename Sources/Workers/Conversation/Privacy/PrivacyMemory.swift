internal import Contracts
internal import Crypto
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import ObjectStorage

/// Which privacy requests were told, in which state, and by which job: a small object beside the lake's data.
struct PrivacyMemory: Sendable {
    private struct Entry: Sendable, Hashable {
        /// A digest of what was told.
        let digest: String
        /// The job and revision that tells it.
        let by: String
    }

    private let key: ObjectKey
    private var entries: [String: Entry]
    private static let maximumBytes = 64 << 20

    /// What is known of a source's requests; nothing when the object is no longer readable: then all are told once more.
    static func load(source: String, from store: any ObjectStore) async throws(ObjectStorageError) -> PrivacyMemory {
        let key = try ObjectKey(StateLayout.privacyMemory(source: source))
        guard try await store.head(key) != nil else { return PrivacyMemory(key: key, entries: [:]) }
        let bytes = try await store.read(key, upTo: maximumBytes)
        var entries: [String: Entry] = [:]
        if let value = try? JSONValue.decode(bytes, upTo: maximumBytes), case .object(let requests)? = value["requests"] {
            for (id, entry) in requests {
                if let digest = entry["digest"]?.string, let by = entry["by"]?.string {
                    entries[id] = Entry(digest: digest, by: by)
                }
            }
        }
        return PrivacyMemory(key: key, entries: entries)
    }

    /// Notes who tells of what is new or has changed.
    mutating func note(_ requests: [PrivacyRequest], toldBy job: Job, limit: Int) {
        let by = Self.mark(job)
        var count = requests.count { isTold($0, by: job) }
        for request in requests where !knows(request) && count < limit {
            entries[request.id] = Entry(digest: Self.digest(request), by: by)
            count += 1
        }
    }

    /// Forgets what the vendor no longer lists.
    mutating func forget(allBut ids: [String]) {
        let ids = Set(ids)
        entries = entries.filter { ids.contains($0.key) }
    }

    /// Whether somebody tells, or told, of a request in its present state.
    func knows(_ request: PrivacyRequest) -> Bool { entries[request.id]?.digest == Self.digest(request) }

    /// Whether this job is the one that tells of it.
    func isTold(_ request: PrivacyRequest, by job: Job) -> Bool {
        entries[request.id] == Entry(digest: Self.digest(request), by: Self.mark(job))
    }

    func save(to store: any ObjectStore) async throws(ObjectStorageError) {
        let requests = entries.mapValues { JSONValue.object(["digest": .string($0.digest), "by": .string($0.by)]) }
        let value = JSONValue.object(["version": .integer(1), "requests": .object(requests)])
        try await store.put(key, bytes: value.encoded() ?? [], options: PutOptions(contentType: "application/json"))
    }

    private static func mark(_ job: Job) -> String { "\(job.id).\(job.revision)" }

    private static func digest(_ request: PrivacyRequest) -> String {
        let text = request.facts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
        return SHA256.hash(data: Array(text.utf8)).text
    }
}
