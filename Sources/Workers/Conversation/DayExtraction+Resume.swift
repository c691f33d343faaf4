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

    /// What a former attempt left, rebuilt; nothing when there is nothing, or nothing that can be trusted.
    func resume() async throws -> (ledger: PageLedger, pages: WrittenPages) {
        guard let last = await checkpoint.last else { return (PageLedger(), WrittenPages()) }
        if last.step == PageCursor.step, let cursor = PageCursor(last.cursor),
            cursor.isUsable(query: queryDigest, now: Date()), let found = try await readBack(cursor)
        {
            logger.info("going on where a former attempt stopped", metadata: ["pages": "\(cursor.pages)"])
            return found
        }
        logger.notice("what a former attempt wrote is old or has changed; beginning anew")
        try await checkpoint.discard()
        return (PageLedger(), WrittenPages())
    }

    private func readBack(_ cursor: PageCursor) async throws -> (ledger: PageLedger, pages: WrittenPages)? {
        let reader = PageReader(
            store: store, concurrency: concurrency, maximumRecordBytes: limits.recordBytes, content: { $0.contentHash },
            key: { [key, numberBefore] (page) throws(ObjectStorageError) in try key(numberBefore + page) })
        return try await reader.read(cursor) { progress($0) }
    }
}
