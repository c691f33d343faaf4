internal import Crypto
internal import Extraction
internal import ObjectStorage
internal import Records

/// Reads the pages back that a former attempt wrote: the index is rebuilt from the very bytes.
struct PageReader: Sendable {
    let store: any ObjectStore
    let concurrency: Int
    let maximumRecordBytes: Int
    /// What tells two versions of a record apart.
    let content: @Sendable (RawRecord) -> UInt64
    /// The key of the object of this page.
    let key: @Sendable (UInt32) throws(ObjectStorageError) -> ObjectKey

    /// The most records that an object of a page has.
    private static let maximumRecords = 100_000

    /// The pages up to a cursor, and what they brought; nil when they aren't what the cursor says.
    func read(
        _ cursor: PageCursor, progress: ([String: Int]) -> Void
    ) async throws -> (ledger: PageLedger, pages: WrittenPages)? {
        var ledger = PageLedger()
        var pages = WrittenPages()
        var next = 1
        while next <= cursor.pages {
            let batch = next..<min(next + concurrency, cursor.pages + 1)
            let answers = try await withThrowingTaskGroup(of: PageAnswer?.self) { group in
                for page in batch { group.addTask { try await read(page) } }
                var answers: [PageAnswer] = []
                for try await answer in group { if let answer { answers.append(answer) } }
                return answers.sorted { $0.page < $1.page }
            }
            guard answers.count == batch.count else { return nil }
            for answer in answers {
                _ = ledger.merge(answer)
                _ = pages.add(answer.page, sha256: answer.object?.result.sha256 ?? WrittenPages.nothing, bytes: 0, total: nil)
            }
            next = batch.upperBound
            progress(ledger.figures)
        }
        guard pages.digest == cursor.digest else { return nil }
        ledger.sequence = cursor.pages
        ledger.bytes = cursor.bytes
        ledger.resumed = cursor.pages
        ledger.outsideBefore = cursor.outside
        pages.restore(cursor)
        return (ledger, pages)
    }

    /// The answer that an object was written from, as far as it matters; nil when the object is none of ours. A page of which
    /// nothing was kept has none: the digest over all pages says whether that is right.
    private func read(_ page: Int) async throws -> PageAnswer? {
        let body: ObjectBody
        do throws(ObjectStorageError) {
            body = try await store.get(try key(UInt32(page)))
        } catch {
            guard error.kind == .notFound else { throw error }
            return PageAnswer(
                page: page, sequence: page, records: 0, total: nil, bytes: 0, entries: [], known: 0, unidentified: 0, outside: [],
                object: nil)
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
                entries.append(line.withUnsafeBytes { PageAnswer.Entry(line: $0, content: content) })
                line.removeAll(keepingCapacity: true)
                begin = end + 1
            }
            line += chunk[begin...]
            guard line.count <= maximumRecordBytes, entries.count <= Self.maximumRecords else { return nil }
        }
        guard line.isEmpty, !entries.isEmpty else { return nil }
        return PageAnswer(
            page: page, sequence: page, records: entries.count, total: nil, bytes: 0, entries: entries, known: 0,
            unidentified: entries.count { !$0.isIdentified }, outside: [],
            object: (try objectNumber(page), PutResult(bytes: bytes, sha256: hash.finalize().text)))
    }

    private func objectNumber(_ page: Int) throws(ObjectStorageError) -> UInt32 {
        // The key ends with the object's number, which is the page's for a first extract and lies higher for a correction.
        let name = try key(UInt32(page)).text.dropLast(5)
        return name.split(separator: "_").last.flatMap { UInt32($0) } ?? UInt32(page)
    }
}
