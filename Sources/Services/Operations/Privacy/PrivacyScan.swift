public import Contracts
internal import Extraction
internal import Foundation
public import ObjectStorage
internal import WorkerKit

/// Which manifests of the lake are looked at.
public struct PrivacyScope: Sendable, Hashable {
    /// The data sets; empty for all but the privacy requests themselves.
    public var datasets: Set<String> = []
    /// The vendor account whose data are looked at; nil for all.
    public var source: String?
    /// The first business day, `yyyy-MM-dd`.
    public var from: String?
    /// The last one.
    public var to: String?

    /// Everything.
    public init() {}

    /// The data set of the requests; it names the people, so it is looked at only when it is asked for.
    public static let requests = "gdpr_requests"

    func includes(_ manifest: Manifest) -> Bool {
        guard datasets.isEmpty ? manifest.dataset != Self.requests : datasets.contains(manifest.dataset) else { return false }
        guard source.map({ $0 == manifest.source }) ?? true else { return false }
        guard let day = manifest.day else { return from == nil && to == nil }
        return (from.map { $0 <= day } ?? true) && (to.map { day <= $0 } ?? true)
    }
}

/// What of one object is concerned.
public struct PrivacyObject: Sendable, Hashable, Encodable {
    /// The object's key.
    public let key: String
    /// Its records.
    public let records: Int
    /// How many of them are the subject's.
    public let concerned: Int
    /// The ids of some of these.
    public let ids: [String]
}

/// What of one manifest's objects is concerned.
public struct PrivacyFinding: Sendable {
    /// The manifest's key.
    public let key: ObjectKey
    /// The manifest.
    public let manifest: Manifest
    /// The objects with concerned records.
    public let objects: [PrivacyObject]
    /// The manifest's bytes as they were read.
    let bytes: [UInt8]

    /// How many records are concerned.
    public var concerned: Int { objects.reduce(0) { $0 + $1.concerned } }
}

/// What looking through the lake showed.
public struct PrivacyPlan: Sendable {
    /// The manifests with concerned records, in order of their keys.
    public internal(set) var findings: [PrivacyFinding] = []
    /// Manifests that were looked at.
    public internal(set) var manifests = 0
    /// Records that were looked at.
    public internal(set) var records = 0
    /// Manifests that can't be changed, with the reason: they are not where they belong, or can't be read.
    public internal(set) var unfit: [String] = []

    /// How many records are concerned.
    public var concerned: Int { findings.reduce(0) { $0 + $1.concerned } }
}

/// Looks through the lake for a subject's records, by manifests: objects that no manifest names are nobody's.
public struct PrivacyScan: Sendable {
    private let store: any ObjectStore
    private let layout: LakeLayout
    private let records: ManifestRecords
    private let progress: @Sendable (_ manifests: Int, _ records: Int) -> Void

    /// The most ids that are shown of an object.
    static let shownIDs = 20

    /// A look at a lake.
    public init(
        store: any ObjectStore, layout: LakeLayout,
        progress: @escaping @Sendable (_ manifests: Int, _ records: Int) -> Void = { _, _ in }
    ) {
        self.store = store
        self.layout = layout
        self.progress = progress
        records = ManifestRecords(store: store)
    }

    /// Finds the records of a subject. Nothing is changed.
    ///
    /// - Throws: an `ObjectStorageError`, or `PrivacyProblem` when an object isn't what its manifest says.
    public func plan(_ subject: PrivacySubject, in scope: PrivacyScope) async throws -> PrivacyPlan {
        let matcher = PrivacyMatcher(subject)
        var plan = PrivacyPlan()
        for prefix in prefixes(scope) {
            for try await info in store.list(prefix: prefix) where Self.isManifest(info.key) {
                try Task.checkCancellation()
                guard info.size <= Manifest.maximumBytes else {
                    plan.unfit.append("\(info.key): larger than \(Manifest.maximumBytes) bytes")
                    continue
                }
                let manifest: Manifest
                let bytes: [UInt8]
                switch try await StoredManifest.read(info.key, from: store) {
                case .readable(let found, let itsBytes): (manifest, bytes) = (found, itsBytes)
                case .absent: continue
                case .damaged(let error):
                    plan.unfit.append("\(info.key): no manifest (\(error.reason))")
                    continue
                }
                guard scope.includes(manifest) else { continue }
                if let problem = problem(with: manifest, at: info.key) {
                    plan.unfit.append("\(info.key): \(problem)")
                    continue
                }
                plan.manifests += 1
                let objects = try await look(through: manifest, matcher, &plan)
                if !objects.isEmpty {
                    plan.findings.append(PrivacyFinding(key: info.key, manifest: manifest, objects: objects, bytes: bytes))
                }
                progress(plan.manifests, plan.records)
            }
        }
        return plan
    }

    private func look(
        through manifest: Manifest, _ matcher: PrivacyMatcher, _ plan: inout PrivacyPlan
    ) async throws -> [PrivacyObject] {
        var found: [PrivacyObject] = []
        for object in manifest.objects {
            try Task.checkCancellation()
            var concerned = 0
            var ids: [String] = []
            do {
                try await records.read(object) { line in
                    guard matcher.verdict(line) != .keep else { return }
                    concerned += 1
                    if ids.count < Self.shownIDs, let id = PrivacyMatcher.shown(line) { ids.append(id) }
                }
            } catch let failure as ExtractionFailure {
                throw PrivacyProblem(
                    "\(failure.description); nothing was changed: mend the day first with `switchboard jobs rerun`")
            }
            plan.records += object.records
            if concerned > 0 {
                found.append(PrivacyObject(key: object.key, records: object.records, concerned: concerned, ids: ids))
            }
        }
        return found
    }

    // MARK: Manifests

    /// What the keys of the scope's manifests begin with, as far as the layout says it.
    private func prefixes(_ scope: PrivacyScope) -> [String] {
        let template = layout.dayFolder
        guard let dataset = template.firstRange(of: "{dataset}"), !scope.datasets.isEmpty,
            !template[..<dataset.lowerBound].contains("{")
        else { return [String(template.prefix { $0 != "{" })] }
        let rest = template[dataset.upperBound...].prefix { $0 != "{" }
        return scope.datasets.sorted().map { "\(template[..<dataset.lowerBound])\($0)\(rest)" }
    }

    static func isManifest(_ key: ObjectKey) -> Bool {
        guard let name = key.segments.last, key.segments.first != Substring(StateLayout.root) else { return false }
        return name.hasPrefix("_manifest.") && name.hasSuffix(".json")
    }

    /// Why a manifest can't be trusted with changes; nil when it is where it belongs and names what lies beside it.
    private func problem(with manifest: Manifest, at key: ObjectKey) -> String? {
        let folder = key.segments.dropLast().joined(separator: "/")
        if let day = manifest.day, layout.folder(source: manifest.source, dataset: manifest.dataset, day: day) != folder {
            return "it isn't in the folder of its day; is lake.day-folder that of the workers?"
        }
        guard key.text == LakeLayout.manifest(of: manifest.job, in: folder) else { return "it isn't called by its job" }
        for object in manifest.objects where PrivacyObjectName(object.key)?.folder != folder {
            return "it names \(object.key), which is none of its numbered objects"
        }
        return nil
    }
}

/// Why something can't be done: one line.
public struct PrivacyProblem: Error, Sendable, CustomStringConvertible {
    /// What is wrong and what to do.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// The name of a job's object: `<folder>/<prefix>_<number>.json`.
struct PrivacyObjectName: Sendable, Hashable {
    let folder: String
    /// The key up to the number.
    let prefix: String
    let number: UInt32

    init?(_ key: String) {
        guard (try? ObjectKey(key)) != nil, key.hasSuffix(".json"), let slash = key.lastIndex(of: "/"),
            let mark = key.lastIndex(of: "_"), mark > slash, let number = UInt32(key[key.index(after: mark)...].dropLast(5))
        else { return nil }
        folder = String(key[..<slash])
        prefix = String(key[...mark])
        self.number = number
    }
}
