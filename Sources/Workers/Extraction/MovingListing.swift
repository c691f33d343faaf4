/// Says when a listing that moves while it is read has been read. Pure.
///
/// Pages are no snapshot: a row that comes in moves others to later pages, where they come twice; one that goes moves others to
/// pages that were read already, where they are missed. So a listing is read in passes:
///
/// 1. The first one is enough if no row came twice, every answer named the same total, and that is what was seen.
/// 2. A later one is enough if it brought nothing new and its totals stood still.
/// 3. If they didn't, a row may have come in behind the reader's back: then two such passes in a row are enough. So a vendor whose
///    totals are merely wrong costs three passes, not all of them.
public struct MovingListing: Sendable {
    private var passes = 0
    private var quietPasses = 0
    private var total: Int?
    private var hasMoved = false

    /// A listing that is still to be read.
    public init() {}

    /// Whether the pass at hand is the first.
    public var isFirstPass: Bool { passes <= 1 }

    /// Begins a pass.
    ///
    /// - Parameter total: what answers that needn't be asked for again had said.
    public mutating func beginPass(total: Int? = nil) {
        passes += 1
        self.total = total
        hasMoved = false
    }

    /// Notes the total that an answer named, if it did.
    public mutating func answered(total: Int?) {
        guard let total else { return }
        if let known = self.total, known != total { hasMoved = true }
        self.total = total
    }

    /// Ends a pass; whether the listing has been read.
    ///
    /// - Parameters:
    ///   - hasNews: whether the pass brought rows, or versions of rows, that weren't known.
    ///   - hasDuplicates: whether rows came twice.
    ///   - seen: how many rows are known.
    public mutating func endPass(hasNews: Bool, hasDuplicates: Bool, seen: Int) -> Bool {
        if isFirstPass { return !hasDuplicates && !hasMoved && (total.map { $0 == seen } ?? true) }
        guard !hasNews else {
            quietPasses = 0
            return false
        }
        quietPasses += 1
        return !hasMoved || quietPasses >= 2
    }
}
