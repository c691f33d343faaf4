internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records
internal import Synchronization
internal import WorkerKit

/// Extracts one interval: passes over the vendor's pages until a pass brings nothing new.
///
/// Pages are not a snapshot. A row that comes in moves others to later pages, where they come twice; one that goes moves
/// others to pages that were read already, where they are missed. So a pass that saw rows move is followed by another, which
/// adds only what isn't kept yet in the same version.
struct DayExtraction: Sendable {
    let client: GenesysCloudClient
    let query: ConversationDetailsQuery
    let limits: RecordLimits
    let store: any ObjectStore
    let options: PutOptions
    let concurrency: Int
    let maximumPasses: Int
    /// The key of the object with this number, from 1.
    let key: @Sendable (UInt32) throws(ObjectStorageError) -> ObjectKey
    let progress: @Sendable ([String: Int]) -> Void
    let checkpoint: JobCheckpoint
    let logger: Logger

    struct Result: Sendable {
        var objects: [Manifest.Object]
        var figures: [String: Int]
    }

    struct WrittenObject {
        var sequence: Int
        var records: Int
        var result: PutResult
        var dropped: Set<UInt32> = []
    }

    /// What all passes share.
    struct Ledger {
        var index = RecordIndex()
        var objects: [UInt32: WrittenObject] = [:]
        var pages = 0
        var bytes = 0
        var duplicates = 0
        var unidentified = 0
        var lastTotal: Int?
        var sequence = 0
        var highestObject: UInt32 = 0
        /// Pages that a former attempt had written.
        var resumed = 0
    }

    func run() async throws -> Result {
        let (found, pages) = try await resume()
        let ledger = Box(found)
        var passes = 0
        var isSettled = false
        while !isSettled, passes < maximumPasses {
            passes += 1
            isSettled = try await pass(passes, ledger, written: passes == 1 ? pages : nil)
        }
        return try await tidy(ledger, passes: passes, isSettled: isSettled)
    }

    // MARK: Passes

    /// Reads all pages once; true when nothing speaks for another pass.
    ///
    /// - Parameter written: in the first pass, the pages that need not be read, and the next attempt needn't either.
    private func pass(_ pass: Int, _ ledger: Box<Ledger>, written: WrittenPages?) async throws -> Bool {
        let before = ledger.withLock { (new: $0.index.count, duplicates: $0.duplicates) }
        // Once rows are known to move, pages are read one after another: only then is the order of answers the order in which
        // the vendor looked, and the version that came last is the latest.
        var walk = PageWalk(
            pageSize: query.pageSize, concurrency: pass == 1 ? concurrency : 1, after: written?.count ?? 0, total: written?.total)
        var written = written
        var changed = 0
        try await withThrowingTaskGroup(of: PageAnswer.self) { group in
            while true {
                while let page = walk.request() {
                    group.addTask { try await fetch(page, pass: pass, ledger) }
                }
                guard let answer = try await group.next() else { break }
                walk.answered(answer.page, records: answer.records, total: answer.total)
                changed += ledger.withLock { Self.merge(answer, into: &$0) }
                progress(ledger.withLock(Self.figures))
                if let object = answer.object, answer.records == query.pageSize,
                    written?.add(answer.page, sha256: object.result.sha256, bytes: answer.bytes, total: answer.total) == true,
                    let cursor = written?.cursor(query: queryDigest, at: Date())
                {
                    await checkpoint.save(step: PageCursor.step, cursor: cursor.value)
                }
            }
        }
        let after = ledger.withLock { (new: $0.index.count, duplicates: $0.duplicates, total: $0.lastTotal) }
        if pass > 1 { return after.new == before.new && changed == 0 }
        // Rows that came twice have moved; a total that isn't what was kept says that some were missed or are still coming.
        return after.duplicates == 0 && (after.total.map { $0 == after.new } ?? true)
    }

    private func fetch(_ page: Int, pass: Int, _ ledger: Box<Ledger>) async throws -> PageAnswer {
        try await client.conversationPage(query, number: page, limits: limits) { body in
            let sequence = ledger.withLock { ledger in
                ledger.sequence += 1
                return ledger.sequence
            }
            var sink = PageSink(
                store: store, options: options, key: key,
                number: {
                    // The first pass keeps the vendor's numbers; what later passes add comes after them.
                    guard pass > 1 else { return UInt32(clamping: page) }
                    return ledger.withLock { ledger in
                        ledger.highestObject += 1
                        return ledger.highestObject
                    }
                },
                isKnown: { identity, content in
                    pass > 1 && ledger.withLock { $0.index.find(identity)?.content == content }
                })
            do {
                var answer = body.makeReader()
                while try await answer.next({ sink.add($0) }) {
                    if sink.wantsFlush { try await sink.flush() }
                }
                let read = try answer.finish()
                let written = try await sink.finish()
                return PageAnswer(
                    page: page, sequence: sequence, records: read.recordCount, total: read.totalHits, bytes: read.bytes,
                    entries: written.entries, known: sink.known, unidentified: sink.unidentified,
                    object: written.object)
            } catch {
                await sink.abandon()
                throw error
            }
        }
    }

    /// Notes what an answer brought; returns how many conversations came in a new version.
    static func merge(_ answer: PageAnswer, into ledger: inout Ledger) -> Int {
        ledger.pages += 1
        ledger.bytes += answer.bytes
        ledger.unidentified += answer.unidentified
        ledger.lastTotal = answer.total ?? ledger.lastTotal
        guard let object = answer.object else { return 0 }
        ledger.highestObject = max(ledger.highestObject, object.number)
        ledger.objects[object.number] = WrittenObject(
            sequence: answer.sequence, records: answer.entries.count, result: object.result)
        var changed = 0
        for (line, entry) in answer.entries.enumerated() {
            let place = RecordIndex.Place(object: object.number, line: UInt32(line))
            guard let present = ledger.index.find(entry.identity) else {
                ledger.index.keep(entry.identity, content: entry.content, at: place)
                continue
            }
            ledger.duplicates += 1
            // The version that was asked for last wins; within one answer the later line.
            let presentSequence = ledger.objects[present.place.object]?.sequence ?? 0
            let isNewer = answer.sequence >= presentSequence
            let isSame = present.content == entry.content
            let loser = isNewer && !isSame ? present.place : place
            if isNewer && !isSame { ledger.index.keep(entry.identity, content: entry.content, at: place) }
            if !isSame { changed += 1 }
            ledger.objects[loser.object]?.dropped.insert(loser.line)
        }
        return changed
    }

    static func figures(_ ledger: inout Ledger) -> [String: Int] {
        ["pages": ledger.pages, "records": ledger.index.count, "vendor-bytes": ledger.bytes, "duplicates": ledger.duplicates]
    }

    // MARK: End

    /// Takes the superseded lines out of their objects and says what there is.
    private func tidy(_ ledger: Box<Ledger>, passes: Int, isSettled: Bool) async throws -> Result {
        let editor = ObjectEditor(store: store)
        var objects: [Manifest.Object] = []
        let written = ledger.withLock { $0.objects }
        for (number, object) in written.sorted(by: { $0.key < $1.key }) {
            try Task.checkCancellation()
            let key = try key(number)
            var result = object.result
            var records = object.records
            if !object.dropped.isEmpty {
                guard let edited = try await editor.remove(object.dropped, from: key, options: options) else { continue }
                result = edited.result
                records = edited.records
                progress(ledger.withLock(Self.figures))
            }
            objects.append(Manifest.Object(key: key.text, records: records, bytes: result.bytes, sha256: result.sha256))
        }
        var figures = ledger.withLock(Self.figures)
        figures["passes"] = passes
        figures["objects"] = objects.count
        figures["bytes"] = objects.reduce(0) { $0 + $1.bytes }
        figures["unidentified"] = ledger.withLock { $0.unidentified }
        figures["unsettled"] = isSettled ? 0 : 1
        let resumed = ledger.withLock { $0.resumed }
        if resumed > 0 { figures["resumed-pages"] = resumed }
        return Result(objects: objects, figures: figures)
    }
}

/// A value behind a lock, shared by a job's concurrent pages.
final class Box<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { body(&$0) }
    }
}
