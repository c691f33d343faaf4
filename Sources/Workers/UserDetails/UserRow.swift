internal import Contracts
internal import Extraction
internal import GenesysCloud
internal import Records

/// What tells rows apart: user, kind and start.
struct RowKey: Sendable, Hashable {
    let user: String
    let kind: String
    /// Milliseconds since 1970 UTC: the vendor writes the same time with and without a fraction.
    let start: Int64

    /// The key in the form that an index takes.
    var identity: RecordIdentity { RecordIdentity(digestOf: Array("\(user)\n\(kind)\n\(start)".utf8)) }
}

/// One line of the lake: `{"userId":…,"kind":"primaryPresence","record":{…}}`, the record as the vendor sent it.
///
/// Presence and routing status of a user can begin at the same moment, so the kind belongs to the key.
struct UserRow: Sendable {
    /// Nil when the vendor didn't say user or start.
    let key: RowKey?
    let isOpen: Bool
    let line: [UInt8]

    /// What else a user had.
    struct Rest: Sendable, Equatable {
        /// Fields that are neither the id nor an array of records.
        var unknownFields = 0
        /// Arrays that this version knows and that the user didn't have.
        var missingArrays = 0
    }

    /// The kinds that the vendor documents.
    static let kinds = ["primaryPresence", "routingStatus"]

    /// Takes a user's details apart: every array is a kind of records, those too that nobody knows yet.
    static func read(_ user: RawRecord, _ row: (UserRow) throws -> Void) throws -> Rest {
        var rest = Rest()
        let id = user.string(of: "userId")
        let rawID = user.rawValue(of: "userId").map { Array($0) } ?? Array("null".utf8)
        var found: Set<String> = []
        let isWhole = try RecordScanner.fields(of: user.bytes) { name, value in
            guard value.first == UInt8(ascii: "[") else {
                // An array that is null is one that's missing.
                if name != "userId", !kinds.contains(name) { rest.unknownFields += 1 }
                return
            }
            found.insert(name)
            let head = Array("{\"userId\":".utf8) + rawID + Array(",\"kind\":".utf8) + (JSONValue.string(name).encoded() ?? [])
            var splitter = RecordSplitter(arrayKey: nil, limits: RecordLimits(recordBytes: value.count + 1))
            try splitter.feed(value) { record in
                try row(UserRow(record, id: id, kind: name, head: head + Array(",\"record\":".utf8)))
            }
            _ = try splitter.finish()
        }
        guard isWhole else { throw RecordError(.malformed("a user that is no object"), at: 0) }
        rest.missingArrays = kinds.count { !found.contains($0) }
        return rest
    }

    private init(_ record: RawRecord, id: String?, kind: String, head: [UInt8]) {
        if let id, !id.isEmpty, let start = record.string(of: "startTime").flatMap({ VendorTime.parse($0) }) {
            key = RowKey(user: id, kind: kind, start: start)
        } else {
            key = nil
        }
        isOpen = record.string(of: "endTime") == nil
        line = head + Array(record.bytes) + [UInt8(ascii: "}")]
    }

    /// A row from a line that was written before; nil when it is none.
    init?(line: [UInt8]) {
        let row = line.withUnsafeBytes { bytes -> UserRow? in
            let whole = RawRecord(bytes: bytes)
            guard let user = whole.string(of: "userId"), let kind = whole.string(of: "kind"),
                let record = whole.rawValue(of: "record")
            else { return nil }
            let read = UserRow(RawRecord(bytes: record), id: user, kind: kind, head: [])
            return UserRow(key: read.key, isOpen: read.isOpen, line: line)
        }
        guard let row else { return nil }
        self = row
    }

    private init(key: RowKey?, isOpen: Bool, line: [UInt8]) {
        self.key = key
        self.isOpen = isOpen
        self.line = line
    }
}
