internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud
internal import Logging
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
    /// Whether the conversation says that it's gone: the mention stays.
    let isDeleted: Bool
    /// When something last happened to it, in milliseconds since 1970 UTC.
    let eventTime: Int64?
}

/// Finds evaluations by the conversations that carry them: those of former evaluators and of the system are in no listing.
///
/// Rows move while they are paged through, so a row that came twice may stand for another that was missed. A piece of time is read
/// in passes, forwards and backwards in turn:
///
/// 1. The first pass is enough if no conversation came twice, every page named the same total, and that is how many came; or if
///    everything came in one page.
/// 2. A later pass is enough if it also brought nothing new. Two passes in a row that bring nothing new are enough if no conversation
///    came twice, because there are vendors whose totals are wrong, or if as many are known as there are.
/// 3. After the last pass the search goes on with what it has, and says so.
struct MentionSearch: Sendable {
    let work: EvaluationWork

    struct Found: Sendable {
        /// By evaluation id.
        var mentions: [String: Mention] = [:]
        var pages = 0
        var halved = 0
        /// Pieces that were answered.
        var answered = 0
        /// Pieces that the vendor refused: it may not answer for times long past.
        var refused = 0
        /// Pieces whose rows never came to rest.
        var unsettled = 0
        /// One of the refusals.
        var refusal: GenesysCloudError?
        fileprivate var isCut = false

        fileprivate mutating func add(_ other: Found) {
            mentions.merge(other.mentions) { old, new in
                (old.eventTime ?? Int64.min) > (new.eventTime ?? Int64.min) ? old : new
            }
            pages += other.pages
            halved += other.halved
            answered += other.answered
            refused += other.refused
            unsettled += other.unsettled
            refusal = refusal ?? other.refusal
        }
    }

    /// Conversations are asked for in pieces of at most a day: longer intervals take the vendor long.
    private static let pieceMilliseconds: Int64 = 86_400_000
    private static let maximumPasses = 6
    /// So many pages in a row without a conversation that wasn't in the pass yet, and it goes in circles.
    private static let maximumStalePages = 5
    private static let maximumPages =
        ConversationDetailsQuery.maximumResults / ConversationDetailsQuery.maximumPageSize + 1
    private static let filter =
        #"{"evaluationFilters":[{"type":"and","predicates":[{"type":"dimension","dimension":"evaluationId","operator":"exists"}]}]}"#

    /// Finds what conversations mention that started in an interval, as far as it has passed and the vendor answers for it.
    ///
    /// - Throws: what the vendor says, if it refuses everything and nothing else finds evaluations.
    func find(from start: Int64, to end: Int64) async throws -> Found {
        let now = Int64(work.now().timeIntervalSince1970 * 1000)
        let end = min(end, now)
        var next = start
        if work.configuration.mentionReach > 0 { next = max(next, now - Int64(work.configuration.mentionReach * 1000)) }
        var pieces: [QueryInterval] = []
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
        if let refusal = found.refusal {
            if found.answered == 0, !work.configuration.discovery.contains(.evaluators) { throw refusal }
            work.logger.warning(
                """
                the vendor refuses to search conversations of so many intervals, so evaluations that no listing has may be missing; \
                evaluations.mention-reach says how far back it answers
                """,
                metadata: ["intervals": "\(found.refused)", "of": "\(found.refused + found.answered)", "error": "\(refusal)"])
        }
        if found.unsettled > 0 {
            work.logger.warning(
                "conversations came twice or were too few in every pass, so evaluations that no listing has may be missing",
                metadata: ["intervals": "\(found.unsettled)", "of": "\(found.refused + found.answered)"])
        }
        return found
    }

    /// Reads a piece; in halves where the vendor can't answer the whole.
    private func search(_ piece: QueryInterval) async throws -> Found {
        do {
            let found = try await read(piece)
            guard found.isCut, let halves = halves(of: piece) else { return found }
            return try await search(halves, pages: found.pages)
        } catch let error as GenesysCloudError {
            let isTimeout = error.kind == .unavailable(status: 504)
            let isTooMuch = error.kind == .badRequest(.paginationTooDeep) || error.kind == .badRequest(.intervalTooLong)
            if isTimeout || isTooMuch, let halves = halves(of: piece) { return try await search(halves, pages: 0) }
            // One interval that can't be asked for is no reason to give up what listings and the other intervals know.
            guard error.status == 400 else { throw error }
            var found = Found()
            found.refused = 1
            found.refusal = error
            return found
        }
    }

    private func search(_ halves: (QueryInterval, QueryInterval), pages: Int) async throws -> Found {
        var found = try await search(halves.0)
        found.add(try await search(halves.1))
        found.halved += 1
        found.pages += pages
        return found
    }

    private func halves(of piece: QueryInterval) -> (QueryInterval, QueryInterval)? {
        let length = Double(piece.endMilliseconds - piece.startMilliseconds)
        return length > work.configuration.leastWindow * 1000 ? piece.halves : nil
    }

    /// Reads all pages of a piece, again when rows have moved.
    private func read(_ piece: QueryInterval) async throws -> Found {
        var found = Found()
        found.answered = 1
        var known: Set<RecordIdentity> = []
        var quiet = 0
        for number in 0..<Self.maximumPasses {
            let before = (known.count, found.mentions.count)
            let query = try self.query(piece, number.isMultiple(of: 2) ? .ascending : .descending)
            let pass = try await read(query, &found, &known)
            guard !found.isCut else { break }
            let isWhole = pass.isWhole(known.count)
            if number == 0 {
                if isWhole { return found }
                continue
            }
            quiet = before == (known.count, found.mentions.count) ? quiet + 1 : 0
            let isCounted = !pass.hasMoved && pass.total == known.count
            if quiet > 0 && isWhole || quiet > 1 && (isCounted || pass.isOrderly) { return found }
        }
        found.unsettled = 1
        return found
    }

    private func query(_ piece: QueryInterval, _ order: DetailsOrder) throws(ExtractionFailure) -> ConversationDetailsQuery {
        do {
            return try ConversationDetailsQuery(interval: piece, order: order, requestBody: Self.filter)
        } catch {
            throw ExtractionFailure(
                reason: "bad-job", message: "\(error)", advice: "report this: the filter is Switchboard's own")
        }
    }

    /// What a pass over a piece showed.
    private struct Pass {
        /// Pages that had something new for the pass.
        var pages = 0
        var hasDuplicates = false
        var hasMoved = false
        /// Whether it ended because a page came again, not because there was none any more.
        var isRepeated = false
        var total: Int?

        mutating func note(_ named: Int?) {
            guard let named else { return }
            if let total, total != named { hasMoved = true }
            total = named
        }

        /// Whether nothing hints at rows that were missed.
        func isWhole(_ known: Int) -> Bool {
            if hasDuplicates { return false }
            return pages <= 1 && !isRepeated || !hasMoved && (total.map { $0 == known } ?? true)
        }

        /// Whether nothing but totals hints at rows that were missed.
        var isOrderly: Bool { !hasDuplicates && !isRepeated }
    }

    private func read(
        _ query: ConversationDetailsQuery, _ found: inout Found, _ known: inout Set<RecordIdentity>
    ) async throws -> Pass {
        var pass = Pass()
        var seen: Set<RecordIdentity> = []
        var last: UInt64?
        var stale = 0
        for number in 1...Self.maximumPages {
            let page = try await self.page(query, number)
            found.pages += 1
            guard !page.rows.isEmpty else { return pass }
            pass.note(page.total)
            let fresh = page.rows.count { seen.insert($0).inserted }
            // A vendor that knows no further page may answer the last one for ever.
            if fresh == 0, page.content == last {
                pass.isRepeated = true
                return pass
            }
            last = page.content
            for mention in page.mentions { found.mentions[mention.reference.evaluation] = mention }
            known.formUnion(page.rows)
            pass.pages += fresh > 0 ? 1 : 0
            pass.hasDuplicates = pass.hasDuplicates || fresh < page.rows.count
            stale = fresh > 0 ? 0 : stale + 1
            if stale >= Self.maximumStalePages {
                pass.isRepeated = true
                return pass
            }
            // The vendor says the same as the page does: that this was the last. Otherwise only an empty one is.
            if page.rows.count < query.pageSize, page.total == seen.count { return pass }
        }
        found.isCut = true
        return pass
    }

    fileprivate struct Page: Sendable {
        var mentions: [Mention] = []
        /// The conversations; what has no id is known by its content.
        var rows: [RecordIdentity] = []
        var total: Int?
        /// A hash of all rows.
        var content: UInt64 = 0
    }

    private func page(_ query: ConversationDetailsQuery, _ number: Int) async throws -> Page {
        try await work.client.conversationPage(query, number: number) { answer in
            var page = Page()
            var reader = answer.makeReader()
            while try await reader.next({ page.add($0) }) {}
            page.total = try reader.finish().totalHits
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
            func isTrue(_ key: String) -> Bool {
                evaluation.rawValue(of: key).map { String(decoding: $0, as: UTF8.self) == "true" } ?? false
            }
            mentions.append(
                Mention(
                    reference: reference, evaluator: evaluation.string(of: "evaluatorId").flatMap { $0.isEmpty ? nil : $0 },
                    status: evaluation.string(of: "evaluationStatus") ?? "", isReleased: isTrue("released"),
                    isDeleted: isTrue("deleted"), eventTime: evaluation.string(of: "eventTime").flatMap { VendorTime.parse($0) }))
        }
        return mentions
    }
}

extension MentionSearch.Page {
    fileprivate mutating func add(_ conversation: RawRecord) {
        mentions += MentionSearch.mentions(in: conversation)
        rows.append(
            conversation.string(of: "conversationId").map { RecordIdentity($0) } ?? RecordIdentity(digestOf: conversation.bytes))
        content = content &* 0x9e37_79b9_7f4a_7c15 &+ conversation.contentHash
    }
}
