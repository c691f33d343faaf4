public import Contracts
public import ObjectStorage

/// What a job leaves in the lake: its objects, and its manifest as the last write.
///
/// 1. A rerun writes beside what is there; its manifest takes the place of the former one, and only then the former objects go. A
///    reader that follows manifests sees the old result or the new one, never a mixture.
/// 2. After the manifest, objects of the job that it doesn't name are removed: a rerun that yields fewer leaves none behind.
/// 3. Two runs of one job that wait in different topics may meet in two workers. Each revision has object numbers of its own, so
///    neither writes over the other's; a run removes nothing of later revisions; and of two that began from the same manifest one
///    publishes, the other is told that it was superseded (``OutputSuperseded``) and begins anew on what the first one left.
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

    /// The manifest of this revision or a later one: the job is done. What a run before had no time to remove is removed.
    public func present() async throws(ObjectStorageError) -> Manifest? {
        guard let found = try await find(), found.isCurrent else { return nil }
        try await removeOthers(than: found.manifest.objects)
        return found.manifest
    }

    /// Takes everything back: the manifest first, then the objects. For a job whose result others will write.
    public func discard() async throws(ObjectStorageError) {
        try checkCancellation()
        try await store.delete(manifestKey)
        try await removeOthers(than: [])
    }

    /// How many object numbers a revision has.
    public static let numbersOfRevision: UInt32 = 100_000

    /// The numbers that a revision gives to objects come behind this one.
    public static func numberBefore(revision: Int) -> UInt32 {
        // A lake that outlives 40,000 corrections of one day begins again at the first numbers.
        UInt32(max(0, revision) % 40_000) * numbersOfRevision
    }

    /// The first number that this run may give to an object: of its revision's own, behind those that a manifest names.
    public func firstFreeNumber(after manifest: Manifest?) -> UInt32 {
        let before = Self.numberBefore(revision: job.revision)
        let taken = (manifest?.objects ?? []).compactMap { number(of: $0.key) }
            .filter { $0 > before && $0 - before < Self.numbersOfRevision }
        return (taken.max() ?? before) + 1
    }

    /// Publishes the result: the manifest, then the removal of what it doesn't name.
    ///
    /// - Parameter former: the manifest that the run began from; nil when there was none.
    /// - Throws: ``OutputSuperseded`` when another run has published meanwhile, or an `ObjectStorageError`.
    @discardableResult
    public func publish(_ objects: [Manifest.Object], after former: Manifest?) async throws -> Manifest {
        try checkCancellation()
        let manifest = Manifest(of: job, objects: objects)
        try await ManifestSwitch(store: store, manifest: manifestKey, revision: job.revision).run {
            guard try await find()?.manifest.revision == former?.revision else { throw OutputSuperseded() }
            try checkCancellation()
            try await store.put(manifestKey, bytes: manifest.encoded(), options: PutOptions(contentType: "application/json"))
        }
        try await removeOthers(than: manifest.objects)
        return manifest
    }

    /// Removes objects that are named like the job's own, a number after the prefix, and that the manifest doesn't name.
    ///
    /// Those of later revisions stay: a correction that hasn't published yet may be writing them.
    private func removeOthers(than objects: [Manifest.Object]) async throws(ObjectStorageError) {
        let named = Set(objects.map(\.key))
        let end = UInt64(Self.numberBefore(revision: job.revision)) + UInt64(Self.numbersOfRevision)
        var others: [ObjectKey] = []
        for try await object in store.list(prefix: prefix) where !named.contains(object.key.text) {
            if let number = number(of: object.key.text), UInt64(number) <= end { others.append(object.key) }
        }
        for key in others {
            try checkCancellation()
            try await store.delete(key)
        }
    }

    /// The number of an object of this job; nil for anything but the prefix, a number and `.json`: other jobs' prefixes may begin
    /// like ours.
    private func number(of key: String) -> UInt32? {
        guard key.hasPrefix(prefix), key.hasSuffix(".json"), key.utf8.count > prefix.utf8.count + 5 else { return nil }
        let digits = key.dropFirst(prefix.count).dropLast(5)
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return UInt32(digits)
    }

    /// A run that was handed back writes and deletes nothing more: its successor may be at it.
    private func checkCancellation() throws(ObjectStorageError) {
        guard Task.isCancelled else { return }
        throw ObjectStorageError(.cancelled, store: store.location, key: manifestKey.text, message: "the job was cancelled")
    }
}
