/// Which page to ask for next, several ahead, and when the last one was seen. Pure.
///
/// The vendor's total is only a hint for how far to look ahead: the end is an empty page with none beyond it that isn't.
struct PageWalk: Sendable {
    let pageSize: Int
    /// Pages that may be asked for at a time.
    let concurrency: Int
    private var next = 1
    private var inFlight = 0
    /// An empty page means the end only if no page beyond it has anything.
    private var highestEmpty = 0
    private var highestFilled = 0
    private var hint: Int?

    init(pageSize: Int, concurrency: Int) {
        self.pageSize = max(1, pageSize)
        self.concurrency = max(1, concurrency)
    }

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
        // The hint covers the empty page after the last one, which is asked for anyway.
        if let total { hint = (max(0, min(total, 1 << 40)) + pageSize - 1) / pageSize + 1 }
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
