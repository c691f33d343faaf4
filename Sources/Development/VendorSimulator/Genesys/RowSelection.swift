/// The rows that match a query, in order of start; without filters merely ranges of indexes.
struct RowSelection: Sendable {
    private enum Content: Sendable {
        case spans(earlier: [Row], [Span])
        case list([Row])
    }

    struct Span: Sendable {
        var day: Int32
        var indexes: Range<UInt32>
    }

    private let content: Content
    let count: Int
    /// The selection holds from this instant on.
    private let madeAt: SimulatorInstant
    /// The selection holds before this instant; nil: for ever.
    private let validUntil: SimulatorInstant?

    /// - Parameter earlier: single rows before the spans.
    init(earlier: [Row] = [], spans: [Span], madeAt: SimulatorInstant, validUntil: SimulatorInstant?) {
        self.madeAt = madeAt
        content = .spans(earlier: earlier, spans)
        count = spans.reduce(earlier.count) { $0 + $1.indexes.count }
        self.validUntil = validUntil
    }

    init(list: [Row], madeAt: SimulatorInstant, validUntil: SimulatorInstant?) {
        self.madeAt = madeAt
        content = .list(list)
        count = list.count
        self.validUntil = validUntil
    }

    /// Whether another look at `now` would find the same rows; clocks are also set back.
    func holds(at now: SimulatorInstant) -> Bool {
        madeAt <= now && (validUntil.map { now < $0 } ?? true)
    }

    /// The row at a position, which must be within ``count``.
    subscript(position: Int) -> Row {
        switch content {
        case .list(let rows): return rows[position]
        case .spans(let earlier, let spans):
            if position < earlier.count { return earlier[position] }
            var rest = position - earlier.count
            for span in spans {
                if rest < span.indexes.count { return Row(day: span.day, index: span.indexes.lowerBound + UInt32(rest)) }
                rest -= span.indexes.count
            }
            preconditionFailure("position \(position) is past the \(count) rows of a selection")
        }
    }
}
