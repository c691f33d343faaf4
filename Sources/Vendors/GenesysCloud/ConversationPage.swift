public import Records
internal import Transfer

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

/// One answer with a page of conversations, on its way.
public struct ConversationAnswer: Sendable {
    let number: Int
    let body: ResponseBody
    let limits: RecordLimits

    /// Begins to read; an answer can be read once.
    public func makeReader() -> Reader {
        Reader(
            number: number, chunks: body.makeAsyncIterator(), splitter: RecordSplitter(arrayKey: "conversations", limits: limits))
    }

    /// Reads an answer chunk by chunk, so that what is done with the records can be awaited in between.
    public struct Reader {
        let number: Int
        var chunks: ResponseBody.Iterator
        var splitter: RecordSplitter

        /// Waits for the next chunk and hands over the records that it completes; their bytes are valid during the call only.
        ///
        /// - Returns: false at the answer's end.
        /// - Throws: a `TransferError` or a `RecordError`, which ``GenesysCloudClient`` answers with another attempt.
        public mutating func next(_ record: (RawRecord) throws -> Void) async throws -> Bool {
            guard let chunk = try await chunks.next() else { return false }
            try splitter.feed(chunk, record)
            return true
        }

        /// Checks that the answer was whole, and tells its figures.
        public mutating func finish() throws(RecordError) -> ConversationPage {
            let envelope = try splitter.finish()
            return ConversationPage(
                number: number, recordCount: envelope.recordCount, totalHits: envelope.integer(of: "totalHits"),
                bytes: envelope.documentBytes)
        }
    }
}

extension GenesysCloudClient {
    /// Asks for one page of conversations and has its answer read while it arrives.
    ///
    /// - Parameters:
    ///   - query: What to ask for.
    ///   - number: The page, counted from 1.
    ///   - limits: How large and deep the page may be.
    ///   - read: Reads the answer to its end. It's run again from the beginning when an attempt breaks off, so it must start
    ///     afresh each time; what it throws besides `TransferError` and `RecordError` ends the call.
    /// - Returns: What `read` returned.
    /// - Throws: ``GenesysCloudError``, `CancellationError`, or what `read` threw.
    public func conversationPage<Value: Sendable>(
        _ query: ConversationDetailsQuery, number: Int, limits: RecordLimits = RecordLimits(),
        read: @Sendable (ConversationAnswer) async throws -> Value
    ) async throws -> Value {
        let request = GenesysCloudRequest(
            "conversation details query", .post, path: "/api/v2/analytics/conversations/details/query",
            body: query.body(page: number), isReplayable: true, permission: "analytics:conversationDetail:view")
        return try await call(request) { response in
            try await read(ConversationAnswer(number: number, body: response.body, limits: limits))
        }
    }
}
