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
    /// An interval with more conversations than this is not for one job; nil when it can't be divided.
    let splitAbove: Int?
    /// After so many answers 504 to a page the interval is for shorter ones; nil when it can't be divided.
    let maximumTimeouts: Int?
    /// Whether a conversation is for this job to keep.
    let isOwned: @Sendable (RawRecord) -> Bool
    /// Objects have the numbers after this one.
    let numberBefore: UInt32
    /// The key of the object with this number.
    let key: @Sendable (UInt32) throws(ObjectStorageError) -> ObjectKey
    /// Whether an interval of which the vendor returns nothing is taken for empty, whatever total it names.
    let acceptsNothing: Bool
    let progress: @Sendable ([String: Int]) -> Void
    let checkpoint: JobCheckpoint
    let logger: Logger

    struct Result: Sendable {
        var objects: [Manifest.Object]
        var figures: [String: Int]
        /// The conversations that haven't ended, by id, and the number of the object that each is in.
        var open: [String: UInt32]
    }

    /// The interval has more conversations than one job may read.
    struct TooManyResults: Error {
        let total: Int
    }

    /// The vendor names a total but returns nothing.
    struct NothingOfSomething: Error {
        let total: Int
    }

    func run() async throws -> Result {
        let resumed = try await resume()
        let ledger = Box(resumed.ledger)
        var (listing, start) = (resumed.listing, resumed.start)
        // A pass in whose place versions may have been mistaken isn't the last one.
        let maximumPasses = resumed.isDoubtful ? max(maximumPasses, start.pass + 1) : maximumPasses
        var isSettled = try await pass(start, ledger, written: resumed.pages, &listing)
        while !isSettled, start.pass < maximumPasses {
            start = PassStart(pass: start.pass + 1)
            let written = ledger.withLock { ledger in
                ledger.beginLaterPass()
                return ledger.written(after: numberBefore)
            }
            isSettled = try await pass(start, ledger, written: written, &listing)
        }
        if let total = listing.lastTotal, total > 0, !acceptsNothing, ledger.withLock({ $0.seen == 0 }) {
            throw NothingOfSomething(total: total)
        }
        return try await tidy(ledger, passes: start.pass, isSettled: isSettled)
    }

    // MARK: Passes

    /// Reads the pages that a pass hasn't read yet; true when nothing speaks for another pass.
    ///
    /// - Parameter written: what is in the lake so far, and need not be read again by the next attempt.
    private func pass(
        _ start: PassStart, _ ledger: Box<PageLedger>, written: WrittenPages, _ listing: inout MovingListing
    ) async throws -> Bool {
        let pass = start.pass
        let before = ledger.withLock { $0.index.count }
        if pass == 1 || start.page == 0 { listing.beginPass(total: pass == 1 ? written.total : nil) }
        // Once rows are known to move, pages are read one after another: only then is the order of answers the order in which
        // the vendor looked, and the version that came last is the latest.
        var walk = PageWalk(
            pageSize: query.pageSize, concurrency: pass == 1 ? concurrency : 1, after: start.page, total: listing.lastTotal)
        var written = written
        var hasNews = start.hasNews
        var filled = start.page
        try await withThrowingTaskGroup(of: PageAnswer.self) { group in
            while true {
                while let page = walk.request() {
                    group.addTask { try await fetch(page, pass: pass, ledger) }
                }
                guard let answer = try await group.next() else { break }
                walk.answered(answer.page, records: answer.records, total: answer.total)
                listing.answered(total: answer.total)
                if answer.records > 0 { filled += 1 }
                if let splitAbove, let total = answer.total, total > splitAbove { throw TooManyResults(total: total) }
                let changed = ledger.withLock { $0.merge(answer) }
                if changed > 0 || ledger.withLock({ $0.index.count }) > before { hasNews = true }
                progress(ledger.withLock { $0.figures })
                // A page with room left has more by the time of the next attempt.
                let isFull = answer.records == query.pageSize
                if pass > 1 {
                    if let object = answer.object {
                        written.add(object: Int(object.number - numberBefore), sha256: object.result.sha256)
                    }
                    let place = PassStart(pass: pass, page: answer.page, hasNews: hasNews)
                    if isFull { await save(place, listing: listing, written, ledger) }
                } else if isFull,
                    written.add(
                        answer.page, sha256: answer.object?.result.sha256 ?? WrittenPages.nothing, bytes: answer.bytes,
                        total: answer.total)
                {
                    await save(written, ledger)
                }
            }
        }
        let after = ledger.withLock { (seen: $0.seen, duplicates: $0.duplicates + $0.outsideTwice) }
        // Later passes write no line for a row that comes again as it is known, so only the first one knows what came twice.
        return listing.endPass(
            hasNews: hasNews, hasDuplicates: pass == 1 && after.duplicates > 0, known: after.seen, pages: filled)
    }

    private func fetch(_ page: Int, pass: Int, _ ledger: Box<PageLedger>) async throws -> PageAnswer {
        try await client.conversationPage(query, number: page, limits: limits, maximumTimeouts: maximumTimeouts) { body in
            let sequence = ledger.withLock { ledger in
                ledger.sequence += 1
                return ledger.sequence
            }
            var sink = PageSink(
                store: store, options: options, key: key,
                content: { $0.contentHash },
                number: {
                    // The first pass keeps the vendor's numbers; what later passes add comes after them. Their pages come one
                    // after another, so the number of an answer that broke off is its successor's.
                    guard pass > 1 else { return numberBefore + UInt32(clamping: page) }
                    return max(ledger.withLock { $0.highestObject }, numberBefore) + 1
                },
                isOwned: isOwned,
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
                    entries: written.entries, known: sink.known, unidentified: sink.unidentified, outside: sink.outside,
                    object: written.object)
            } catch {
                await sink.abandon()
                throw error
            }
        }
    }

    // MARK: End

    /// Takes the superseded lines out of their objects and says what there is.
    private func tidy(_ ledger: Box<PageLedger>, passes: Int, isSettled: Bool) async throws -> Result {
        let ledger = ledger.withLock { $0 }
        let objects = try await ledger.tidied(in: store, options: options, key: key, progress: progress)
        var figures = ledger.figures
        figures["passes"] = passes
        figures["objects"] = objects.count
        figures["bytes"] = objects.reduce(0) { $0 + $1.bytes }
        figures["unidentified"] = ledger.unidentified
        figures["unsettled"] = isSettled ? 0 : 1
        if ledger.resumed > 0 { figures["resumed-pages"] = ledger.resumed }
        return Result(objects: objects, figures: figures, open: ledger.openObjects)
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
