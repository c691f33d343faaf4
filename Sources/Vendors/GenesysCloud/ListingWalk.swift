import Records

/// Decides which page of a listing comes next, and when it has ended. Pure.
///
/// 1. `nextUri` decides where a listing has URIs: totals and page counts are known to be wrong.
/// 2. Role members and others have no URIs: there the page number goes up to the page count, or while pages are full.
/// 3. An empty page ends everything but cursor paging, where it may have a successor, and listings that only their addresses lead
///    through: there up to ten in a row are passed.
/// 4. An address that was read already, or that may not be called, is not followed: counting pages takes its place, from the
///    second one on.
struct ListingWalk: Sendable {
    /// What is known of an answer.
    struct Answer {
        let envelope: Envelope
        /// A hash of its records.
        let content: UInt64
    }

    /// More pages than any listing has: a vendor that never ends must not keep a worker for ever.
    static let maximumPages = 100_000

    /// So many empty pages in a row are passed.
    private static let maximumEmptyPages = 10

    private let query: ListingQuery
    private(set) var figures = ListingFigures()
    private var visited: Set<String> = []
    private var lastContent: UInt64?
    private var number = 1
    private var emptyPages = 0
    /// Whether an answer had any address of a page.
    private var hasURIs = false
    /// Whether the answer's page was asked for by the vendor's address.
    private var wasFollowed = false
    /// Whether the vendor's addresses were of no use, so that pages are counted until one is empty.
    private var isCounting = false

    init(_ query: ListingQuery) {
        self.query = query
        visited.insert(query.firstPath)
    }

    /// Takes in an answer; returns the path of the next page, nil at the end.
    mutating func next(after answer: Answer) -> String? {
        let envelope = answer.envelope
        figures.pages += 1
        figures.records += envelope.recordCount
        if !envelope.hasArray { figures.missingArrays += 1 }
        if let size = envelope.integer(of: "pageSize"), let asked = query.pageSize, size < asked { figures.reducedPages += 1 }
        let isRepeated = envelope.recordCount > 0 && lastContent == answer.content
        lastContent = answer.content
        if isRepeated {
            figures.repeatedPages += 1
            figures.records -= envelope.recordCount
            // By number it's a vendor that answers the last page for any page behind it; by address, one that stands still.
            guard wasFollowed, query.paging == .pages || query.paging == .uris else { return end(envelope) }
            let path = count()
            number = 2
            return path
        }
        guard let path = path(after: envelope), figures.pages < Self.maximumPages else { return end(envelope) }
        visited.insert(path)
        number += 1
        return path
    }

    /// Whether the next page would be one too many.
    var isEndless: Bool { figures.pages >= Self.maximumPages }

    private mutating func path(after envelope: Envelope) -> String? {
        switch query.paging {
        case .single:
            // Nothing is known to follow; what the vendor says follows is read nevertheless.
            guard let uri = envelope.text(of: "nextUri") else { return nil }
            if let path = query.path(following: uri), !visited.contains(path) { return path }
            figures.strayURIs += 1
            return nil
        case .cursor(let parameter): return cursorPath(envelope, parameter)
        case .pages, .uris:
            emptyPages = envelope.recordCount > 0 ? 0 : emptyPages + 1
            guard envelope.recordCount > 0 else { return pathPastEmpty(envelope) }
            hasURIs =
                hasURIs || ["nextUri", "selfUri", "firstUri", "lastUri", "previousUri"].contains { envelope.text(of: $0) != nil }
            if isCounting { return query.path(page: number + 1) }
            wasFollowed = false
            if let uri = envelope.text(of: "nextUri") {
                guard let path = query.path(following: uri), !visited.contains(path) else { return count() }
                wasFollowed = true
                return path
            }
            guard !hasURIs || query.paging == .pages else { return nil }
            let hasMore =
                if let pages = envelope.integer(of: "pageCount") {
                    number < pages
                } else {
                    // Without a count only a page that isn't full is the last one for sure.
                    !hasURIs && envelope.recordCount >= (envelope.integer(of: "pageSize") ?? query.pageSize ?? Int.max)
                }
            return hasMore ? query.path(page: number + 1) : nil
        }
    }

    /// Where the vendor filters after it has made pages, an empty one needn't be the last.
    private mutating func pathPastEmpty(_ envelope: Envelope) -> String? {
        guard query.paging == .uris, !isCounting, let uri = envelope.text(of: "nextUri"),
            let path = query.path(following: uri), !visited.contains(path)
        else { return nil }
        guard emptyPages <= Self.maximumEmptyPages else {
            figures.strayURIs += 1
            return nil
        }
        wasFollowed = true
        return path
    }

    /// Gives up the vendor's addresses. It isn't known which pages they led to, so counting begins with the second page; rows that
    /// come twice are told apart by id.
    private mutating func count() -> String {
        figures.strayURIs += 1
        isCounting = true
        wasFollowed = false
        number = 1
        lastContent = nil
        return query.path(page: 2)
    }

    private mutating func cursorPath(_ envelope: Envelope, _ parameter: String) -> String? {
        if let uri = envelope.text(of: "nextUri") {
            if let path = query.path(following: uri), !visited.contains(path) { return path }
            figures.strayURIs += 1
            return nil
        }
        let nested = envelope.rawValue(of: "cursors").flatMap { bytes in
            bytes.withUnsafeBytes { RawRecord(bytes: $0).string(of: parameter) }
        }
        guard let cursor = nested ?? envelope.text(of: parameter) ?? envelope.text(of: "cursor"), !cursor.isEmpty else {
            return nil
        }
        let path = query.path(cursor: cursor, in: parameter)
        guard !visited.contains(path) else {
            figures.strayURIs += 1
            return nil
        }
        return path
    }

    private mutating func end(_ envelope: Envelope) -> String? {
        if let total = envelope.integer(of: "total"), total != figures.records { figures.wrongTotals += 1 }
        return nil
    }
}

extension Envelope {
    /// A text that isn't empty.
    fileprivate func text(of key: String) -> String? { string(of: key).flatMap { $0.isEmpty ? nil : $0 } }
}
