internal import Extraction
internal import GenesysCloud
internal import Records

/// Asks the vendor for single conversations, many in a call.
///
/// How many ids a call may have isn't documented, nor what becomes of a call when one of them is unknown: so those that such a call
/// doesn't bring, or all when it is refused, are asked for one by one.
struct LatestConversations: Sendable {
    /// What the vendor said of one.
    enum Standing: Sendable {
        /// It has ended; its record as one line.
        case ended([UInt8])
        /// It goes on, or the vendor wouldn't say.
        case open
        /// The vendor doesn't know it any more.
        case gone
    }

    let client: GenesysCloudClient
    let limits: RecordLimits
    let idsPerCall: Int

    /// The present states of conversations, by id: of all that were asked for.
    ///
    /// - Parameter keepsRecords: whether the records of those that have ended are wanted.
    func ask(_ ids: [String], keepsRecords: Bool) async throws -> [String: Standing] {
        var found: [String: Standing] = [:]
        var rest = ids[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(idsPerCall))
            rest = rest.dropFirst(idsPerCall)
            var answer = try await together(batch, keepsRecords)
            for id in batch where answer[id] == nil { answer[id] = try await alone(id, keepsRecords) }
            found.merge(answer) { _, newer in newer }
        }
        return found
    }

    private func together(_ ids: [String], _ keepsRecords: Bool) async throws -> [String: Standing] {
        do {
            return try await client.conversations(ids: ids, limits: limits) { body in
                var answer: [String: Standing] = [:]
                var reader = body.makeReader()
                while try await reader.next({ record in
                    guard let id = ConversationRecord.id(of: record) else { return }
                    answer[id] = Self.standing(record, keepsRecords)
                }) {}
                _ = try reader.finish()
                return answer
            }
        } catch let error as GenesysCloudError where Self.isAboutIDs(error) {
            return [:]
        }
    }

    private func alone(_ id: String, _ keepsRecords: Bool) async throws -> Standing {
        do {
            guard let bytes = try await client.conversation(id: id, maximumBytes: limits.recordBytes) else { return .gone }
            return bytes.withUnsafeBytes { Self.standing(RawRecord(bytes: $0), keepsRecords) }
        } catch let error as GenesysCloudError where Self.isAboutIDs(error) {
            // An id that the vendor refuses says nothing about the conversation.
            return .open
        }
    }

    private static func standing(_ record: RawRecord, _ keepsRecords: Bool) -> Standing {
        guard !ConversationRecord.isOpen(record) else { return .open }
        var line: [UInt8] = []
        if keepsRecords { NDJSON.append(record.bytes, to: &line) }
        return .ended(Array(line.dropLast()))
    }

    private static func isAboutIDs(_ error: GenesysCloudError) -> Bool {
        switch error.kind {
        case .notFound, .badRequest: true
        case .credentials, .permission, .throttled, .unavailable, .badAnswer, .transport: false
        }
    }
}
