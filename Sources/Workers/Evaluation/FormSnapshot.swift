internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// `task: forms`: the published forms as they are on this day, every version of each, and the forms themselves in the archive.
struct FormSnapshot: Sendable {
    let work: EvaluationWork

    /// How often the list is read at most while forms are published.
    private static let maximumPasses = 10

    private struct Found {
        var ids: Set<String> = []
        var duplicates = 0
        var figures = ListingFigures()
    }

    /// Reads the list once; whether it has been read, see `MovingListing`.
    private func pass(
        _ moving: inout MovingListing, _ found: inout Found, _ objects: inout RecordObjects
    ) async throws -> Bool {
        moving.beginPass()
        var seen: Set<String> = []
        var new = 0
        var twice = 0
        var pages = 0
        let isFirst = moving.isFirstPass
        let limits = RecordLimits(recordBytes: work.configuration.maximumRecordBytes)
        found.figures += try await work.client.listing(Quality.publishedForms(onlyLatest: false), limits: limits) { page in
            moving.answered(total: page.envelope.integer(of: "total"))
            if !page.records.isEmpty { pages += 1 }
            for record in page.records {
                guard let id = record.withUnsafeBytes({ RawRecord(bytes: $0).string(of: "id") }) else {
                    // Never lost, and not told apart from another one: kept as the first pass has it.
                    if isFirst { try await objects.append(record) }
                    continue
                }
                if !seen.insert(id).inserted { twice += 1 }
                guard found.ids.insert(id).inserted else { continue }
                new += 1
                try await objects.append(record)
            }
            work.context.progressed(["records": found.ids.count])
        }
        found.duplicates += twice
        return moving.endPass(
            hasNews: new > 0, hasDuplicates: twice > 0, known: found.ids.count, distinct: seen.count, pages: pages)
    }

    func run() async throws -> JobResult {
        if let manifest = try await work.output.present() { return work.alreadyDone(manifest) }
        let former = try await work.output.find()?.manifest
        var objects = RecordObjects(
            store: work.store, names: work.names, firstNumber: work.output.firstFreeNumber(after: former),
            recordsPerObject: work.configuration.recordsPerObject)
        do {
            var found = Found()
            var moving = MovingListing()
            var passes = 0
            var isSettled = false
            while !isSettled, passes < Self.maximumPasses {
                passes += 1
                isSettled = try await pass(&moving, &found, &objects)
            }
            let ids = found.ids
            let forms = work.configuration.keepsForms ? try await FormArchive(work: work).keep(ids) : FormArchive.Result()
            let manifest = try await work.output.publish(try await objects.finish(), after: former)
            return JobResult(
                manifest: work.output.manifestKey.text,
                figures: [
                    "records": manifest.records, "bytes": manifest.bytes, "objects": manifest.objects.count,
                    "pages": found.figures.pages, "duplicates": found.duplicates, "wrong-totals": found.figures.wrongTotals,
                    "passes": passes, "unsettled": isSettled ? 0 : 1,
                    "forms-fetched": forms.fetched, "forms-missing": forms.missing,
                ])
        } catch {
            await objects.abandon()
            throw error
        }
    }
}
