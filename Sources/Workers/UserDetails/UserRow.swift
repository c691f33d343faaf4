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

    init(user: String, kind: String, start: Int64) {
        self.user = user
        self.kind = kind
        self.start = start
    }

    /// The key of a line of the lake; nil when it has none.
    init?(of line: UnsafeRawBufferPointer) {
        let whole = RawRecord(bytes: line)
        guard let user = whole.string(of: "userId"), !user.isEmpty, let kind = whole.string(of: "kind"), kind != UserRow.userKind,
            let record = whole.rawValue(of: "record"),
            let start = RawRecord(bytes: record).string(of: "startTime").flatMap({ VendorTime.parse($0) })
        else { return nil }
        self.init(user: user, kind: kind, start: start)
    }
}

/// One line of the lake: `{"userId":…,"kind":"primaryPresence","record":{…}}`, the record as the vendor sent it.
///
/// Presence and routing status of a user can begin at the same moment, so the kind belongs to the key. What a user has besides
/// arrays of records is a row of kind `user`: it has no start and belongs to the day that was asked for, once.
struct UserRow: Sendable {
    /// Nil when the vendor didn't say user or start, and for rows of kind `user`.
    let key: RowKey?
    let isOpen: Bool
    let line: [UInt8]
    /// Whose fields they are, for a row of kind `user`.
    private let owner: String?

    /// What else a user had.
    struct Rest: Sendable, Equatable {
        /// Fields that are neither the id nor an array of records.
        var unknownFields = 0
        /// Arrays that this version knows and that the user didn't have.
        var missingArrays = 0
    }

    /// The kinds that the vendor documents.
    static let kinds = ["primaryPresence", "routingStatus"]
    /// The kind of what belongs to the user itself, and of elements of the list that are no users.
    static let userKind = "user"

    /// What tells the row from others of its day. What has no key is its own identity, so that it is never lost.
    var identity: RecordIdentity {
        if let key { return key.identity }
        if let owner { return RecordIdentity(digestOf: Array("\(owner)\n\(Self.userKind)".utf8)) }
        return RecordIdentity(digestOf: line)
    }

    /// Whether these are fields of a user.
    var isOfUser: Bool { owner != nil }

    /// When it ended, milliseconds since 1970 UTC.
    var end: Int64? {
        line.withUnsafeBytes { bytes in
            RawRecord(bytes: bytes).rawValue(of: "record").flatMap { RawRecord(bytes: $0).string(of: "endTime") }
                .flatMap { VendorTime.parse($0) }
        }
    }

    /// Takes a user's details apart: every array is a kind of records, those too that nobody knows yet. What is no user at all is
    /// a row without a key.
    static func read(_ user: RawRecord, _ row: (UserRow) throws -> Void) throws -> Rest {
        var rest = Rest()
        let id = user.string(of: "userId")
        let rawID = user.rawValue(of: "userId").map { Array($0) } ?? Array("null".utf8)
        var found: Set<String> = []
        var members: [UInt8] = []
        var position = 0
        let isWhole = try RecordScanner.fields(of: user.bytes) { name, value in
            let begin = position
            position = end(of: value, in: user.bytes)
            if name == "userId" { return }
            if value.first == UInt8(ascii: "["), name != userKind {
                found.insert(name)
                var splitter = RecordSplitter(arrayKey: nil, limits: RecordLimits(recordBytes: value.count + 1))
                try splitter.feed(value) { record in try row(UserRow(record, id: id, kind: name, head: head(rawID, name))) }
                _ = try splitter.finish()
                if splitter.recordCount > 0 || kinds.contains(name) { return }
            } else if kinds.contains(name), value.elementsEqual("null".utf8) {
                // An array that is null is one that's missing.
                return
            }
            rest.unknownFields += 1
            // The member with its name as it was sent: what lies between the value before and the end of its own.
            let member = user.bytes[begin..<position].drop { byte in
                byte <= 0x20 || byte == UInt8(ascii: "{") || byte == UInt8(ascii: ",")
            }
            members += (members.isEmpty ? [UInt8(ascii: "{")] : [UInt8(ascii: ",")]) + member
        }
        guard isWhole else {
            try row(UserRow(key: nil, isOpen: false, line: head(Array("null".utf8), userKind) + user.bytes + [UInt8(ascii: "}")]))
            return rest
        }
        if !members.isEmpty {
            let line = head(rawID, userKind) + members + Array("}}".utf8)
            try row(UserRow(key: nil, isOpen: false, line: line, owner: id.flatMap { $0.isEmpty ? nil : $0 }))
        }
        rest.missingArrays = kinds.count { !found.contains($0) }
        return rest
    }

    private static func head(_ rawID: [UInt8], _ kind: String) -> [UInt8] {
        Array("{\"userId\":".utf8) + rawID + Array(",\"kind\":".utf8) + (JSONValue.string(kind).encoded() ?? [])
            + Array(",\"record\":".utf8)
    }

    /// Where a value of an object ends in it.
    private static func end(of value: UnsafeRawBufferPointer, in object: UnsafeRawBufferPointer) -> Int {
        guard let outer = object.baseAddress, let inner = value.baseAddress else { return 0 }
        return inner - outer + value.count
    }

    private init(_ record: RawRecord, id: String?, kind: String, head: [UInt8]) {
        var key: RowKey?
        if let id, !id.isEmpty, let start = record.string(of: "startTime").flatMap({ VendorTime.parse($0) }) {
            key = RowKey(user: id, kind: kind, start: start)
        }
        self.init(
            key: key, isOpen: record.string(of: "endTime") == nil, line: head + Array(record.bytes) + [UInt8(ascii: "}")])
    }

    /// A row from a line that was written before; nil when it is none of a known user.
    init?(line: [UInt8]) {
        let row = line.withUnsafeBytes { bytes -> UserRow? in
            let whole = RawRecord(bytes: bytes)
            guard let user = whole.string(of: "userId"), let kind = whole.string(of: "kind"),
                let record = whole.rawValue(of: "record")
            else { return nil }
            if kind == Self.userKind { return UserRow(key: nil, isOpen: false, line: line, owner: user.isEmpty ? nil : user) }
            let read = UserRow(RawRecord(bytes: record), id: user, kind: kind, head: [])
            return UserRow(key: read.key, isOpen: read.isOpen, line: line)
        }
        guard let row else { return nil }
        self = row
    }

    /// A row from a line of the lake, whatever it holds.
    init(stored line: [UInt8]) { self = UserRow(line: line) ?? UserRow(key: nil, isOpen: false, line: line) }

    private init(key: RowKey?, isOpen: Bool, line: [UInt8], owner: String? = nil) {
        self.key = key
        self.isOpen = isOpen
        self.owner = owner
        // As it will be in the lake, where a row is one line.
        var line = line
        NDJSON.joinLines(of: &line)
        self.line = line
    }
}
