internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// The task `gdpr-requests`: the vendor's privacy requests become a day's snapshot in the lake, and each that is new or has
/// changed a notice.
///
/// 1. The lake has the requests as they were sent. Events, logs, figures and errors name people by opaque ids only.
/// 2. A notice is published with the job's completion. Which job tells of a request is noted before: an attempt that follows a
///    crash tells the same again, and a later job doesn't.
struct PrivacyRequests: Sendable {
    /// The most requests that one job tells of: each notice is a message of its transaction. The others are told by the next.
    static let maximumNotices = 1000

    /// The largest request, bytes.
    private static let maximumRecordBytes = 1 << 20

    let work: DayWork

    /// What a snapshot holds.
    private struct Snapshot {
        var requests: [PrivacyRequest] = []
        var figures: [String: Int] = [:]
    }

    /// Lists the requests; a job whose manifest is there already only tells what it has to tell.
    func run() async throws -> JobResult {
        let (job, store, output) = (work.job, work.store, work.output)
        var memory = try await PrivacyMemory.load(source: job.source, from: store)
        let found = try await output.find()
        let snapshot: Snapshot
        if let found, found.isCurrent {
            snapshot = try await read(found.manifest)
        } else {
            var objects = RecordObjects(
                store: store, names: work.names, firstNumber: output.firstFreeNumber(after: found?.manifest))
            do {
                snapshot = try await list(into: &objects)
            } catch {
                await objects.abandon()
                throw error
            }
            memory.forget(allBut: snapshot.requests.map(\.id))
            memory.note(snapshot.requests, toldBy: job, limit: Self.maximumNotices)
            // Before the manifest: whoever finds that knows what is to be told.
            try await memory.save(to: store)
            try await output.publish(try await objects.finish(), after: found?.manifest)
        }
        let told = snapshot.requests.filter { memory.isTold($0, by: job) }
        var figures = snapshot.figures
        figures["notices"] = told.count
        let untold = snapshot.requests.count { !memory.knows($0) }
        if untold > 0 { figures["untold"] = untold }
        return JobResult(manifest: output.manifestKey.text, figures: figures, notices: told.map(Self.notice))
    }

    // MARK: Reading

    private func list(into objects: inout RecordObjects) async throws -> Snapshot {
        var snapshot = Snapshot()
        var seen: Set<String> = []
        var counts: [String: Int] = [:]
        let listing = try await work.client.listing(
            PrivacyRequest.listing, limits: RecordLimits(recordBytes: Self.maximumRecordBytes)
        ) { page in
            work.context.progressed(["pages": page.number])
            for record in page.records {
                guard let request = record.withUnsafeBytes({ PrivacyRequest(RawRecord(bytes: $0)) }) else {
                    // Kept, but nobody can be told of it.
                    counts["unnamed", default: 0] += 1
                    try await objects.append(record)
                    continue
                }
                guard seen.insert(request.id).inserted else {
                    counts["duplicates", default: 0] += 1
                    continue
                }
                let (bytes, whole) = try await complete(record, request)
                if !request.hasSubject { counts["completed", default: 0] += 1 }
                try await objects.append(bytes)
                snapshot.requests.append(whole)
            }
        }
        snapshot.figures = counts
        snapshot.figures["pages"] = listing.pages
        snapshot.figures["records"] = snapshot.requests.count + (counts["unnamed"] ?? 0)
        if listing.wrongTotals > 0 { snapshot.figures["wrong-totals"] = listing.wrongTotals }
        return snapshot
    }

    /// A record as it is listed or, where that leaves the subject out, as it is when it is asked for.
    private func complete(_ record: [UInt8], _ request: PrivacyRequest) async throws -> ([UInt8], PrivacyRequest) {
        if request.hasSubject { return (record, request) }
        let whole: [UInt8]
        do {
            whole = try await work.client.object(PrivacyRequest.single(request.id), maximumBytes: Self.maximumRecordBytes)
        } catch let error as GenesysCloudError where error.kind == .notFound || error.kind == .badRequest(.other) {
            // One request that can't be had by itself must not keep back all others.
            return (record, request)
        }
        guard let read = whole.withUnsafeBytes({ PrivacyRequest(RawRecord(bytes: $0)) }), read.id == request.id else {
            return (record, request)
        }
        return (whole, read)
    }

    private func read(_ manifest: Manifest) async throws -> Snapshot {
        var snapshot = Snapshot()
        let records = ManifestRecords(store: work.store, maximumLineBytes: Self.maximumRecordBytes)
        var requests: [PrivacyRequest] = []
        for object in manifest.objects {
            try await records.read(object) { line in
                if let request = PrivacyRequest(RawRecord(bytes: line)) { requests.append(request) }
            }
        }
        snapshot.requests = requests
        snapshot.figures = ["records": manifest.records]
        return snapshot
    }

    private static func notice(_ request: PrivacyRequest) -> JobEvent.Notice {
        JobEvent.Notice(topic: "gdpr-request", subject: request.id, facts: request.facts)
    }
}

extension PrivacyRequest {
    /// What may be told.
    var facts: [String: String] {
        var facts = subjectIDs
        facts["requestType"] = type
        facts["status"] = status
        facts["createdDate"] = created
        return facts
    }
}
