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
    func resume() async throws -> (ledger: Ledger, pages: WrittenPages) {
        guard let last = await checkpoint.last else { return (Ledger(), WrittenPages()) }
        if last.step == PageCursor.step, let cursor = PageCursor(last.cursor),
            cursor.isUsable(query: queryDigest, now: Date()), let found = try await readBack(cursor)
        {
            logger.info("going on where a former attempt stopped", metadata: ["pages": "\(cursor.pages)"])
            return found
        }
        logger.notice("what a former attempt wrote is old or has changed; beginning anew")
        try await checkpoint.discard()
        return (Ledger(), WrittenPages())
    }

    private func readBack(_ cursor: PageCursor) async throws -> (ledger: Ledger, pages: WrittenPages)? {
        var ledger = Ledger()
        var pages = WrittenPages()
        var next = 1
        while next <= cursor.pages {
            let batch = next..<min(next + concurrency, cursor.pages + 1)
            let answers = try await withThrowingTaskGroup(of: PageAnswer?.self) { group in
                for page in batch { group.addTask { try await readBack(page) } }
                var answers: [PageAnswer] = []
                for try await answer in group { if let answer { answers.append(answer) } }
                return answers.sorted { $0.page < $1.page }
            }
            guard answers.count == batch.count else { return nil }
            for answer in answers {
                guard let object = answer.object else { return nil }
                _ = Self.merge(answer, into: &ledger)
                _ = pages.add(answer.page, sha256: object.result.sha256, bytes: 0, total: nil)
            }
            next = batch.upperBound
            progress(Self.figures(&ledger))
        }
        guard pages.digest == cursor.digest else { return nil }
        ledger.sequence = cursor.pages
        ledger.bytes = cursor.bytes
        ledger.lastTotal = cursor.total
        ledger.resumed = cursor.pages
        pages.restore(cursor)
        return (ledger, pages)
    }

    /// The answer that an object was written from, as far as it matters; nil when the object isn't there, or is none of ours.
    private func readBack(_ page: Int) async throws -> PageAnswer? {
        let body: ObjectBody
        do throws(ObjectStorageError) {
            body = try await store.get(try key(UInt32(page)))
        } catch {
            guard error.kind == .notFound else { throw error }
            return nil
        }
        var hash = SHA256()
        var bytes = 0
        var entries: [PageAnswer.Entry] = []
        var line: [UInt8] = []
        for try await chunk in body {
            hash.update(data: chunk)
            bytes += chunk.count
            var begin = 0
            while let end = chunk[begin...].firstIndex(of: UInt8(ascii: "\n")) {
                line += chunk[begin..<end]
                entries.append(line.withUnsafeBytes { PageAnswer.Entry(line: $0) })
                line.removeAll(keepingCapacity: true)
                begin = end + 1
            }
            line += chunk[begin...]
            guard line.count <= limits.recordBytes, entries.count <= query.pageSize else { return nil }
        }
        guard line.isEmpty, entries.count == query.pageSize else { return nil }
        return PageAnswer(
            page: page, sequence: page, records: entries.count, total: nil, bytes: 0, entries: entries, known: 0,
            unidentified: entries.count { !$0.isIdentified },
            object: (UInt32(page), PutResult(bytes: bytes, sha256: hash.finalize().text)))
    }
}
