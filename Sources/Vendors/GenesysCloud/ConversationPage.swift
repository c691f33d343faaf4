public import Records
import Transfer

/// What is known of a page of conversations besides its records.
public struct ConversationPage: Sendable, Equatable {
    /// The page's number, counted from 1.
    public let number: Int
    /// The number of records on it; none: the interval is read to its end.
    public let recordCount: Int
    /// The vendor's count of all matches: approximate, and it moves.
    public let totalHits: Int?
    /// The size of the whole answer, in bytes.
    public let bytes: Int
}

extension GenesysCloudClient {
    /// Reads one page of conversations, record by record while it arrives.
    ///
    /// As with `reduce(into:)` the records are gathered into a value; when an attempt breaks off, its value is dropped and
    /// the next attempt starts with the initial one, so the result holds each record of one whole answer exactly once.
    ///
    /// - Parameters:
    ///   - query: What to ask for.
    ///   - number: The page, counted from 1.
    ///   - initial: What gathering begins with.
    ///   - limits: How large and deep the page may be.
    ///   - gather: Takes a record in; its bytes are valid during the call only. What it throws ends the call.
    /// - Returns: The page's figures and what was gathered.
    /// - Throws: ``GenesysCloudError``, `CancellationError`, or what `gather` threw.
    public func conversationPage<Gathered: Sendable>(
        _ query: ConversationDetailsQuery, number: Int, into initial: Gathered, limits: RecordLimits = RecordLimits(),
        gather: @Sendable (inout Gathered, RawRecord) throws -> Void
    ) async throws -> (page: ConversationPage, gathered: Gathered) {
        let request = GenesysCloudRequest(
            "conversation details query", .post, path: "/api/v2/analytics/conversations/details/query",
            body: query.body(page: number), isReplayable: true, permission: "analytics:conversationDetail:view")
        return try await call(request) { response in
            var gathered = initial
            var splitter = RecordSplitter(arrayKey: "conversations", limits: limits)
            for try await chunk in response.body {
                try splitter.feed(chunk) { record in try gather(&gathered, record) }
            }
            let envelope = try splitter.finish()
            let page = ConversationPage(
                number: number, recordCount: envelope.recordCount, totalHits: envelope.integer(of: "totalHits"),
                bytes: envelope.documentBytes)
            return (page, gathered)
        }
    }
}
