public import Records
import Transfer

extension GenesysCloudClient {
    /// Asks for one page of conversations and has its answer read while it arrives.
    ///
    /// - Parameters:
    ///   - query: What to ask for.
    ///   - number: The page, counted from 1.
    ///   - limits: How large and deep the page may be.
    ///   - maximumTimeouts: After so many answers 504 the call fails, for the caller to divide the interval; nil: as configured.
    ///   - read: Reads the answer to its end. It's run again from the beginning when an attempt breaks off, so it must start
    ///     afresh each time; what it throws besides `TransferError` and `RecordError` ends the call.
    /// - Returns: What `read` returned.
    /// - Throws: ``GenesysCloudError``, `CancellationError`, or what `read` threw.
    public func conversationPage<Value: Sendable>(
        _ query: ConversationDetailsQuery, number: Int, limits: RecordLimits = RecordLimits(), maximumTimeouts: Int? = nil,
        read: @Sendable (RecordAnswer) async throws -> Value
    ) async throws -> Value {
        var request = GenesysCloudRequest(
            "conversation details query", .post, path: "/api/v2/analytics/conversations/details/query",
            body: query.body(page: number), isReplayable: true, permission: DetailsKind.conversations.permission)
        request.maximumTimeouts = maximumTimeouts
        return try await call(request) { response in
            try await read(
                RecordAnswer(
                    number: number, arrayKey: DetailsKind.conversations.arrayKey, body: response.body, limits: limits))
        }
    }

    /// Asks for single conversations in their present state and has the answer read while it arrives; those that the vendor
    /// doesn't know are missing from it.
    ///
    /// - Parameters:
    ///   - ids: Their ids, 1 to 50; how many the vendor takes at most isn't documented.
    ///   - limits: How large and deep the answer may be.
    ///   - read: Reads the answer to its end; run again from the beginning when an attempt breaks off.
    /// - Returns: What `read` returned.
    /// - Throws: ``GenesysCloudError``, `CancellationError`, or what `read` threw.
    public func conversations<Value: Sendable>(
        ids: [String], limits: RecordLimits = RecordLimits(), read: @Sendable (RecordAnswer) async throws -> Value
    ) async throws -> Value {
        let list = ids.map { URLText.encoded($0) }.joined(separator: ",")
        let request = GenesysCloudRequest(
            "conversations by id", path: "/api/v2/analytics/conversations/details?id=\(list)",
            permission: DetailsKind.conversations.permission)
        return try await call(request) { response in
            try await read(
                RecordAnswer(number: 1, arrayKey: DetailsKind.conversations.arrayKey, body: response.body, limits: limits))
        }
    }

    /// Asks for one conversation in its present state.
    ///
    /// - Returns: Its record, exactly as it was sent; nil when the vendor doesn't know it.
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    public func conversation(id: String, maximumBytes: Int = 32 << 20) async throws -> [UInt8]? {
        let request = GenesysCloudRequest(
            "conversation by id", path: "/api/v2/analytics/conversations/\(URLText.encoded(id))/details",
            permission: DetailsKind.conversations.permission)
        do {
            return try await object(request, maximumBytes: maximumBytes)
        } catch let error as GenesysCloudError where error.kind == .notFound {
            return nil
        }
    }
}
