internal import Contracts
internal import Crypto
public import Foundation
internal import Metrics
public import ObjectStorage

/// The moment in which a manifest takes the place of another one: only one at a time may look at what stands and put its own.
///
/// A small object beside the lake says who is at it. It is there for the time of two requests. A run that died in between is
/// recognised by its revision when it comes again; any other waits until the object is ``staleAfter`` old.
public struct ManifestSwitch: Sendable {
    /// How old the object of somebody who died must be before others pass over it.
    public static let staleAfter: TimeInterval = 60

    private let store: any ObjectStore
    private let manifest: ObjectKey
    private let revision: Int
    private let now: @Sendable () -> Date

    /// The switch of a manifest to a revision.
    public init(
        store: any ObjectStore, manifest: ObjectKey, revision: Int, now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.store = store
        self.manifest = manifest
        self.revision = revision
        self.now = now
    }

    /// Does the switching, alone.
    ///
    /// - Throws: ``OutputSuperseded`` when somebody else is at it, an `ObjectStorageError`, or what `body` throws.
    public func run(_ body: () async throws -> Void) async throws {
        let key = try Self.key(of: manifest)
        try await enter(key)
        do {
            try await body()
        } catch {
            await leave(key)
            throw error
        }
        await leave(key)
    }

    /// Where it is noted that a manifest is being switched.
    public static func key(of manifest: ObjectKey) throws(ObjectStorageError) -> ObjectKey {
        let digest = SHA256.hash(data: Array(manifest.text.utf8)).prefix(16)
        let name = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return try ObjectKey("\(StateLayout.switches)/\(name).json")
    }

    /// What the switching came to stands already: a note that can't be removed, as in a cancelled task, is counted and grows stale.
    private func leave(_ key: ObjectKey) async {
        do throws(ObjectStorageError) {
            try await store.delete(key)
        } catch {
            Counter(label: "worker_switch_notes_left_total").increment()
        }
    }

    private func enter(_ key: ObjectKey) async throws {
        let note =
            JSONValue.object(["manifest": .string(manifest.text), "revision": .integer(Int64(revision))])
            .encoded() ?? []
        for _ in 0..<2 {
            do throws(ObjectStorageError) {
                // Nobody waits for a disk: after a crash of the machine all runs begin anew.
                try await store.put(
                    key, bytes: note,
                    options: PutOptions(contentType: "application/json", ifAbsent: true, outlivesMachine: false))
                return
            } catch {
                guard error.kind == .alreadyExists else { throw error }
            }
            guard let there = try await store.head(key) else { continue }
            if try await isOwn(key, note) { return }
            let age = there.modified.map { now().timeIntervalSince($0) } ?? 0
            guard age > Self.staleAfter else { throw OutputSuperseded(isBusy: true, now: now()) }
            try await store.delete(key)
        }
        throw OutputSuperseded(isBusy: true, now: now())
    }

    private func isOwn(_ key: ObjectKey, _ note: [UInt8]) async throws(ObjectStorageError) -> Bool {
        do throws(ObjectStorageError) {
            return try await store.read(key, upTo: 64 << 10) == note
        } catch {
            guard error.kind == .notFound || error.kind == .tooLarge else { throw error }
            return false
        }
    }
}

/// Another run has published its result of the same job meanwhile, or is about to: this one begins anew on what is there then.
public struct OutputSuperseded: OutcomeError, Hashable, CustomStringConvertible {
    private let until: Date?

    /// Another run has published.
    public init() { until = nil }

    /// Another run is publishing right now.
    init(isBusy: Bool, now: Date) { until = now.addingTimeInterval(5) }

    /// The job is done again; while another run publishes that costs no attempt.
    public var outcome: Outcome {
        let failure = JobEvent.Failure(
            reason: "superseded", message: description, advice: "nothing to do; it is done again on what is there then")
        return until.map { .snooze(until: $0, failure) } ?? .retry(failure)
    }

    /// One line for people.
    public var description: String {
        until == nil
            ? "another run of this job has published its result meanwhile" : "another run of this job is publishing its result"
    }
}
