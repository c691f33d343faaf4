internal import Extraction
internal import GenesysCloud
internal import Records

/// Asks the vendor for single conversations, many in a call.
struct LatestConversations: Sendable {
    /// What the vendor said of one.
    enum Standing: Sendable {
        /// It has ended; its record as one line.
        case ended([UInt8])
        /// It goes on.
        case open
    }

    let client: GenesysCloudClient
    let limits: RecordLimits
    let idsPerCall: Int

    /// The present states of conversations, by id; those that the vendor didn't return are missing.
    ///
    /// - Parameter keepsRecords: whether the records of those that have ended are wanted.
    func ask(_ ids: [String], keepsRecords: Bool) async throws -> [String: Standing] {
        var found: [String: Standing] = [:]
        var rest = ids[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(idsPerCall))
            rest = rest.dropFirst(idsPerCall)
            let answer = try await client.conversations(ids: batch, limits: limits) { body in
                var answer: [String: Standing] = [:]
                var reader = body.makeReader()
                while try await reader.next({ record in
                    guard let id = ConversationRecord.id(of: record) else { return }
                    guard !ConversationRecord.isOpen(record) else { return answer[id] = .open }
                    var line: [UInt8] = []
                    if keepsRecords { NDJSON.append(record.bytes, to: &line) }
                    answer[id] = .ended(Array(line.dropLast()))
                }) {}
                _ = try reader.finish()
                return answer
            }
            found.merge(answer) { _, newer in newer }
        }
        return found
    }
}
