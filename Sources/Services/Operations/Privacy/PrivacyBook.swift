public import Contracts
internal import Extraction
internal import Foundation
public import ObjectStorage
internal import WorkerKit

/// The vendor's privacy requests as the lake has them, and what was done about them here.
public struct PrivacyBook: Sendable {
    /// A request without anything of the person it is about.
    public struct Entry: Sendable, Hashable, Encodable {
        /// The request's id.
        public let id: String
        /// `GDPR_DELETE`, `GDPR_UPDATE`, `GDPR_EXPORT`, or another word of the vendor's.
        public let type: String
        /// The vendor's word for how far it is.
        public let status: String
        /// When it was made.
        public let created: String?
        /// When it was last applied to this lake; nil when it wasn't.
        public var applied: String?
        /// Who applied it.
        public var by: String?
        /// Records that went or changed, all times together.
        public var records: Int?
    }

    private let store: any ObjectStore
    private let layout: LakeLayout

    /// The book of a lake.
    public init(store: any ObjectStore, layout: LakeLayout) {
        self.store = store
        self.layout = layout
    }

    /// All requests of the latest snapshots, by when they were made.
    ///
    /// - Parameters:
    ///   - dataset: the snapshots' data set.
    ///   - source: only those of this vendor account.
    /// - Returns: the requests, and the business day of the latest snapshot; nil when there is none.
    public func entries(
        dataset: String = PrivacyScope.requests, source: String? = nil
    ) async throws -> (entries: [Entry], day: String?) {
        var entries: [String: Entry] = [:]
        let manifests = try await snapshots(dataset, source)
        try await read(manifests) { record, _ in
            guard let id = record["id"]?.string, PrivacyText.isIdentifier(id) else { return }
            func word(_ key: String) -> String {
                record[key]?.string.flatMap { PrivacyText.isIdentifier($0) ? $0 : nil } ?? "UNKNOWN"
            }
            let created = record["createdDate"]?.string.flatMap { Timestamp.date($0) }.map { Timestamp.string($0) }
            entries[id] = Entry(id: id, type: word("requestType"), status: word("status"), created: created)
        }
        for try await info in store.list(prefix: StateLayout.privacyApplied) where info.key.segments.count > 3 {
            let id = String(info.key.segments[info.key.segments.count - 2])
            guard var entry = entries[id] else { continue }
            let bytes = try await store.read(info.key, upTo: PrivacyNote.maximumBytes)
            let note: PrivacyNote
            do {
                note = try JSONDecoder().decode(PrivacyNote.self, from: Data(bytes))
            } catch {
                throw PrivacyProblem(
                    "\(info.key) can't be read: a newer switchboard wrote it, or it is damaged; look into it, then remove it")
            }
            // The notes of single manifests count; that of the whole run says that it came to its end.
            if note.manifest != nil {
                entry.records = (entry.records ?? 0) + note.records
            } else if entry.applied.map({ $0 < note.at }) ?? true {
                entry.applied = note.at
                entry.by = note.by
                entry.records = entry.records ?? 0
            }
            entries[id] = entry
        }
        return (
            entries.values.sorted { ($0.created ?? "", $0.id) < ($1.created ?? "", $1.id) }, manifests.compactMap(\.day).max()
        )
    }

    /// The subject of a request, and the vendor account that it was made in.
    ///
    /// - Throws: a ``PrivacyProblem`` when no snapshot has the request, or nobody knows what it asks for.
    public func subject(
        of id: String, dataset: String = PrivacyScope.requests, source: String? = nil
    ) async throws -> (subject: PrivacySubject, source: String) {
        var found: (record: JSONValue, source: String)?
        let manifests = try await snapshots(dataset, source)
        guard !manifests.isEmpty else {
            throw PrivacyProblem(
                "the lake has no data set \(dataset): a schedule of the task gdpr-requests brings the requests into it")
        }
        let unreadable = try await read(manifests) { record, source in
            if record["id"]?.string == id { found = (record, source) }
        }
        guard let found else {
            if unreadable > 0 {
                throw PrivacyProblem(
                    "no request \(TerminalText.escaped(id, limit: 64)) among those of the latest snapshot that can be read; "
                        + "\(unreadable) can't: look at them in the lake")
            }
            throw PrivacyProblem(
                "no request \(TerminalText.escaped(id, limit: 64)) in the latest snapshot; `switchboard gdpr list` shows what there is"
            )
        }
        guard let subject = PrivacySubject(found.record) else {
            throw PrivacyProblem(
                "request \(TerminalText.escaped(id, limit: 64)) is of a type that this switchboard doesn't know: nothing was changed"
            )
        }
        return (subject, found.source)
    }

    /// The latest manifests of each source: those of its last business day, each job's.
    private func snapshots(_ dataset: String, _ source: String?) async throws -> [Manifest] {
        var latest: [String: (day: String, manifests: [Manifest])] = [:]
        let template = layout.dayFolder.replacing("{dataset}", with: dataset)
        for try await info in store.list(prefix: String(template.prefix { $0 != "{" })) where PrivacyScan.isManifest(info.key) {
            let manifest: Manifest
            switch try await StoredManifest.read(info.key, from: store) {
            case .readable(let found, _): manifest = found
            case .absent: continue
            case .damaged(let error):
                // Were it passed over, an older snapshot would speak for all requests.
                guard info.key.text.contains("/\(dataset)/") else { continue }
                throw PrivacyProblem(
                    "\(info.key) can't be followed (\(error.reason)); run the snapshot's job again with `switchboard jobs rerun`")
            }
            guard manifest.dataset == dataset, let day = manifest.day, source.map({ $0 == manifest.source }) ?? true else {
                continue
            }
            if let known = latest[manifest.source], known.day > day { continue }
            if latest[manifest.source]?.day == day {
                latest[manifest.source]?.manifests.append(manifest)
            } else {
                latest[manifest.source] = (day, [manifest])
            }
        }
        return latest.sorted { $0.key < $1.key }.flatMap(\.value.manifests)
    }

    /// Reads the requests; how many of them can't be read.
    @discardableResult
    private func read(_ manifests: [Manifest], _ body: (JSONValue, _ source: String) -> Void) async throws -> Int {
        let records = ManifestRecords(store: store, maximumLineBytes: 16 << 20)
        var unreadable = 0
        for (object, source) in manifests.flatMap({ manifest in manifest.objects.map { ($0, manifest.source) } }) {
            do {
                try await records.read(object) { line in
                    do throws(ContractError) {
                        body(try JSONValue.decode(Array(line), upTo: 16 << 20), source)
                    } catch {
                        unreadable += 1
                    }
                }
            } catch let failure as ExtractionFailure {
                throw PrivacyProblem("\(failure.description); run the snapshot's job again with `switchboard jobs rerun`")
            }
        }
        return unreadable
    }
}
