public import Records
import Transfer

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
        read: @Sendable (RecordAnswer) async throws -> Value
    ) async throws -> Value {
        let request = GenesysCloudRequest(
            "conversation details query", .post, path: "/api/v2/analytics/conversations/details/query",
            body: query.body(page: number), isReplayable: true, permission: DetailsKind.conversations.permission)
        return try await call(request) { response in
            try await read(
                RecordAnswer(
                    number: number, arrayKey: DetailsKind.conversations.arrayKey, body: response.body, limits: limits))
        }
    }
}
