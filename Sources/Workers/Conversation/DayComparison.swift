internal import Contracts
internal import Extraction
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// What the lake has of a day, held against what a details job returned of it.
///
/// The job's word isn't the last one: it leaves out without an error what is newer than its availability date, and shows as open
/// what has ended since. So what it doesn't return is asked for by id: what the vendor still knows stays, only the rest goes; and
/// an end that the lake has already stays too.
struct DayComparison: Sendable {
    /// A record of the lake.
    struct Ended: Sendable {
        var id: String
        var line: [UInt8]
    }

    /// The most records of the lake that are held in memory because they have ended and the job says that they haven't.
    private static let mostEnded = 1000

    private(set) var unchanged = 0
    private(set) var changed = 0
    /// Conversations that neither the job nor the vendor's point reads know any more.
    private(set) var removed = 0
    /// Objects of the lake that aren't what their manifest says: nothing can be said about what was in them.
    private(set) var unreadable = 0
    private(set) var ended: [RecordIdentity: Ended] = [:]
    private(set) var kept: Set<String> = []
    private let added: Int

    var figures: [String: Int] {
        var figures = [
            "changed": changed, "removed": removed, "added": added, "unchanged": unchanged, "kept": kept.count,
            "kept-ended": ended.count,
        ]
        if unreadable > 0 { figures["unreadable-objects"] = unreadable }
        return figures
    }

    /// Reads the lake's records and asks the vendor for those that the job didn't return.
    ///
    /// - Throws: `ExtractionFailure` (reason `settled-incomplete`) when the job returned so little that it can't be the day.
    init(_ former: Manifest, with ledger: PageLedger, work: DayWork) async throws {
        var missing: [String] = []
        var found = 0
        let records = ManifestRecords(store: work.store)
        for object in former.objects {
            try Task.checkCancellation()
            var there = (unchanged: 0, changed: 0, removed: 0, found: 0)
            var missed: [String] = []
            var ends: [RecordIdentity: Ended] = [:]
            let room = Self.mostEnded - ended.count
            do {
                try await records.read(object) { line in
                    let entry = PageAnswer.Entry(line: line, content: { ConversationRecord.settledHash(of: $0) })
                    guard let present = ledger.index.find(entry.identity) else {
                        if entry.isIdentified, let id = ConversationRecord.id(of: RawRecord(bytes: line)) {
                            missed.append(id)
                        } else {
                            there.removed += 1
                        }
                        return
                    }
                    there.found += 1
                    if present.content == entry.content { return there.unchanged += 1 }
                    if entry.openID == nil, let id = ledger.open[entry.identity], ends.count < room {
                        ends[entry.identity] = Ended(id: id, line: Array(line))
                    } else {
                        there.changed += 1
                    }
                }
            } catch let error as ExtractionFailure {
                work.context.logger.warning("an object can't be compared", metadata: ["error": "\(error)"])
                unreadable += 1
                continue
            } catch let error as ObjectStorageError where error.kind == .notFound {
                work.context.logger.warning("an object is gone", metadata: ["key": "\(object.key)"])
                unreadable += 1
                continue
            }
            unchanged += there.unchanged
            changed += there.changed
            removed += there.removed
            found += there.found
            missing += missed
            ended.merge(ends) { first, _ in first }
            work.context.progressed(["compared": found + missing.count])
        }
        added = max(0, ledger.index.count - found)
        try await ask(for: missing, of: former, work: work)
    }

    private mutating func ask(for missing: [String], of former: Manifest, work: DayWork) async throws {
        // A filtered data set loses what no longer meets its filter; only the job knows that.
        guard work.request.fields == nil else { return removed += missing.count }
        guard missing.count <= max(1000, former.records / 10) || work.job.parameters["accept-removed"]?.bool == true else {
            try await work.context.checkpoint.discard()
            throw ExtractionFailure(
                retryBecause: "settled-incomplete",
                message: "the details job left out \(missing.count) of \(former.records) conversations that the lake has",
                advice: "look into the vendor's data; if they are right, rerun the day with the parameter accept-removed: true")
        }
        let latest = LatestConversations(
            client: work.client, limits: work.limits, idsPerCall: work.configuration.idsPerCall)
        var rest = missing[...]
        while !rest.isEmpty {
            let group = Array(rest.prefix(work.configuration.idsPerCall))
            rest = rest.dropFirst(group.count)
            for (id, standing) in try await latest.ask(group, keepsRecords: false) {
                if case .gone = standing { removed += 1 } else { kept.insert(id) }
            }
            work.context.progressed(["asked-for": missing.count - rest.count])
        }
    }

    /// Copies the records that stay though the job didn't return them, as the lake has them.
    func copyKept(
        from former: Manifest, work: DayWork, firstNumber: UInt32
    ) async throws -> (objects: [Manifest.Object], open: [String: UInt32]) {
        guard !kept.isEmpty else { return ([], [:]) }
        var copy = RecordObjects(
            store: work.store, names: work.names, firstNumber: firstNumber, recordsPerObject: work.configuration.pageSize)
        var open: [String: UInt32] = [:]
        do {
            for object in former.objects {
                try Task.checkCancellation()
                do {
                    try await ManifestRecords(store: work.store).read(object) { line in
                        let record = RawRecord(bytes: line)
                        guard let id = ConversationRecord.id(of: record), kept.contains(id) else { return }
                        if ConversationRecord.isOpen(record) { open[id] = copy.next.object }
                        copy.add(line)
                    } pause: {
                        if copy.wantsFlush { try await copy.flush() }
                    }
                } catch is ExtractionFailure {
                    // Counted before; nothing that is kept was in it.
                    continue
                } catch let error as ObjectStorageError where error.kind == .notFound {
                    continue
                }
                work.context.progressed([:])
            }
            return (try await copy.finish(), open)
        } catch {
            await copy.abandon()
            throw error
        }
    }
}
