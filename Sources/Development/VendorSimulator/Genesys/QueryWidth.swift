/// Queries that the vendor's backend doesn't finish in time: asked again they time out again, until they are narrower.
public struct QueryWidth: Sendable, Equatable {
    /// The longest interval that is answered, in seconds; nil for any.
    public var seconds: Int?
    /// The most conversations that a query may find; nil for any number.
    public var hits: Int?

    /// Makes a backend that answers everything.
    public init() {}

    /// Names what is out of range, one sentence each.
    var problems: [String] {
        var problems: [String] = []
        if let seconds, seconds < 1 { problems.append("the longest interval must be at least 1 second, not \(seconds)") }
        if let hits, hits < 1 { problems.append("the most hits must be at least 1, not \(hits)") }
        return problems
    }

    func isExceeded(by query: ConversationQuery, _ store: ConversationStore) -> Bool {
        if let seconds, query.interval.length > Int64(seconds) * 1_000 { return true }
        return hits.map { store.count(query) > $0 } ?? false
    }
}
