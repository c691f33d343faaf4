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

    func run() async throws -> JobResult {
        if let manifest = try await work.output.present() { return work.alreadyDone(manifest) }
        let former = try await work.output.find()?.manifest
        var objects = RecordObjects(
            store: work.store, names: work.names, firstNumber: work.output.firstFreeNumber(after: former),
            recordsPerObject: work.configuration.recordsPerObject)
        do {
            var ids: Set<String> = []
            var duplicates = 0
            let limits = RecordLimits(recordBytes: work.configuration.maximumRecordBytes)
            let figures = try await work.client.listing(Quality.publishedForms(onlyLatest: false), limits: limits) { page in
                for record in page.records {
                    let id = record.withUnsafeBytes { RawRecord(bytes: $0).string(of: "id") }
                    if let id, !ids.insert(id).inserted {
                        duplicates += 1
                    } else {
                        try await objects.append(record)
                    }
                }
                work.context.progressed(["records": ids.count])
            }
            let forms = work.configuration.keepsForms ? try await FormArchive(work: work).keep(ids) : FormArchive.Result()
            let manifest = try await work.output.publish(try await objects.finish(), after: former)
            return JobResult(
                manifest: work.output.manifestKey.text,
                figures: [
                    "records": manifest.records, "bytes": manifest.bytes, "objects": manifest.objects.count,
                    "pages": figures.pages, "duplicates": duplicates, "wrong-totals": figures.wrongTotals,
                    "forms-fetched": forms.fetched, "forms-missing": forms.missing,
                ])
        } catch {
            await objects.abandon()
            throw error
        }
    }
}
