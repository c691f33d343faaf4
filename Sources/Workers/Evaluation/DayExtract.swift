internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// `task: extract`: the evaluations that were assigned on a business day, found by evaluator and by conversation.
///
/// A run of a higher revision corrects the day: what the vendor returns now is joined with what the lake has, so that versions
/// stay that the vendor no longer returns.
struct DayExtract: Sendable {
    let work: EvaluationWork

    /// What a run has found so far, besides the ledger.
    private struct Progress {
        var ledger: DayLedger
        var listings = ListingFigures()
        /// The ids of all evaluations that listings and point reads returned, whatever their day.
        var met: Set<String> = []
        var outside = 0
        var undated = 0
        var halved = 0
        var mentions = MentionSearch.Found()
        var reads = PointReads()
        /// Point reads that found nothing, and no listing had anything either.
        var vanished = 0
        /// Evaluations of which there is no more than the listing says.
        var listedOnly = 0
        var reused = 0
        var repeated = 0
        /// Versions that the lake has, with their signatures; looked at only where each costs a call.
        var older = RecordIndex()
        /// Versions of this run's listings, with their signatures; likewise.
        var queued = RecordIndex()
        var asked = AskedEvaluators()
        var listedAgain = 0
        var remembered = 0
        var missingRoles = 0

        var figures: [String: Int] {
            [
                "records": ledger.count, "pages": listings.pages, "evaluators": asked.all.count,
                "mentions": mentions.mentions.count, "mention-pages": mentions.pages, "point-reads": reads.count,
                "duplicates": ledger.duplicates + repeated,
            ]
        }
    }

    func run() async throws -> JobResult {
        let found = try await work.output.find()
        if found?.isCurrent == true, let manifest = try await work.output.present() { return work.alreadyDone(manifest) }
        let readable = work.request.interval.end.addingTimeInterval(work.configuration.settleMargin)
        guard work.now() >= readable else {
            throw ExtractionFailure(
                until: readable, reason: "not-over", message: "evaluations of this interval are still being assigned",
                advice: "nothing to do; evaluations.settle-margin says how long to wait")
        }
        let older = found?.manifest
        var progress = Progress(
            ledger: DayLedger(
                store: work.store, names: work.names, firstNumber: work.output.firstFreeNumber(after: older),
                recordsPerObject: work.configuration.recordsPerObject))
        do {
            return try await run(&progress, older: older)
        } catch {
            await progress.ledger.abandon()
            throw error
        }
    }

    private func run(_ progress: inout Progress, older: Manifest?) async throws -> JobResult {
        if work.configuration.hasQuestionScores, let older {
            var versions = RecordIndex(capacity: older.records)
            try await lake.read(older) { record in
                // What was only listed, before scores were asked for or because they couldn't be had, is read once more.
                guard !record.lacksQuestionScores else { return }
                versions.keep(record.identity, content: record.signature, at: RecordIndex.Place(object: 0, line: 0))
            }
            progress.older = versions
        }
        if work.configuration.discovery.contains(.evaluators) {
            let directory = EvaluatorDirectory(work: work)
            let found = try await directory.load()
            progress.listings += found.figures
            progress.remembered = found.remembered
            progress.missingRoles = found.missingRoles
            try await read(found.evaluators, &progress)
        }
        try await readMentioned(&progress)
        // Where the search has answered nothing either, nobody has told anything of the day.
        if progress.mentions.answered == 0 { try progress.asked.check(isOnlyWay: true) }
        try progress.reads.checkPermission(isPermitted: progress.asked.pages > 0, work)
        try await EvaluatorDirectory(work: work).remember(progress.ledger.evaluators)
        let forms =
            work.configuration.keepsForms ? try await FormArchive(work: work).keep(progress.ledger.forms) : FormArchive.Result()
        let fresh = progress.ledger.count
        var merge = DayLedger.Merge()
        if let older { merge = try await progress.ledger.merge(older, dates: work.configuration.dayDates) }
        let manifest = try await work.output.publish(try await progress.ledger.finish(), after: older)
        if progress.ledger.redacted > 0 {
            work.logger.notice(
                "the vendor keeps the content of evaluations back: their scores are missing, not zero",
                metadata: ["redacted": "\(progress.ledger.redacted)"])
        }
        return JobResult(
            manifest: work.output.manifestKey.text, figures: figures(progress, manifest, merge, forms, fresh: fresh))
    }

    private var lake: LakeEvaluations { LakeEvaluations(work: work, dataset: work.job.dataset) }

    // MARK: By evaluator

    private func read(_ evaluators: [String], _ progress: inout Progress) async throws {
        let margin = Int64(work.configuration.margin * 1000)
        let interval =
            QueryInterval(
                startMilliseconds: work.request.range.startMilliseconds - margin,
                endMilliseconds: work.request.range.endMilliseconds + margin) ?? work.request.range
        let result = try await list(progress.asked.take(evaluators), interval, &progress)
        try progress.asked.add(result, isOnlyWay: !work.configuration.discovery.contains(.conversations))
    }

    private func list(
        _ evaluators: [String], _ interval: QueryInterval, _ progress: inout Progress
    ) async throws -> EvaluatorListings.Result {
        let listings = EvaluatorListings(work: work, expandsAnswerTotals: work.configuration.expandsAnswerTotals)
        let result = try await listings.read(evaluators, interval) { page in
            try await consider(page.records, &progress)
            work.context.progressed(progress.figures)
        }
        progress.listings += result.figures
        progress.halved += result.halved
        return result
    }

    /// Takes in what of a page belongs to the day.
    private func consider(_ records: [[UInt8]], _ progress: inout Progress) async throws {
        var single: [SingleEvaluation] = []
        for bytes in records {
            let record = self.record(bytes)
            guard belongs(record, &progress) else { continue }
            guard work.configuration.hasQuestionScores, let reference = record.reference else {
                try await progress.ledger.take(bytes, record)
                continue
            }
            if progress.older.find(record.identity)?.content == record.signature {
                progress.reused += 1
            } else if progress.queued.find(record.identity)?.content == record.signature {
                // A listing that was halved, or that moved, brings it again: it was read already.
                progress.repeated += 1
            } else {
                progress.queued.keep(
                    record.identity, content: record.signature, at: RecordIndex.Place(object: 0, line: 0))
                single.append(SingleEvaluation(reference: reference, listed: bytes))
            }
        }
        try await readEach(single, &progress)
    }

    private func record(_ bytes: [UInt8]) -> EvaluationRecord {
        bytes.withUnsafeBytes { EvaluationRecord(RawRecord(bytes: $0), dates: work.configuration.dayDates) }
    }

    private func belongs(_ record: EvaluationRecord, _ progress: inout Progress) -> Bool {
        if let id = record.id { progress.met.insert(id) }
        guard let date = record.date else {
            // Never lost: what says no date belongs to the day on which it was found.
            progress.undated += 1
            return true
        }
        let range = work.request.range
        if range.startMilliseconds <= date && date < range.endMilliseconds { return true }
        progress.outside += 1
        return false
    }

    // MARK: By conversation

    private func readMentioned(_ progress: inout Progress) async throws {
        var wanted = Set(work.request.references)
        if work.configuration.discovery.contains(.conversations) {
            let found = try await MentionSearch(work: work).find(
                from: work.request.range.startMilliseconds - lookBack, to: work.request.range.endMilliseconds)
            progress.mentions = found
            progress.halved += found.halved
            let isListing = work.configuration.discovery.contains(.evaluators)
            // Whom conversations name and no role does: one listing instead of a call for each evaluation.
            if isListing { try await read(found.mentions.values.compactMap(\.evaluator), &progress) }
            var left = try await unlisted(found.mentions, progress)
            if isListing { left = try await listAgain(left, &progress) }
            wanted.formUnion(left.values.map(\.reference))
        }
        let single = wanted.filter { !progress.met.contains($0.evaluation) }.sorted { $0.text < $1.text }
        try await readEach(single.map { SingleEvaluation(reference: $0) }, &progress)
    }

    private var lookBack: Int64 { Int64(work.configuration.conversationDays) * 86_400_000 }

    /// The evaluations that conversations mention, that no listing returned, and that may belong to this day.
    ///
    /// A listing is never believed to be whole: it may hide an evaluation, or its filter may mean another date.
    private func unlisted(_ mentions: [String: Mention], _ progress: Progress) async throws -> [String: Mention] {
        let start = work.request.range.startMilliseconds
        var candidates = mentions.filter { id, mention in
            if progress.met.contains(id) { return false }
            // Nothing happens to an evaluation before it is assigned.
            return mention.eventTime.map { $0 >= start } ?? true
        }
        guard !candidates.isEmpty else { return [:] }
        // Those that were found on another day belong there.
        let end = work.request.range.endMilliseconds
        for manifest in try await lake.manifests(from: start - lookBack, to: end + lookBack) where manifest.job != work.job.id {
            try await lake.read(manifest) { record in
                if let id = record.id { candidates[id] = nil }
            }
        }
        return candidates
    }

    /// So many evaluations of an evaluator are read one by one rather than looked for in another listing.
    static let fewEvaluations = 3

    /// Most of what is left was assigned on days that aren't in the lake yet: where it is more than a few of one evaluator's, a
    /// listing of the time around the day tells it for a page. What's left then is in no listing at all.
    private func listAgain(_ candidates: [String: Mention], _ progress: inout Progress) async throws -> [String: Mention] {
        let refused = progress.asked.refused
        let evaluators = Dictionary(grouping: candidates.values.compactMap(\.evaluator)) { $0 }
            .filter { $0.value.count > Self.fewEvaluations && refused[$0.key] == nil }.keys.sorted()
        let now = Int64(work.now().timeIntervalSince1970 * 1000)
        let range = work.request.range
        guard !evaluators.isEmpty,
            let interval = QueryInterval(
                startMilliseconds: range.startMilliseconds - lookBack,
                endMilliseconds: max(range.endMilliseconds, min(now, range.endMilliseconds + lookBack)))
        else { return candidates }
        progress.listedAgain = evaluators.count
        _ = try await list(evaluators, interval, &progress)
        return candidates.filter { !progress.met.contains($0.key) }
    }

    // MARK: One by one

    /// Reads evaluations by themselves and takes in what belongs to the day; of those that can't be had, what the listing says.
    private func readEach(_ evaluations: [SingleEvaluation], _ progress: inout Progress) async throws {
        var reads = progress.reads
        try await reads.read(evaluations, work) { evaluation, point in
            if let bytes = point {
                let whole = joined(bytes, evaluation.listed)
                let record = self.record(whole)
                if belongs(record, &progress) { try await progress.ledger.take(whole, record) }
            } else if let listed = evaluation.listed {
                progress.listedOnly += 1
                try await progress.ledger.take(listed, record(listed))
            } else {
                progress.vanished += 1
            }
            work.context.progressed(progress.figures)
        }
        progress.reads = reads
    }

    /// A point read with what only the listing says of the same version.
    private func joined(_ point: [UInt8], _ listed: [UInt8]?) -> [UInt8] {
        guard let listed else { return point }
        let (new, old) = (record(point), record(listed))
        return new.identity == old.identity && new.signature == old.signature ? PointReads.joined(point, listed) : point
    }

    // MARK: Figures

    private func figures(
        _ progress: Progress, _ manifest: Manifest, _ merge: DayLedger.Merge, _ forms: FormArchive.Result, fresh: Int
    ) -> [String: Int] {
        var figures = progress.figures
        figures["records"] = manifest.records
        figures["bytes"] = manifest.bytes
        figures["objects"] = manifest.objects.count
        figures["read"] = fresh
        figures["kept"] = merge.kept
        figures["unchanged"] = merge.unchanged
        figures["amended"] = merge.amended + progress.ledger.amended
        figures["outside"] = progress.outside
        figures["wrong-totals"] = progress.listings.wrongTotals
        let rare = [
            "undated": progress.undated, "unidentified": progress.ledger.unidentified, "redacted": progress.ledger.redacted,
            "vanished": progress.vanished, "listed-only": progress.listedOnly, "forbidden": progress.reads.forbidden,
            "refused": progress.reads.refused,
            "reused": progress.reused, "halved": progress.halved, "listed-again": progress.listedAgain,
            "mention-refused": progress.mentions.refused, "mention-unsettled": progress.mentions.unsettled,
            "remembered-evaluators": progress.remembered, "refused-evaluators": progress.asked.refused.count,
            "missing-roles": progress.missingRoles,
            "reduced-pages": progress.listings.reducedPages, "repeated-pages": progress.listings.repeatedPages,
            "stray-uris": progress.listings.strayURIs, "missing-arrays": progress.listings.missingArrays,
            "forms-fetched": forms.fetched, "forms-missing": forms.missing,
        ]
        for (name, value) in rare where value > 0 { figures[name] = value }
        return figures
    }
}
