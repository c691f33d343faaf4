public import Contracts
internal import Extraction
public import Foundation
public import ObjectStorage
internal import Records
internal import WorkerKit

/// Takes a subject's records out of the lake, or replaces terms in them, manifest by manifest.
///
/// 1. A reader that follows manifests sees a day as it was or as it becomes, never a mixture: new objects have new names, and
///    putting the manifest is the switch.
/// 2. Whatever moment it ends in, the next run brings it to its end or takes it back: what it is about is noted before.
/// 3. An object that a manifest names is never deleted, and all other records stay byte for byte.
/// 4. `_SUCCESS` follows the manifest before old objects go, and the completion of a new revision makes the monitor verify it.
public struct PrivacyRewrite: Sendable {
    /// The moments between which a crash is survived; tests end a run in each of them.
    enum Step: Sendable, CaseIterable {
        case noted
        case written
        case announcedSwitch
        case switched
        case tagged
        case removed
        case told
        case remembered
    }

    /// How a manifest's rewriting ended.
    public struct Done: Sendable, Hashable, Encodable {
        /// The manifest's key.
        public let manifest: String
        /// Its new revision.
        public let revision: Int
        /// Objects that were written anew or went.
        public let objects: Int
        /// Records that went or changed.
        public let records: Int
    }

    /// Which revision a manifest's next one is, and how it is told; the operator's tool asks `job.events`.
    public struct Announcer: Sendable {
        /// The new revision of a manifest.
        var revision: @Sendable (Manifest) -> Int
        /// Tells that a manifest has a new revision.
        var tell: @Sendable (Manifest, ObjectKey) async throws -> Void

        /// An announcer.
        public init(
            revision: @escaping @Sendable (Manifest) -> Int = { $0.revision + 1 },
            tell: @escaping @Sendable (Manifest, ObjectKey) async throws -> Void
        ) {
            self.revision = revision
            self.tell = tell
        }
    }

    private let store: any ObjectStore
    private let announcer: Announcer
    private let operatorName: String
    private let now: @Sendable () -> Date
    private let step: @Sendable (Step) throws -> Void

    /// A rewriting of a lake.
    ///
    /// - Parameter operatorName: who does it, for the notes.
    public init(
        store: any ObjectStore, announcer: Announcer, operatorName: String, now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.init(store: store, announcer: announcer, operatorName: operatorName, now: now) { _ in }
    }

    init(
        store: any ObjectStore, announcer: Announcer, operatorName: String, now: @escaping @Sendable () -> Date,
        step: @escaping @Sendable (Step) throws -> Void
    ) {
        self.store = store
        self.announcer = announcer
        self.operatorName = operatorName
        self.now = now
        self.step = step
    }

    // MARK: One manifest

    /// Rewrites the objects of a finding.
    ///
    /// - Throws: a ``PrivacyProblem`` when the manifest has changed since it was looked at; nothing is changed then.
    public func apply(_ finding: PrivacyFinding, _ subject: PrivacySubject) async throws -> Done {
        let matcher = PrivacyMatcher(subject)
        try await checkUnchanged(finding)
        let concerned = Set(finding.objects.map(\.key))
        let revision = announcer.revision(finding.manifest)
        let names = try await newNames(for: finding, revision: revision)
        var journal = PrivacyJournal(
            manifest: finding.key.text, revision: revision, obsolete: concerned.sorted(),
            created: names.values.sorted(), note: note(of: subject))
        let place = try ObjectKey(journal.key)
        try await store.put(place, bytes: try journal.encoded())
        try step(.noted)
        var objects: [Manifest.Object] = []
        var records = 0
        var removed: Set<String> = []
        for object in finding.manifest.objects {
            guard let name = names[object.key] else {
                objects.append(object)
                continue
            }
            let (new, changed) = try await rewrite(object, as: name, matcher, &removed)
            records += changed
            if let new { objects.append(new) }
        }
        try step(.written)
        var manifest = finding.manifest
        manifest.revision = journal.revision
        manifest.objects = objects.sorted { $0.key < $1.key }
        manifest.records = objects.reduce(0) { $0 + $1.records }
        manifest.bytes = objects.reduce(0) { $0 + $1.bytes }
        let bytes = manifest.encoded()
        journal.published = PrivacyDigest.text(bytes)
        journal.note.manifest = journal.manifest
        journal.note.revision = journal.revision
        journal.note.objects = concerned.count
        journal.note.records = records
        try await store.put(place, bytes: try journal.encoded())
        try step(.announcedSwitch)
        // Before the switch: afterwards nobody knows any more which conversations they were.
        if subject.action == .delete { try await PrivacyOpenLists(store: store).clean(removed, matcher) }
        do {
            try await ManifestSwitch(store: store, manifest: finding.key, revision: journal.revision, now: now).run {
                try await checkUnchanged(finding)
                try await checkPresent(manifest, among: names)
                try await store.put(finding.key, bytes: bytes, options: PutOptions(contentType: "application/json"))
            }
        } catch let error as PrivacyProblem {
            try await takeBack(journal)
            throw error
        } catch is OutputSuperseded {
            try await takeBack(journal)
            throw Self.hasChanged(finding.key)
        }
        try step(.switched)
        try await bringToEnd(journal, manifest)
        return Done(manifest: journal.manifest, revision: journal.revision, objects: concerned.count, records: records)
    }

    private func note(of subject: PrivacySubject) -> PrivacyNote {
        PrivacyNote(
            request: subject.request, conversations: subject.conversations.sorted(), action: subject.action.rawValue,
            by: operatorName, at: Timestamp.string(now()))
    }

    private func checkUnchanged(_ finding: PrivacyFinding) async throws {
        let bytes = try await store.head(finding.key) == nil ? [] : try await store.read(finding.key, upTo: Manifest.maximumBytes)
        guard bytes == finding.bytes else {
            throw Self.hasChanged(finding.key)
        }
    }

    private static func hasChanged(_ key: ObjectKey) -> PrivacyProblem {
        PrivacyProblem("\(key) has changed since it was looked at: a job ran; nothing was changed there, run the command again")
    }

    /// Checks that what was written is there still: it takes the place of what goes.
    private func checkPresent(_ manifest: Manifest, among names: [String: String]) async throws {
        let written = Set(names.values)
        for object in manifest.objects where written.contains(object.key) {
            guard try await store.head(try ObjectKey(object.key))?.size == object.bytes else {
                throw PrivacyProblem("\(object.key) is gone: somebody removed it; nothing was changed, run the command again")
            }
        }
    }

    /// Names for the new objects, behind all that there are: nobody reads or writes those.
    private func newNames(for finding: PrivacyFinding, revision: Int) async throws -> [String: String] {
        // Of the revision's own numbers: jobs of earlier revisions leave them alone.
        let before = JobOutput.numberBefore(revision: revision)
        let own = before..<before + JobOutput.numbersOfRevision
        var next: [String: UInt32] = [:]
        for object in finding.manifest.objects {
            guard let name = PrivacyObjectName(object.key) else { throw PrivacyProblem("\(object.key) has no number") }
            next[name.prefix] = max(next[name.prefix] ?? before, own.contains(name.number) ? name.number : before)
        }
        for prefix in next.keys.sorted() {
            for try await info in store.list(prefix: prefix) {
                guard let name = PrivacyObjectName(info.key.text), name.prefix == prefix, own.contains(name.number) else {
                    continue
                }
                next[prefix] = max(next[prefix] ?? before, name.number)
            }
        }
        var names: [String: String] = [:]
        for object in finding.objects {
            guard let name = PrivacyObjectName(object.key), let number = next[name.prefix], number < UInt32.max - 1 else {
                throw PrivacyProblem("\(object.key): there is no number left for its successor")
            }
            next[name.prefix] = number + 1
            names[object.key] = "\(name.prefix)\(number + 1).json"
        }
        return names
    }

    /// Writes an object without the subject's records, or with its terms replaced; no object when no record is left.
    private func rewrite(
        _ object: Manifest.Object, as name: String, _ matcher: PrivacyMatcher, _ removed: inout Set<String>
    ) async throws -> (object: Manifest.Object?, changed: Int) {
        let writer = PrivacyObjectWriter(store: store, key: try ObjectKey(name))
        do {
            let result = try await writer.copy(object, matcher)
            removed.formUnion(writer.removed)
            return result
        } catch {
            await writer.abandon()
            if let failure = error as? ExtractionFailure {
                throw PrivacyProblem("\(failure.description); nothing was changed there")
            }
            throw error
        }
    }

    // MARK: Bringing to an end

    /// What comes after the switch; each step may be done twice.
    private func bringToEnd(_ journal: PrivacyJournal, _ manifest: Manifest) async throws {
        try await rewriteTag(journal, manifest)
        try step(.tagged)
        let named = Set(manifest.objects.map(\.key))
        for key in journal.obsolete where !named.contains(key) { try await store.delete(try ObjectKey(key)) }
        try step(.removed)
        try await announcer.tell(manifest, try ObjectKey(journal.manifest))
        try step(.told)
        try await remember(journal.note)
        try step(.remembered)
        try await store.delete(try ObjectKey(journal.key))
    }

    /// Takes back what was written for a switch that didn't happen.
    private func takeBack(_ journal: PrivacyJournal) async throws {
        switch try await StoredManifest.read(try ObjectKey(journal.manifest), from: store) {
        case .readable(let manifest, _):
            // A job may have taken the same names since: then they are its own.
            let named = Set(manifest.objects.map(\.key))
            for key in journal.created where !named.contains(key) { try await store.delete(try ObjectKey(key)) }
        case .absent:
            // A job is writing the day anew, perhaps under these very names; what it doesn't name, it removes at its end.
            break
        case .damaged(let error): throw Self.unreadable(journal.manifest, error)
        }
        try await store.delete(try ObjectKey(journal.key))
    }

    /// Puts the new objects in the places of the old ones in the tag, if the day has one that names them.
    private func rewriteTag(_ journal: PrivacyJournal, _ manifest: Manifest) async throws {
        let folder = journal.manifest.prefix(upTo: journal.manifest.lastIndex(of: "/") ?? journal.manifest.startIndex)
        let key = try ObjectKey(LakeLayout.success(in: String(folder)))
        var tag: Manifest
        switch try await StoredManifest.read(key, from: store) {
        case .readable(let present, _): tag = present
        case .absent: return
        case .damaged(let error): throw Self.unreadable(key.text, error)
        }
        let gone = Set(journal.obsolete)
        guard tag.objects.contains(where: { gone.contains($0.key) }) else { return }
        let created = Set(journal.created)
        let known = Set(tag.objects.map(\.key))
        tag.objects.removeAll { gone.contains($0.key) }
        tag.objects += manifest.objects.filter { created.contains($0.key) && !known.contains($0.key) }
        tag.objects.sort { $0.key < $1.key }
        tag.records = tag.objects.reduce(0) { $0 + $1.records }
        tag.bytes = tag.objects.reduce(0) { $0 + $1.bytes }
        if tag.job == manifest.job { tag.revision = manifest.revision }
        try await store.put(key, bytes: tag.encoded(), options: PutOptions(contentType: "application/json"))
    }

    // MARK: Notes

    /// Notes the end of a whole run, so that a request is known as dealt with even when it concerned nothing.
    public func remember(_ subject: PrivacySubject, _ done: [Done]) async throws {
        var note = note(of: subject)
        note.objects = done.reduce(0) { $0 + $1.objects }
        note.records = done.reduce(0) { $0 + $1.records }
        try await remember(note)
    }

    private func remember(_ note: PrivacyNote) async throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(note)) + [UInt8(ascii: "\n")]
        let place = note.manifest.map { "\(PrivacyDigest.text(Array($0.utf8)).prefix(16)).\(note.revision ?? 0)" } ?? "whole"
        let instant = note.at.filter { $0 != "-" && $0 != ":" && $0 != "." }
        try await store.put(
            try ObjectKey("\(note.folder)\(instant).\(place).json"), bytes: bytes,
            options: PutOptions(contentType: "application/json"))
    }

    // MARK: What a former run left

    /// The manifests that rewritings of former runs are about which haven't come to their end.
    static func pendingManifests(in store: any ObjectStore) async throws -> [Manifest] {
        var manifests: [Manifest] = []
        for journal in try await journals(in: store) {
            switch try await StoredManifest.read(try ObjectKey(journal.manifest), from: store) {
            case .readable(let manifest, _): manifests.append(manifest)
            case .absent: continue
            case .damaged(let error): throw unreadable(journal.manifest, error)
            }
        }
        return manifests
    }

    /// Without knowing what a manifest names, nothing of its day is touched.
    private static func unreadable(_ key: String, _ error: ContractError) -> PrivacyProblem {
        PrivacyProblem("\(key) can't be followed (\(error.reason)): rerun its job with `switchboard jobs rerun`, then come back")
    }

    private static func journals(in store: any ObjectStore) async throws -> [PrivacyJournal] {
        var journals: [PrivacyJournal] = []
        for try await info in store.list(prefix: StateLayout.privacyPending) {
            let bytes = try await store.read(info.key, upTo: PrivacyJournal.maximumBytes)
            guard let journal = PrivacyJournal.decode(bytes), journal.key == info.key.text else {
                throw PrivacyProblem(
                    "\(info.key) can't be read: a newer switchboard wrote it, or it is damaged; look into it before anything else"
                )
            }
            journals.append(journal)
        }
        return journals
    }

    /// Brings what former runs left to its end, or takes it back.
    ///
    /// - Returns: the manifests whose rewriting was brought to its end.
    public func recover() async throws -> [Done] {
        var done: [Done] = []
        for journal in try await Self.journals(in: store) {
            let key = try ObjectKey(journal.manifest)
            let bytes = try await store.head(key) == nil ? [] : try await store.read(key, upTo: Manifest.maximumBytes)
            if let published = journal.published, PrivacyDigest.text(bytes) == published,
                case .success(let manifest) = Result(catching: { () throws(ContractError) in try Manifest.decode(bytes) })
            {
                // The very bytes that this tool wrote.
                try await bringToEnd(journal, manifest)
                done.append(
                    Done(
                        manifest: journal.manifest, revision: journal.revision, objects: journal.note.objects,
                        records: journal.note.records))
            } else {
                try await takeBack(journal)
            }
        }
        return done
    }
}
