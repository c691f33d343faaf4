internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import Records
internal import WorkerKit

/// What a conversation's record says of one of its evaluations.
struct Mention: Sendable {
    let reference: EvaluationRequest.Reference
    /// Nil where the system evaluated.
    let evaluator: String?
    /// In the spelling of analytics.
    let status: String
    let isReleased: Bool
    /// When something last happened to it, in milliseconds since 1970 UTC.
    let eventTime: Int64?
}

/// Finds evaluations by the conversations that carry them: those of former evaluators and of the system are in no listing.
struct MentionSearch: Sendable {
    let work: EvaluationWork

    struct Found: Sendable {
        /// By evaluation id.
        var mentions: [String: Mention] = [:]
        var pages = 0
        var halved = 0

        fileprivate mutating func add(_ other: Found) {
            mentions.merge(other.mentions) { $1 }
            pages += other.pages
            halved += other.halved
        }
    }

    /// Conversations are asked for in pieces of at most a day: longer intervals take the vendor long.
    private static let pieceMilliseconds: Int64 = 86_400_000
    private static let maximumPasses = 3
    private static let filter =
        #"{"evaluationFilters":[{"type":"and","predicates":[{"type":"dimension","dimension":"evaluationId","operator":"exists"}]}]}"#

    /// Finds what conversations mention that started in an interval, as far as it has passed.
    func find(from start: Int64, to end: Int64) async throws -> Found {
        let end = min(end, Int64(work.now().timeIntervalSince1970 * 1000))
        var pieces: [QueryInterval] = []
        var next = start
        while next < end {
            let stop = min(next + Self.pieceMilliseconds, end)
            if let piece = QueryInterval(startMilliseconds: next, endMilliseconds: stop) { pieces.append(piece) }
            next = stop
        }
        var found = Found()
        var waiting = pieces.makeIterator()
        try await withThrowingTaskGroup(of: Found.self) { group in
            var running = 0
            while true {
                while running < work.configuration.concurrency, let piece = waiting.next() {
                    running += 1
                    group.addTask { try await search(piece) }
                }
                guard let part = try await group.next() else { break }
                running -= 1
                found.add(part)
                work.context.progressed(["mention-pages": found.pages, "mentions": found.mentions.count])
            }
        }
        return found
    }

    /// Reads a piece; in halves where the vendor can't answer the whole.
    private func search(_ piece: QueryInterval) async throws -> Found {
        do {
            return try await read(piece)
        } catch let error as GenesysCloudError
            where error.kind == .unavailable(status: 504) || error.kind == .badRequest(.paginationTooDeep)
        {
            guard Double(piece.endMilliseconds - piece.startMilliseconds) > work.configuration.leastWindow * 1000,
                let halves = piece.halves
            else { throw error }
            var found = try await search(halves.0)
            found.add(try await search(halves.1))
            found.halved += 1
            return found
        }
    }

    /// Reads all pages of a piece, again when rows have moved.
    private func read(_ piece: QueryInterval) async throws -> Found {
        let query: ConversationDetailsQuery
        do {
            query = try ConversationDetailsQuery(interval: piece, requestBody: Self.filter)
        } catch {
            throw ExtractionFailure(
                reason: "bad-job", message: "\(error)", advice: "report this: the filter is Switchboard's own")
        }
        var found = Found()
        for _ in 0..<Self.maximumPasses {
            let before = found.mentions.count
            var records = 0
            var total: Int?
            var number = 1
            while true {
                let page = try await self.page(query, number)
                found.pages += 1
                for mention in page.mentions { found.mentions[mention.reference.evaluation] = mention }
                guard page.records > 0 else { break }
                records += page.records
                total = page.total ?? total
                // The vendor says the same as the page does: that this was the last. Otherwise only an empty one is.
                if page.records < query.pageSize, page.total == records { break }
                number += 1
            }
            // As many rows as the vendor says: none was missed because others came in before it.
            if total.map({ $0 == records }) ?? true { break }
            if found.mentions.count == before { break }
        }
        return found
    }

    private struct Page: Sendable {
        var mentions: [Mention] = []
        var records = 0
        var total: Int?
    }

    private func page(_ query: ConversationDetailsQuery, _ number: Int) async throws -> Page {
        try await work.client.conversationPage(query, number: number) { answer in
            var page = Page()
            var reader = answer.makeReader()
            while try await reader.next({ page.mentions += Self.mentions(in: $0) }) {}
            let read = try reader.finish()
            page.records = read.recordCount
            page.total = read.totalHits
            return page
        }
    }

    /// The evaluations that a conversation mentions; what has no id can't be asked for.
    static func mentions(in conversation: RawRecord) -> [Mention] {
        guard let id = conversation.string(of: "conversationId"), let list = conversation.rawValue(of: "evaluations") else {
            return []
        }
        var mentions: [Mention] = []
        RecordScanner.forEachElement(of: list) { element in
            let evaluation = RawRecord(bytes: element)
            guard let text = evaluation.string(of: "evaluationId"), let reference = EvaluationRequest.Reference("\(id)/\(text)")
            else { return }
            mentions.append(
                Mention(
                    reference: reference, evaluator: evaluation.string(of: "evaluatorId").flatMap { $0.isEmpty ? nil : $0 },
                    status: evaluation.string(of: "evaluationStatus") ?? "",
                    isReleased: evaluation.rawValue(of: "released").map { String(decoding: $0, as: UTF8.self) == "true" }
                        ?? false,
                    eventTime: evaluation.string(of: "eventTime").flatMap { VendorTime.parse($0) }))
        }
        return mentions
    }
}
