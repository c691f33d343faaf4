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
        /// Evaluations of other days, by id.
        var elsewhere: Set<String> = []
        var outside = 0
        var undated = 0
        var halved = 0
        var mentions = 0
        var mentionPages = 0
        var pointReads = 0
        var vanished = 0
        var reused = 0
        /// Versions that the lake has, with their signatures; looked at only where each costs a call.
        var older = RecordIndex()
        var asked: Set<String> = []
        var refused: Set<String> = []
        var remembered = 0

        var figures: [String: Int] {
            [
                "records": ledger.count, "pages": listings.pages, "evaluators": asked.count, "mentions": mentions,
                "mention-pages": mentionPages, "point-reads": pointReads, "duplicates": ledger.duplicates,
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
                versions.keep(record.identity, content: record.signature, at: RecordIndex.Place(object: 0, line: 0))
            }
            progress.older = versions
        }
        if work.configuration.discovery.contains(.evaluators) {
            let directory = EvaluatorDirectory(work: work)
            let found = try await directory.load()
            progress.listings += found.figures
            progress.remembered = found.remembered
            try await read(found.evaluators, &progress)
        }
        try await readMentioned(&progress)
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
        let evaluators = evaluators.filter { progress.asked.insert($0).inserted }
        let margin = Int64(work.configuration.margin * 1000)
        let interval =
            QueryInterval(
                startMilliseconds: work.request.range.startMilliseconds - margin,
                endMilliseconds: work.request.range.endMilliseconds + margin) ?? work.request.range
        let listings = EvaluatorListings(work: work, expandsAnswerTotals: work.configuration.expandsAnswerTotals)
        let result = try await listings.read(evaluators, interval) { page in
            try await consider(page.records, &progress)
            work.context.progressed(progress.figures)
        }
        progress.listings += result.figures
        progress.refused.formUnion(result.refused)
        progress.halved += result.halved
    }

    /// Takes in what of a page belongs to the day.
    private func consider(_ records: [[UInt8]], _ progress: inout Progress) async throws {
        var single: [EvaluationRequest.Reference] = []
        for bytes in records {
            let record = self.record(bytes)
            guard belongs(record, &progress) else { continue }
            if work.configuration.hasQuestionScores, let reference = record.reference {
                if progress.older.find(record.identity)?.content == record.signature {
                    progress.reused += 1
                } else {
                    single.append(reference)
                }
                continue
            }
            try await progress.ledger.take(bytes, record)
        }
        try await readEach(single, &progress)
    }

    private func record(_ bytes: [UInt8]) -> EvaluationRecord {
        bytes.withUnsafeBytes { EvaluationRecord(RawRecord(bytes: $0), dates: work.configuration.dayDates) }
    }

    private func belongs(_ record: EvaluationRecord, _ progress: inout Progress) -> Bool {
        guard let date = record.date else {
            // Never lost: what says no date belongs to the day on which it was found.
            progress.undated += 1
            return true
        }
        let range = work.request.range
        if range.startMilliseconds <= date && date < range.endMilliseconds { return true }
        progress.outside += 1
        if let id = record.id { progress.elsewhere.insert(id) }
        return false
    }

    // MARK: By conversation

    private func readMentioned(_ progress: inout Progress) async throws {
        var wanted = Set(work.request.references)
        if work.configuration.discovery.contains(.conversations) {
            let lookBack = Int64(work.configuration.conversationDays) * 86_400_000
            let found = try await MentionSearch(work: work).find(
                from: work.request.range.startMilliseconds - lookBack, to: work.request.range.endMilliseconds)
            progress.mentions = found.mentions.count
            progress.mentionPages = found.pages
            progress.halved += found.halved
            if work.configuration.discovery.contains(.evaluators) {
                // Whom conversations name and no role does: one listing instead of a call for each evaluation.
                let others = Set(found.mentions.values.compactMap(\.evaluator)).subtracting(progress.asked)
                try await read(others.sorted(), &progress)
            }
            wanted.formUnion(try await unlisted(found.mentions, progress))
        }
        let known = progress.ledger.ids.union(progress.elsewhere)
        try await readEach(wanted.filter { !known.contains($0.evaluation) }.sorted { $0.text < $1.text }, &progress)
    }

    /// The evaluations that conversations mention, that no listing can have, and that may belong to this day.
    private func unlisted(
        _ mentions: [String: Mention], _ progress: Progress
    ) async throws -> Set<EvaluationRequest.Reference> {
        let start = work.request.range.startMilliseconds
        let isListing = work.configuration.discovery.contains(.evaluators)
        var candidates = mentions.filter { id, mention in
            if progress.ledger.ids.contains(id) || progress.elsewhere.contains(id) { return false }
            // Nothing happens to an evaluation before it is assigned.
            if let time = mention.eventTime, time < start { return false }
            guard isListing, let evaluator = mention.evaluator else { return true }
            return progress.refused.contains(evaluator)
        }
        guard !candidates.isEmpty else { return [] }
        // Those that were found on another day belong there.
        let lookBack = Int64(work.configuration.conversationDays) * 86_400_000
        let end = work.request.range.endMilliseconds
        for manifest in try await lake.manifests(from: start - lookBack, to: end + lookBack) where manifest.job != work.job.id {
            try await lake.read(manifest) { record in
                if let id = record.id { candidates[id] = nil }
            }
        }
        return Set(candidates.values.map(\.reference))
    }

    // MARK: One by one

    /// Reads evaluations by themselves, several at a time, and takes in what belongs to the day.
    private func readEach(_ references: [EvaluationRequest.Reference], _ progress: inout Progress) async throws {
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
                progress.pointReads += 1
                guard let bytes = answer else {
                    progress.vanished += 1
                    continue
                }
                let record = self.record(bytes)
                if belongs(record, &progress) { try await progress.ledger.take(bytes, record) }
                work.context.progressed(progress.figures)
            }
        }
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
            "vanished": progress.vanished, "reused": progress.reused, "halved": progress.halved,
            "remembered-evaluators": progress.remembered, "refused-evaluators": progress.refused.count,
            "reduced-pages": progress.listings.reducedPages, "repeated-pages": progress.listings.repeatedPages,
            "stray-uris": progress.listings.strayURIs, "missing-arrays": progress.listings.missingArrays,
            "forms-fetched": forms.fetched, "forms-missing": forms.missing,
        ]
        for (name, value) in rare where value > 0 { figures[name] = value }
        return figures
    }
}

extension EvaluationWork {
    /// An evaluation by itself; nil when the vendor has none there.
    func evaluation(_ reference: EvaluationRequest.Reference) async throws -> [UInt8]? {
        do {
            let bytes = try await client.evaluation(
                id: reference.evaluation, conversation: reference.conversation, expand: ["agent", "evaluator"])
            return Self.trimmed(bytes)
        } catch let error as GenesysCloudError where error.kind == .notFound {
            return nil
        }
    }

    /// The object without white space around it, as a listing's records are.
    private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d }
        guard let last = bytes.lastIndex(where: { !isSpace($0) }) else { return bytes }
        return Array(bytes[...last].drop(while: isSpace))
    }
}
