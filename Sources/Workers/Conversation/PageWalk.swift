/// Which page to ask for next, several ahead, and when the last one was seen. Pure.
///
/// The vendor's total is only a hint for how far to look ahead: the end is an empty page with none beyond it that isn't.
struct PageWalk: Sendable {
    let pageSize: Int
    /// Pages that may be asked for at a time.
    let concurrency: Int
    private var next: Int
    private var inFlight = 0
    /// An empty page means the end only if no page beyond it has anything.
    private var highestEmpty = 0
    private var highestFilled: Int
    private var hint: Int?

    /// A walk.
    ///
    /// - Parameters:
    ///   - page: the page up to which all are known and have something; 0 for none.
    ///   - total: the vendor's total, where it has said one.
    init(pageSize: Int, concurrency: Int, after page: Int = 0, total: Int? = nil) {
        self.pageSize = max(1, pageSize)
        self.concurrency = max(1, concurrency)
        next = page + 1
        highestFilled = page
        if let total { look(ahead: total) }
    }

    /// The hint covers the empty page after the last one, which is asked for anyway.
    private mutating func look(ahead total: Int) { hint = (max(0, min(total, 1 << 40)) + pageSize - 1) / pageSize + 1 }

    /// The next page to ask for now; nil to wait for an answer first, or at the end.
    mutating func request() -> Int? {
        guard inFlight < concurrency, highestEmpty <= highestFilled else { return nil }
        // Nothing is known before the first answer; later, beyond the hint, one page at a time.
        let isSpeculative = hint.map { next > $0 } ?? (next > 1)
        guard inFlight == 0 || !isSpeculative else { return nil }
        defer {
            next += 1
            inFlight += 1
        }
        return next
    }

    /// Takes in the answer of a page that was asked for.
    mutating func answered(_ page: Int, records: Int, total: Int?) {
        inFlight -= 1
        if let total { look(ahead: total) }
        if records == 0 {
            highestEmpty = max(highestEmpty, page)
        } else {
            // Rows may come in while we look: then what was empty before this page no longer means the end.
            highestFilled = max(highestFilled, page)
        }
    }

    /// Whether every page up to an empty one was answered, and none beyond it has anything.
    var isComplete: Bool { inFlight == 0 && highestEmpty > highestFilled }
}
