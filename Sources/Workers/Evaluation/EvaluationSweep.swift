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
        /// The position of its day's manifest.
        var manifest: Int
    }

    private struct Lake {
        /// The manifests of the window's days.
        var manifests: [Manifest] = []
        /// Versions and their signatures.
        var versions = RecordIndex()
        var latest: [RecordIdentity: Latest] = [:]
        /// Evaluations of days around the window.
        var elsewhere: Set<RecordIdentity> = []

        /// The manifest of the day that a moment belongs to.
        func manifest(at time: Int64) -> Manifest? {
            manifests.first { manifest in
                manifest.interval.map { $0.start.milliseconds <= time && time < $0.end.milliseconds } ?? false
            }
        }
    }

    private struct Findings {
        /// By job, what has changed, as far as it has an address.
        var changes: [String: Set<EvaluationRequest.Reference>] = [:]
        var changed = 0
        var seen: Set<RecordIdentity> = []
        /// Evaluations of the window that were taken back for others: a vendor may show them nowhere else.
        var retracted: Set<EvaluationRequest.Reference> = []
        var listings = ListingFigures()
        var asked = AskedEvaluators()
        /// Changed evaluations of days that the lake doesn't have.
        var uncovered = 0
        var mentions = MentionSearch.Found()
        var reads = PointReads()
        var halved = 0
        var listedAgain = 0
        var missingRoles = 0
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
            findings.missingRoles = found.missingRoles
            try await list(found.evaluators, window, lake, &findings)
        }
        if work.configuration.discovery.contains(.conversations) { try await search(window, lake, &findings) }
        try await readRetracted(lake, window, &findings)
        try findings.reads.checkPermission(isPermitted: findings.asked.pages > 0, work)
        let successors = lake.manifests.compactMap { manifest in
            findings.changes[manifest.job].map { rerun(manifest, $0) }
        }
        // The tag of a sweep says that it was done; its result is what it asks for.
        try await work.output.publish([], after: try await work.output.find()?.manifest)
        return JobResult(
            manifest: work.output.manifestKey.text, figures: figures(findings, lake, successors.count), successors: successors)
    }

    private func figures(_ findings: Findings, _ lake: Lake, _ reruns: Int) -> [String: Int] {
        var figures = [
            "days": lake.manifests.count, "reruns": reruns, "changed": findings.changed, "uncovered": findings.uncovered,
            "versions": lake.versions.count, "evaluators": findings.asked.all.count, "pages": findings.listings.pages,
            "mentions": findings.mentions.mentions.count, "mention-pages": findings.mentions.pages,
            "point-reads": findings.reads.count, "halved": findings.halved, "wrong-totals": findings.listings.wrongTotals,
        ]
        let rare = [
            "vanished": findings.reads.missing, "forbidden": findings.reads.forbidden, "refused": findings.reads.refused,
            "mention-refused": findings.mentions.refused, "mention-unsettled": findings.mentions.unsettled,
            "refused-evaluators": findings.asked.refused.count, "listed-again": findings.listedAgain,
            "missing-roles": findings.missingRoles,
        ]
        for (name, value) in rare where value > 0 { figures[name] = value }
        return figures
    }

    private var lookBack: Int64 { Int64(work.configuration.conversationDays) * 86_400_000 }

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
        // Conversations of the window carry evaluations of the days around it, too: those aren't missing.
        let around = try await evaluations.manifests(
            from: window.startMilliseconds - lookBack, to: window.endMilliseconds + lookBack)
        for manifest in around {
            let isInside =
                manifest.interval.map {
                    $0.end.milliseconds > window.startMilliseconds && $0.start.milliseconds < window.endMilliseconds
                } ?? false
            let position = lake.manifests.count
            if isInside { lake.manifests.append(manifest) }
            try await evaluations.read(manifest) { record in
                guard isInside else {
                    if let id = record.id { lake.elsewhere.insert(RecordIdentity(id)) }
                    return
                }
                lake.versions.keep(record.identity, content: record.signature, at: RecordIndex.Place(object: 0, line: 0))
                keep(record, position, in: &lake.latest)
            }
            work.context.progressed(["days": lake.manifests.count, "versions": lake.versions.count])
        }
        return lake
    }

    private func keep(_ record: EvaluationRecord, _ position: Int, in latest: inout [RecordIdentity: Latest]) {
        guard let id = record.id.map({ RecordIdentity($0) }) else { return }
        let now = Int64(work.now().timeIntervalSince1970 * 1000)
        // A release by schedule may leave the date of change alone, and be known long before.
        let released = record.releasedAt.flatMap { $0 <= now ? $0 : nil }
        let changedAt = max(record.changedAt, released ?? Int64.min)
        if let present = latest[id], present.changedAt > changedAt { return }
        latest[id] = Latest(
            changedAt: changedAt, status: record.status.lowercased(),
            isReleased: record.releasedAt.map { $0 <= now } ?? record.isReleased, manifest: position)
    }

    // MARK: The vendor

    private func list(
        _ evaluators: some Sequence<String>, _ window: QueryInterval, _ lake: Lake, _ findings: inout Findings
    ) async throws {
        // To the present: what was assigned since is in no day yet, and needn't be read one by one to know that.
        let now = Int64(work.now().timeIntervalSince1970 * 1000)
        let interval =
            QueryInterval(
                startMilliseconds: window.startMilliseconds,
                endMilliseconds: max(window.endMilliseconds, min(now, window.endMilliseconds + lookBack))) ?? window
        let result = try await read(findings.asked.take(evaluators), interval, window, lake, &findings)
        try findings.asked.add(result, isOnlyWay: !work.configuration.discovery.contains(.conversations))
    }

    private func read(
        _ evaluators: [String], _ interval: QueryInterval, _ window: QueryInterval, _ lake: Lake, _ findings: inout Findings
    ) async throws -> EvaluatorListings.Result {
        let listings = EvaluatorListings(work: work, expandsAnswerTotals: false)
        let result = try await listings.read(evaluators, interval) { page in
            page.forEach { consider(EvaluationRecord($0, dates: work.configuration.dayDates), window, lake, &findings) }
            work.context.progressed(["versions": lake.versions.count, "seen": findings.seen.count])
        }
        findings.listings += result.figures
        findings.halved += result.halved
        return result
    }

    private func consider(_ record: EvaluationRecord, _ window: QueryInterval, _ lake: Lake, _ findings: inout Findings) {
        let id = record.id.map { RecordIdentity($0) }
        if let id { findings.seen.insert(id) }
        if let reference = record.retractedReference { findings.retracted.insert(reference) }
        guard lake.versions.find(record.identity)?.content != record.signature else { return }
        let manifest: Manifest?
        if let date = record.date {
            guard window.startMilliseconds <= date && date < window.endMilliseconds else { return }
            manifest = lake.manifest(at: date)
        } else {
            // What says no date belongs to the day on which it was found.
            manifest = id.flatMap { lake.latest[$0] }.map { lake.manifests[$0.manifest] }
        }
        guard let manifest else {
            findings.uncovered += 1
            return
        }
        findings.changed += 1
        // One without an address can't be asked for, but its day can.
        findings.changes[manifest.job, default: []].formUnion(record.reference.map { [$0] } ?? [])
    }

    /// Looks at what conversations mention and listings don't have, whoever evaluated.
    private func search(_ window: QueryInterval, _ lake: Lake, _ findings: inout Findings) async throws {
        let found = try await MentionSearch(work: work).find(
            from: window.startMilliseconds - lookBack, to: window.endMilliseconds)
        findings.mentions = found
        findings.halved += found.halved
        if work.configuration.discovery.contains(.evaluators) {
            try await list(found.mentions.values.compactMap(\.evaluator), window, lake, &findings)
        }
        var wanted = unexplained(found, window, lake, findings)
        let refused = findings.asked.refused
        let evaluators = Dictionary(grouping: wanted.compactMap(\.evaluator)) { $0 }
            .filter { $0.value.count > DayExtract.fewEvaluations && refused[$0.key] == nil }.keys.sorted()
        // In a young lake most of these were assigned before the window, on days that no lake has: a listing tells it for a page.
        if work.configuration.discovery.contains(.evaluators), !evaluators.isEmpty,
            let earlier = QueryInterval(
                startMilliseconds: window.startMilliseconds - lookBack, endMilliseconds: window.startMilliseconds)
        {
            findings.listedAgain = evaluators.count
            _ = try await read(evaluators, earlier, window, lake, &findings)
            wanted = unexplained(found, window, lake, findings)
        }
        try await read(wanted.map(\.reference), window, lake, &findings)
    }

    /// The mentions of what may have changed a day of the lake, and no listing has shown.
    private func unexplained(
        _ found: MentionSearch.Found, _ window: QueryInterval, _ lake: Lake, _ findings: Findings
    ) -> [Mention] {
        // What has been at rest since before the first day that the lake has can't have changed one of its days.
        let first = max(lake.manifests.first?.interval?.start.milliseconds ?? window.endMilliseconds, window.startMilliseconds)
        return found.mentions.values.filter { mention in
            let id = RecordIdentity(mention.reference.evaluation)
            // What is gone can't be read.
            if findings.seen.contains(id) || lake.elsewhere.contains(id) || mention.isDeleted { return false }
            if let time = mention.eventTime, time < first { return false }
            return lake.latest[id].map { Self.differs(mention, $0) } ?? true
        }
    }

    /// Reads what the lake has and was taken back since for another evaluation.
    private func readRetracted(_ lake: Lake, _ window: QueryInterval, _ findings: inout Findings) async throws {
        let wanted = findings.retracted.filter { reference in
            let id = RecordIdentity(reference.evaluation)
            guard !findings.seen.contains(id), let latest = lake.latest[id] else { return false }
            return latest.status != "retracted"
        }
        try await read(wanted, window, lake, &findings)
    }

    private func read(
        _ references: some Sequence<EvaluationRequest.Reference>, _ window: QueryInterval, _ lake: Lake,
        _ findings: inout Findings
    ) async throws {
        let single = references.sorted { $0.text < $1.text }.map { SingleEvaluation(reference: $0) }
        var reads = findings.reads
        try await reads.read(single, work) { _, point in
            if let bytes = point {
                let record = bytes.withUnsafeBytes {
                    EvaluationRecord(RawRecord(bytes: $0), dates: work.configuration.dayDates)
                }
                consider(record, window, lake, &findings)
            }
            work.context.progressed(["seen": findings.seen.count])
        }
        findings.reads = reads
    }

    /// Whether a conversation says something of an evaluation that the lake doesn't know.
    private static func differs(_ mention: Mention, _ latest: Latest) -> Bool {
        if let time = mention.eventTime, time > latest.changedAt { return true }
        return mention.status.lowercased() != latest.status || mention.isReleased != latest.isReleased
    }
}
