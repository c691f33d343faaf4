/// The rows that match a query, in order of start; without filters merely ranges of indexes.
struct RowSelection: Sendable {
    private enum Content: Sendable {
        case spans([Span])
        case list([Row])
    }

    struct Span: Sendable {
        var day: Int32
        var indexes: Range<UInt32>
    }

    private let content: Content
    let count: Int
    /// The selection holds before this instant.
    let validUntil: SimulatorInstant?

    init(spans: [Span], validUntil: SimulatorInstant?) {
        content = .spans(spans)
        count = spans.reduce(0) { $0 + $1.indexes.count }
        self.validUntil = validUntil
    }

    init(list: [Row], validUntil: SimulatorInstant?) {
        content = .list(list)
        count = list.count
        self.validUntil = validUntil
    }

    /// The row at a position, which must be within ``count``.
    subscript(position: Int) -> Row {
        switch content {
        case .list(let rows): return rows[position]
        case .spans(let spans):
            var rest = position
            for span in spans {
                if rest < span.indexes.count { return Row(day: span.day, index: span.indexes.lowerBound + UInt32(rest)) }
                rest -= span.indexes.count
            }
            preconditionFailure("position \(position) is past the \(count) rows of a selection")
        }
    }
}
