/// Makes records move while somebody pages through them, as happens when a listing isn't a snapshot.
public struct PageShift: Sendable, Codable, Equatable {
    /// What moves the records.
    public enum Mode: String, Sendable, Codable, CaseIterable {
        /// Nothing.
        case none
        /// Conversations turn up late in the part already read. Records come twice, and a reader that doesn't come back
        /// misses the new ones; the new ones belong to the truth.
        case insert
        /// The listing slips back by some records. Records come twice, nothing is missed by a reader that goes on to the
        /// first empty page.
        case overlap
    }

    /// What moves the records.
    public var mode: Mode = .none
    /// After every so many pages of one query.
    public var everyPages = 3
    /// By so many records.
    public var rows = 2
    /// So many of the records that come again come changed.
    public var changed = 1
    /// The records by which one query moves in all.
    public var limit = 50

    /// Makes a shift that does nothing until its mode is set.
    public init() {}

    /// Makes a shift with the usual figures.
    public init(mode: Mode) {
        self.mode = mode
    }

    /// Names what is out of range, one sentence each.
    var problems: [String] {
        var problems: [String] = []
        if everyPages < 1 { problems.append("page shift: every-pages must be at least 1, not \(everyPages)") }
        if !(0...100).contains(rows) { problems.append("page shift: rows must be 0 to 100, not \(rows)") }
        if !(0...100).contains(changed) { problems.append("page shift: changed must be 0 to 100, not \(changed)") }
        if !(0...100_000).contains(limit) { problems.append("page shift: limit must be 0 to 100000, not \(limit)") }
        return problems
    }
}

/// How far one paged listing has moved.
struct PagingSession {
    var pages = 0
    /// Records by which the listing slipped back (mode overlap).
    var slipped = 0
    /// Records inserted on its behalf (mode insert).
    var inserted = 0
}
