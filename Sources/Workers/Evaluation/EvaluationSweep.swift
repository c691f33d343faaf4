internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// `task: sweep`: compares what the vendor has of the days before with what the lake has, and asks for runs that correct the days
/// that differ.
///
/// An evaluation is released, disputed or scored again weeks after its day was extracted, and no query of the vendor's finds
/// changes. So everything of a trailing window is listed again, which costs a page for a hundred evaluations.
struct EvaluationSweep: Sendable {
    let work: EvaluationWork

    /// What the lake has of an evaluation, whatever its versions.
    private struct Latest {
        var changedAt: Int64
        var status: String
        var isReleased: Bool
    }

    private struct Lake {
        var manifests: [Manifest] = []
        /// Versions and their signatures.
        var versions = RecordIndex()
        var latest: [RecordIdentity: Latest] = [:]

        /// The manifest of the day that a moment belongs to.
        func manifest(at time: Int64) -> Manifest? {
            manifests.first { manifest in
                manifest.interval.map { $0.start.milliseconds <= time && time < $0.end.milliseconds } ?? false
            }
        }
    }

    private struct Findings {
        /// By job, what has changed.
        var changes: [String: Set<EvaluationRequest.Reference>] = [:]
        var seen: Set<RecordIdentity> = []
        var listings = ListingFigures()
        var asked: Set<String> = []
        var refused: Set<String> = []
        /// Changed evaluations of days that the lake doesn't have.
        var uncovered = 0
        var mentions = 0
        var mentionPages = 0
        var pointReads = 0
        var halved = 0
    }

    func run() async throws -> JobResult {
        let end = work.request.range.endMilliseconds
        let start = end - Int64(work.configuration.sweepDays) * 86_400_000
        guard let window = QueryInterval(startMilliseconds: start, endMilliseconds: end) else {
            throw EvaluationRequest.refused("the interval can't be swept", "correct the job's interval")
        }
        let lake = try await load(window)
        var findings = Findings()
        if work.configuration.discovery.contains(.evaluators) {
            let found = try await EvaluatorDirectory(work: work).load()
            findings.listings += found.figures
            try await list(found.evaluators, window, lake, &findings)
        }
        if work.configuration.discovery.contains(.conversations) { try await search(window, lake, &findings) }
        let successors = lake.manifests.compactMap { manifest in
            findings.changes[manifest.job].map { rerun(manifest, $0) }
        }
        // The tag of a sweep says that it was done; its result is what it asks for.
        try await work.output.publish([], after: try await work.output.find()?.manifest)
        return JobResult(
            manifest: work.output.manifestKey.text,
            figures: [
                "days": lake.manifests.count, "reruns": successors.count,
                "changed": findings.changes.values.reduce(0) { $0 + $1.count }, "uncovered": findings.uncovered,
                "versions": lake.versions.count, "evaluators": findings.asked.count, "pages": findings.listings.pages,
                "mentions": findings.mentions, "mention-pages": findings.mentionPages, "point-reads": findings.pointReads,
                "halved": findings.halved, "wrong-totals": findings.listings.wrongTotals,
            ], successors: successors)
    }

    /// The next revision of a day's job, told what it must find.
    private func rerun(_ manifest: Manifest, _ references: Set<EvaluationRequest.Reference>) -> Job {
        let known = references.map(\.text).sorted().prefix(EvaluationRequest.maximumReferences)
        return Job(
            id: manifest.job, kind: work.job.kind, source: manifest.source, dataset: manifest.dataset, day: manifest.day,
            interval: manifest.interval, revision: manifest.revision + 1, createdAt: work.now(),
            parameters: .object(["evaluations": .array(known.map { .string($0) })]), traceparent: work.job.traceparent)
    }

    // MARK: The lake

    private func load(_ window: QueryInterval) async throws -> Lake {
        var lake = Lake()
        let evaluations = LakeEvaluations(work: work, dataset: work.request.subject)
        lake.manifests = try await evaluations.manifests(from: window.startMilliseconds, to: window.endMilliseconds)
        var versions = RecordIndex()
        var latest: [RecordIdentity: Latest] = [:]
        for manifest in lake.manifests {
            try await evaluations.read(manifest) { record in
                versions.keep(record.identity, content: record.signature, at: RecordIndex.Place(object: 0, line: 0))
                guard let id = record.id.map({ RecordIdentity($0) }) else { return }
                if let present = latest[id], present.changedAt > record.changedAt { return }
                latest[id] = Latest(
                    changedAt: record.changedAt, status: record.status.lowercased(), isReleased: record.isReleased)
            }
            work.context.progressed(["days": lake.manifests.count, "versions": versions.count])
        }
        lake.versions = versions
        lake.latest = latest
        return lake
    }

    // MARK: The vendor

    private func list(
        _ evaluators: [String], _ window: QueryInterval, _ lake: Lake, _ findings: inout Findings
    ) async throws {
        let evaluators = evaluators.filter { findings.asked.insert($0).inserted }
        let listings = EvaluatorListings(work: work, expandsAnswerTotals: false)
        let result = try await listings.read(evaluators, window) { page in
            page.forEach { consider(EvaluationRecord($0, dates: work.configuration.dayDates), lake, &findings) }
            work.context.progressed(["versions": lake.versions.count, "seen": findings.seen.count])
        }
        findings.listings += result.figures
        findings.refused.formUnion(result.refused)
        findings.halved += result.halved
    }

    private func consider(_ record: EvaluationRecord, _ lake: Lake, _ findings: inout Findings) {
        if let id = record.id { findings.seen.insert(RecordIdentity(id)) }
        guard lake.versions.find(record.identity)?.content != record.signature else { return }
        guard let reference = record.reference, let date = record.date, let manifest = lake.manifest(at: date) else {
            findings.uncovered += 1
            return
        }
        findings.changes[manifest.job, default: []].insert(reference)
    }

    /// Looks at what conversations mention and listings don't have.
    private func search(_ window: QueryInterval, _ lake: Lake, _ findings: inout Findings) async throws {
        let lookBack = Int64(work.configuration.conversationDays) * 86_400_000
        let found = try await MentionSearch(work: work).find(
            from: window.startMilliseconds - lookBack, to: window.endMilliseconds)
        findings.mentions = found.mentions.count
        findings.mentionPages = found.pages
        findings.halved += found.halved
        let isListing = work.configuration.discovery.contains(.evaluators)
        if isListing {
            let others = Set(found.mentions.values.compactMap(\.evaluator)).subtracting(findings.asked)
            try await list(others.sorted(), window, lake, &findings)
        }
        let refused = findings.refused
        let seen = findings.seen
        let wanted = found.mentions.values.filter { mention in
            let id = RecordIdentity(mention.reference.evaluation)
            if seen.contains(id) { return false }
            if isListing, let evaluator = mention.evaluator, !refused.contains(evaluator) { return false }
            return lake.latest[id].map { Self.differs(mention, $0) } ?? true
        }
        try await readEach(wanted.map(\.reference).sorted { $0.text < $1.text }, lake, &findings)
    }

    /// Whether a conversation says something of an evaluation that the lake doesn't know.
    private static func differs(_ mention: Mention, _ latest: Latest) -> Bool {
        if let time = mention.eventTime, time > latest.changedAt { return true }
        return mention.status.lowercased() != latest.status || mention.isReleased != latest.isReleased
    }

    private func readEach(
        _ references: [EvaluationRequest.Reference], _ lake: Lake, _ findings: inout Findings
    ) async throws {
        var waiting = references.makeIterator()
        try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            var running = 0
            while true {
                while running < work.configuration.concurrency, let reference = waiting.next() {
                    running += 1
                    group.addTask { try await work.evaluation(reference) }
                }
                guard let answer = try await group.next() else { break }
                running -= 1
                findings.pointReads += 1
                guard let bytes = answer else { continue }
                let record = bytes.withUnsafeBytes { EvaluationRecord(RawRecord(bytes: $0), dates: work.configuration.dayDates) }
                consider(record, lake, &findings)
                work.context.progressed(["point-reads": findings.pointReads])
            }
        }
    }
}
