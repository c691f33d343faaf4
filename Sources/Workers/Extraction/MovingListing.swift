public import Contracts

/// Says when a listing that moves while it is read has been read. Pure.
///
/// Pages are no snapshot: a row that comes in moves others to later pages, where they come twice; one that goes moves others to
/// pages that were read already, where they are missed; and two that change places do both. So a listing is read in passes:
///
/// 1. The first one is enough if no row came twice, every answer named the same total, and that is what was seen. Without a total
///    it is enough if there was one page only.
/// 2. A later one is quiet if it brought nothing new, and no row twice or as many are known as its totals said all the while. A
///    quiet one is enough if its totals stood still and are what is known, or if there are none.
/// 3. If they aren't, a row may have been missed: then two quiet passes in a row are enough. So a vendor whose totals are merely
///    wrong costs three passes, not all of them; but rows that come twice in every pass are a listing that is never read.
public struct MovingListing: Sendable, Hashable {
    private var passes = 0
    private var quietPasses = 0
    private var answers = 0
    private var total: Int?
    private var hasMoved = false

    /// A listing that is still to be read.
    public init() {}

    /// Whether the pass at hand is the first.
    public var isFirstPass: Bool { passes <= 1 }

    /// The total that an answer named last; nil when none did in the last pass.
    public var lastTotal: Int? { total }

    /// Begins a pass.
    ///
    /// - Parameter total: what answers that needn't be asked for again had said.
    public mutating func beginPass(total: Int? = nil) {
        passes += 1
        answers = 0
        self.total = total
        hasMoved = false
    }

    /// Notes the total that an answer named, if it did. Call it for every answer.
    public mutating func answered(total: Int?) {
        answers += 1
        guard let total else { return }
        if let known = self.total, known != total { hasMoved = true }
        self.total = total
    }

    /// Ends a pass; whether the listing has been read.
    ///
    /// - Parameters:
    ///   - hasNews: whether the pass brought rows, or versions of rows, that weren't known.
    ///   - hasDuplicates: whether rows came twice in this pass.
    ///   - known: how many rows all passes have brought.
    ///   - distinct: how many rows this pass brought, each counted once; nil where nobody counts.
    ///   - pages: the pages of this pass that had rows; as many as there were answers unless said otherwise.
    public mutating func endPass(
        hasNews: Bool, hasDuplicates: Bool, known: Int, distinct: Int? = nil, pages: Int? = nil
    ) -> Bool {
        let isExact = !hasMoved && total.map { $0 == known || $0 == distinct } ?? false
        if isFirstPass { return !hasDuplicates && (total == nil ? (pages ?? answers) <= 1 : isExact) }
        guard !hasNews, !hasDuplicates || isExact else {
            quietPasses = 0
            return false
        }
        quietPasses += 1
        return total == nil || isExact || quietPasses >= 2
    }

    // MARK: Checkpoints

    /// Reads what `value` wrote; nil when it is something else.
    public init?(_ value: JSONValue) {
        func count(_ name: String) -> Int? { value[name]?.integer.flatMap { (0...(1 << 40)).contains($0) ? Int($0) : nil } }
        guard let passes = count("passes"), let quietPasses = count("quiet-passes"), let answers = count("answers"),
            let hasMoved = value["has-moved"]?.bool
        else { return nil }
        self.passes = passes
        self.quietPasses = quietPasses
        self.answers = answers
        self.hasMoved = hasMoved
        total = count("total")
    }

    /// What is known so far, for whoever goes on with the pass at hand.
    public var value: JSONValue {
        .object([
            "passes": .integer(Int64(passes)), "quiet-passes": .integer(Int64(quietPasses)), "answers": .integer(Int64(answers)),
            "has-moved": .bool(hasMoved), "total": total.map { .integer(Int64($0)) } ?? .null,
        ])
    }
}
