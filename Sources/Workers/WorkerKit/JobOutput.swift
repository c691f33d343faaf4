public import Contracts
public import ObjectStorage

/// What a job leaves in the lake: its objects, and its manifest as the last write.
///
/// 1. While a rerun writes, the former manifest is gone: a reader that follows manifests sees the old result, none, or the
///    new one, never a mixture.
/// 2. After the manifest, objects of the job that it doesn't name are removed: a rerun that yields fewer leaves none behind.
public struct JobOutput: Sendable {
    /// The manifest's key.
    public let manifestKey: ObjectKey

    private let store: any ObjectStore
    private let job: Job
    private let prefix: String

    /// The output of a job.
    ///
    /// - Parameters:
    ///   - folder: the folder of the manifest.
    ///   - prefix: what the keys of all the job's objects begin with, and no other job's.
    /// - Throws: an `ObjectStorageError` when the folder can't be part of a key.
    public init(store: any ObjectStore, job: Job, folder: String, prefix: String) throws(ObjectStorageError) {
        self.store = store
        self.job = job
        self.prefix = prefix
        manifestKey = try ObjectKey(LakeLayout.manifest(of: job.id, in: folder))
    }

    /// A manifest that is in the lake.
    public struct Found: Sendable {
        /// The manifest.
        public let manifest: Manifest
        /// Whether it is this revision's or a later one's: the job is done.
        public let isCurrent: Bool
    }

    /// The job's manifest of whatever revision, untouched; nil when there is none, or none that a reader could follow.
    ///
    /// A run that corrects what is there reads it, writes new objects under numbers that it doesn't name, and publishes: readers
    /// see the old result until the moment in which they see the new one.
    public func find() async throws(ObjectStorageError) -> Found? {
        guard let manifest = try await StoredManifest.read(manifestKey, from: store).manifest, manifest.job == job.id else {
            return nil
        }
        return Found(manifest: manifest, isCurrent: manifest.revision >= job.revision)
    }

    /// The manifest of this revision, when a run before finished its writing; anything older is taken back.
    public func present() async throws(ObjectStorageError) -> Manifest? {
        if let found = try await find(), found.isCurrent {
            try await removeOthers(than: found.manifest.objects)
            return found.manifest
        }
        // Of an older revision, or nothing that a reader could follow.
        try await store.delete(manifestKey)
        return nil
    }

    /// Takes everything back: the manifest first, then the objects. For a job whose result others will write.
    public func discard() async throws(ObjectStorageError) {
        try checkCancellation()
        try await store.delete(manifestKey)
        try await removeOthers(than: [])
    }

    /// The first number that no object of a manifest has, nor one behind it.
    public func firstFreeNumber(after manifest: Manifest?) -> UInt32 {
        var highest: UInt32 = 0
        for object in manifest?.objects ?? [] where isOwn(object.key) {
            highest = max(highest, UInt32(object.key.dropFirst(prefix.count).dropLast(5)) ?? 0)
        }
        return highest + 1
    }

    /// Publishes the result: the manifest, then the removal of what it doesn't name.
    @discardableResult
    public func publish(_ objects: [Manifest.Object]) async throws(ObjectStorageError) -> Manifest {
        try checkCancellation()
        let manifest = Manifest(of: job, objects: objects)
        try await store.put(manifestKey, bytes: manifest.encoded(), options: PutOptions(contentType: "application/json"))
        try await removeOthers(than: manifest.objects)
        return manifest
    }

    /// Removes objects that are named like the job's own, a number after the prefix, and that the manifest doesn't name.
    private func removeOthers(than objects: [Manifest.Object]) async throws(ObjectStorageError) {
        let named = Set(objects.map(\.key))
        var others: [ObjectKey] = []
        for try await object in store.list(prefix: prefix) where isOwn(object.key.text) && !named.contains(object.key.text) {
            others.append(object.key)
        }
        for key in others {
            try checkCancellation()
            try await store.delete(key)
        }
    }

    /// Whether a key is the prefix, a number and `.json`: other jobs' prefixes may begin like ours.
    private func isOwn(_ key: String) -> Bool {
        guard key.hasPrefix(prefix), key.hasSuffix(".json") else { return false }
        let number = key.dropFirst(prefix.count).dropLast(5)
        return !number.isEmpty && number.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// A run that was handed back writes and deletes nothing more: its successor may be at it.
    private func checkCancellation() throws(ObjectStorageError) {
        guard Task.isCancelled else { return }
        throw ObjectStorageError(.cancelled, store: store.location, key: manifestKey.text, message: "the job was cancelled")
    }
}
