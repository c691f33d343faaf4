import Crypto

/// What a perfect reader has at the end: every conversation of an interval once, in its latest state, in order of start.
///
/// The rows are those of the moment the value was made; the bytes of each are read when it is asked for, so a changed record
/// shows its last change.
public struct Truth: Sendable {
    private let store: ConversationStore
    private let rows: RowSelection
    private let now: SimulatorInstant
    private let hasAttributes: Bool

    /// - Parameter hasAttributes: whether participants carry their attributes, as in the results of details jobs.
    init(store: ConversationStore, query: ConversationQuery, hasAttributes: Bool = false) {
        self.store = store
        self.hasAttributes = hasAttributes
        (rows, now) = store.versions(query)
    }

    /// The number of conversations.
    public var count: Int { rows.count }

    /// The conversation ids, in order of start.
    public var ids: [String] {
        (0..<rows.count).map { store.world.calendar.identifier(of: rows[$0]).text }
    }

    /// The exact bytes of the record at a position, as the API sends them.
    public func record(at position: Int) -> [UInt8] {
        var bytes = RecordBytes(capacity: 8_192)
        append(position, to: &bytes)
        return bytes.array
    }

    /// The record at a position as one line: like ``record(at:)``, with a space for each carriage return and line feed, which
    /// can only stand between tokens.
    public func line(at position: Int) -> [UInt8] {
        record(at: position).map { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0 }
    }

    /// All records as newline-delimited JSON, in pieces of about a megabyte.
    func writeLines(_ write: ([UInt8]) async throws -> Void) async throws {
        var piece: [UInt8] = []
        for position in 0..<rows.count {
            piece.append(contentsOf: line(at: position))
            piece.append(UInt8(ascii: "\n"))
            if piece.count >= 1_000_000 {
                try await write(piece)
                piece.removeAll(keepingCapacity: true)
            }
        }
        if !piece.isEmpty { try await write(piece) }
    }

    /// The number of lines, their bytes without line ends, and the SHA-256 (lower-case hex) of all lines with their line ends.
    public func digest() async throws -> Digest {
        var hash = SHA256()
        var bytes = 0
        try await writeLines { piece in
            hash.update(data: piece)
            bytes += piece.count
            try Task.checkCancellation()
            await Task.yield()
        }
        let hex = hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        return Digest(records: rows.count, bytes: bytes - rows.count, sha256: hex.joined())
    }

    /// A short form of the truth, for comparing large days.
    public struct Digest: Sendable, Codable, Equatable {
        /// The number of conversations.
        public var records: Int
        /// The bytes of all records without line ends.
        public var bytes: Int
        /// Over every line in order, each with its line feed.
        public var sha256: String
    }

    private func append(_ position: Int, to bytes: inout RecordBytes) {
        var version = store.version(of: rows[position], now: now)
        version.hasAttributes = hasAttributes
        store.append(version, to: &bytes)
    }
}
