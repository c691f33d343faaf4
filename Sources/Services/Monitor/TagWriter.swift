internal import Contracts
internal import Crypto
internal import Foundation
internal import ObjectStorage

/// Writes a day's tag: `_SUCCESS` with its manifest or `_FAILURE` with the reason, never both.
///
/// What is written follows from the events alone, so writing it again changes nothing.
struct TagWriter: Sendable {
    private let store: any ObjectStore
    private let layout: LakeLayout
    private let readsObjects: Bool

    /// - Parameter readsObjects: whether objects are read and hashed, or only their sizes compared.
    init(store: any ObjectStore, layout: LakeLayout, readsObjects: Bool) {
        self.store = store
        self.layout = layout
        self.readsObjects = readsObjects
    }

    /// Why a day's manifests are not what the lake holds.
    struct Mismatch: Error {
        let failure: JobEvent.Failure
    }

    /// The content of `_FAILURE`.
    private struct FailureTag: Encodable {
        let version = Message.version
        let source: String
        let dataset: String
        let day: String
        let since: String
        let reason: String
        let message: String
        let advice: String?
    }

    /// Verifies the manifests and writes `_SUCCESS`.
    ///
    /// - Parameter keepsEarlier: whether objects that an earlier `_SUCCESS` names, and that are still there, belong to the day
    ///   too: for a day of which only a part was rerun long after everything else about it was forgotten.
    /// - Throws: `Mismatch` when an object is not what its manifest says; an `ObjectStorageError` when the lake can't be used.
    func succeed(_ key: DayKey, manifests keys: [String], keepsEarlier: Bool = false) async throws {
        guard !keys.isEmpty else {
            throw Mismatch(
                failure: JobEvent.Failure(
                    reason: "no-manifest", message: "the jobs of the day named no manifest",
                    advice: "rerun them with a present worker"))
        }
        var manifests: [Manifest] = []
        var contents: [[UInt8]] = []
        for name in keys {
            let (manifest, bytes) = try await read(name)
            guard manifest.source == key.source, manifest.dataset == key.dataset, manifest.day == key.day else {
                throw Self.mismatch("manifest \(name) is that of another source, data set or day")
            }
            for object in manifest.objects { try await verify(object, of: name) }
            manifests.append(manifest)
            contents.append(bytes)
        }
        if keepsEarlier, let earlier = try await earlier(key, without: manifests) { manifests.append(earlier) }
        let content = manifests.count == 1 ? contents.first : Manifest(merging: manifests)?.encoded()
        let folder = folder(key)
        // A reader never sees both: what is no longer so goes first.
        try await store.delete(ObjectKey(LakeLayout.failure(in: folder)))
        try await store.put(
            ObjectKey(LakeLayout.success(in: folder)), bytes: content ?? [], options: PutOptions(contentType: "application/json"))
    }

    /// Whether the day's `_SUCCESS` is there and says no less than these manifests.
    ///
    /// - Throws: an `ObjectStorageError` when the lake can't be used.
    func says(_ key: DayKey, manifests keys: [String]) async throws -> Bool {
        let tag = LakeLayout.success(in: folder(key))
        guard try await store.head(ObjectKey(tag)) != nil else { return false }
        do {
            let said = Set(try await read(tag).0.objects)
            for name in keys { guard said.isSuperset(of: try await read(name).0.objects) else { return false } }
            return true
        } catch is Mismatch {
            // Which of them it is, and what that means, is found out and told by whoever writes the tag anew.
            return false
        }
    }

    /// What an earlier `_SUCCESS` names besides these manifests, as far as it is still there: a rerun removes what it replaces.
    private func earlier(_ key: DayKey, without manifests: [Manifest]) async throws -> Manifest? {
        let tag = LakeLayout.success(in: folder(key))
        guard try await store.head(ObjectKey(tag)) != nil else { return nil }
        var (earlier, _) = try await read(tag)
        let known = Set(manifests.flatMap(\.objects).map(\.key))
        var kept: [Manifest.Object] = []
        for object in earlier.objects where !known.contains(object.key) {
            guard let place = try? ObjectKey(object.key), try await store.head(place) != nil else { continue }
            try await verify(object, of: tag)
            kept.append(object)
        }
        guard !kept.isEmpty else { return nil }
        earlier.objects = kept
        earlier.records = kept.reduce(0) { $0 + $1.records }
        earlier.bytes = kept.reduce(0) { $0 + $1.bytes }
        return earlier
    }

    /// Writes `_FAILURE`.
    func fail(_ key: DayKey, _ failure: JobEvent.Failure, since: Date) async throws {
        let folder = folder(key)
        let tag = FailureTag(
            source: key.source, dataset: key.dataset, day: key.day, since: Timestamp.string(since), reason: failure.reason,
            message: failure.message, advice: failure.advice)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let content = Array(try encoder.encode(tag)) + [UInt8(ascii: "\n")]
        try await store.delete(ObjectKey(LakeLayout.success(in: folder)))
        try await store.put(
            ObjectKey(LakeLayout.failure(in: folder)), bytes: content, options: PutOptions(contentType: "application/json"))
    }

    /// Takes both tags back: the day is worked on again.
    func reopen(_ key: DayKey) async throws {
        let folder = folder(key)
        try await store.delete(ObjectKey(LakeLayout.success(in: folder)))
        try await store.delete(ObjectKey(LakeLayout.failure(in: folder)))
    }

    func folder(_ key: DayKey) -> String { layout.folder(source: key.source, dataset: key.dataset, day: key.day) }

    // MARK: Verifying

    private func read(_ name: String) async throws -> (Manifest, [UInt8]) {
        let bytes: [UInt8]
        do throws(ObjectStorageError) {
            bytes = try await store.read(ObjectKey(name), upTo: Manifest.maximumBytes)
        } catch {
            switch error.kind {
            case .notFound: throw Self.mismatch("manifest \(name) does not exist")
            // Waiting mends neither: names come from messages.
            case .invalidKey: throw Self.mismatch("a manifest's name can't be one: \(error.message)")
            case .tooLarge: throw Self.mismatch("manifest \(name) is larger than \(Manifest.maximumBytes) bytes")
            default: throw error
            }
        }
        do throws(ContractError) {
            return (try Manifest.decode(bytes), bytes)
        } catch {
            throw Self.mismatch("manifest \(name) can't be read: \(error)")
        }
    }

    private func verify(_ object: Manifest.Object, of manifest: String) async throws {
        let key: ObjectKey
        do throws(ObjectStorageError) {
            key = try ObjectKey(object.key)
        } catch {
            throw Self.mismatch("\(manifest) names an object that can't exist: \(error.message)")
        }
        guard let info = try await store.head(key) else {
            throw Self.mismatch("\(object.key) is named by \(manifest) and does not exist")
        }
        guard info.size == object.bytes else {
            throw Self.mismatch("\(object.key) has \(info.size) bytes, its manifest says \(object.bytes)")
        }
        guard readsObjects else { return }
        var hash = SHA256()
        for try await chunk in try await store.get(key) { chunk.withUnsafeBytes { hash.update(bufferPointer: $0) } }
        let found = hash.finalize().map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
        guard found == object.sha256 else {
            throw Self.mismatch("\(object.key) is not what its manifest says: its SHA-256 is \(found)")
        }
    }

    private static func mismatch(_ message: String) -> Mismatch {
        Mismatch(
            failure: JobEvent.Failure(
                reason: "manifest-mismatch", message: message,
                advice: "rerun the day: something changed the lake besides its jobs"))
    }
}
