internal import Contracts
internal import Crypto
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records
internal import WorkerKit

/// How an attempt goes on where another one stopped: the pages that are in the lake are read back instead of being asked for.
///
/// The result is the same as if this attempt had asked for them itself: the index and the objects are rebuilt from the very
/// bytes, and if these aren't what the checkpoint says, as after an end in the middle of tidying, the job begins anew.
extension DayExtraction {
    /// A digest of what is asked for: other filters or page sizes have other pages.
    var queryDigest: String { SHA256.hash(data: query.body(page: 1)).text }

    /// Where an attempt begins, and with what.
    struct Resumed {
        var ledger = PageLedger()
        var pages = WrittenPages()
        var listing = MovingListing()
        var start = PassStart(pass: 1)
        /// Whether of two versions of a row the wrong one may have won while they were read back.
        var isDoubtful = false
    }

    /// What a former attempt left, rebuilt; nothing when there is nothing, or nothing that can be trusted.
    func resume() async throws -> Resumed {
        guard let last = await checkpoint.last else { return Resumed() }
        if let cursor = PassCursor(last), cursor.pages.isUsable(query: queryDigest, now: Date()),
            let found = try await readBack(cursor.pages)
        {
            var resumed = Resumed(ledger: found.ledger, pages: found.pages, listing: cursor.listing, start: cursor.start)
            if cursor.start.pass == 1 {
                resumed.start.page = found.pages.count
            } else {
                resumed.ledger.beginLaterPass()
                resumed.ledger.outsideBefore = cursor.pages.outside
                resumed.ledger.hasConflicts = cursor.hasConflicts
                // What was asked for again after a failure was newer than its number says. Another pass over all pages puts
                // right what was mistaken for that.
                resumed.isDoubtful = cursor.hasConflicts
                if cursor.hasConflicts { resumed.start.hasNews = true }
            }
            logger.info(
                "going on where a former attempt stopped",
                metadata: ["pages": "\(cursor.pages.pages)", "pass": "\(cursor.start.pass)", "page": "\(resumed.start.page)"])
            return resumed
        }
        logger.notice("what a former attempt wrote is old or has changed; beginning anew")
        try await checkpoint.discard()
        return Resumed()
    }

    private func readBack(_ cursor: PageCursor) async throws -> (ledger: PageLedger, pages: WrittenPages)? {
        let reader = PageReader(
            store: store, concurrency: concurrency, maximumRecordBytes: limits.recordBytes, content: { $0.contentHash },
            key: { [key, numberBefore] (page) throws(ObjectStorageError) in try key(numberBefore + page) })
        return try await reader.read(cursor) { progress($0) }
    }

    /// Notes the pages of the first pass that are in the lake.
    func save(_ written: WrittenPages, _ ledger: Box<PageLedger>) async {
        await checkpoint.save(step: PageCursor.step, cursor: cursor(written, ledger.withLock { $0 }).value)
    }

    /// Notes how far a later pass has come, and all objects.
    func save(_ place: PassStart, listing: MovingListing, _ written: WrittenPages, _ ledger: Box<PageLedger>) async {
        let ledger = ledger.withLock { $0 }
        var pages = cursor(written, ledger)
        pages.bytes = ledger.bytes
        let cursor = PassCursor(pages: pages, start: place, listing: listing, hasConflicts: ledger.hasConflicts)
        await checkpoint.save(step: PassCursor.step, cursor: cursor.value)
    }

    private func cursor(_ written: WrittenPages, _ ledger: PageLedger) -> PageCursor {
        var cursor = written.cursor(query: queryDigest, at: Date())
        cursor.outside = ledger.outside.count + ledger.outsideBefore
        return cursor
    }
}
