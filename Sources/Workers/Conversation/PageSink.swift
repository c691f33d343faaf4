internal import Extraction
internal import ObjectStorage
internal import Records

/// What one page's answer became.
struct PageAnswer: Sendable {
    /// A record of the page that was written to the object.
    struct Entry: Sendable {
        let identity: RecordIdentity
        let content: UInt64
        /// Whether it has an id of the vendor's.
        let isIdentified: Bool
        /// The id of a conversation that hasn't ended; nil when it has.
        let openID: String?

        /// The entry of a line of an object, without its end: what is read back later is what was written.
        init(line: UnsafeRawBufferPointer, content: (RawRecord) -> UInt64) {
            let record = RawRecord(bytes: line)
            self.content = content(record)
            if let id = ConversationRecord.id(of: record) {
                identity = RecordIdentity(id)
                isIdentified = true
                openID = ConversationRecord.isOpen(record) ? id : nil
            } else {
                // Never lost: what has no id is its own identity.
                identity = RecordIdentity(digestOf: line)
                isIdentified = false
                openID = nil
            }
        }
    }

    /// The vendor's page number.
    let page: Int
    /// Tells which answer is newer: numbers rise with the moment of asking.
    let sequence: Int
    /// Records in the answer, known ones included.
    let records: Int
    /// The vendor's total, where it said one.
    let total: Int?
    /// The answer's size, bytes.
    let bytes: Int
    /// What was written, line by line; empty when nothing was.
    let entries: [Entry]
    /// Records of the answer that were known already, in the same version.
    let known: Int
    /// Records without a conversation id.
    let unidentified: Int
    /// Records that belong to other intervals, and so weren't written.
    let outside: [RecordIdentity]
    /// The object, when something was written.
    let object: (number: UInt32, result: PutResult)?
}

/// Writes one answer's records to one object while they arrive. Made anew for every attempt at a page.
struct PageSink {
    private static let flushBytes = 1 << 18

    private let store: any ObjectStore
    private let options: PutOptions
    private let key: @Sendable (UInt32) throws(ObjectStorageError) -> ObjectKey
    /// What tells two versions of a record apart.
    private let content: @Sendable (RawRecord) -> UInt64
    private let number: @Sendable () -> UInt32
    /// Whether a record is for this job to keep.
    private let isOwned: @Sendable (RawRecord) -> Bool
    /// Whether a record needs no line, because it is kept already in this version.
    private let isKnown: @Sendable (RecordIdentity, UInt64) -> Bool

    private var lines: [UInt8] = []
    private var entries: [PageAnswer.Entry] = []
    private var object: UInt32?
    private var writer: (any ObjectWriter)?
    private(set) var known = 0
    private(set) var unidentified = 0
    private(set) var outside: [RecordIdentity] = []

    init(
        store: any ObjectStore, options: PutOptions, key: @escaping @Sendable (UInt32) throws(ObjectStorageError) -> ObjectKey,
        content: @escaping @Sendable (RawRecord) -> UInt64, number: @escaping @Sendable () -> UInt32,
        isOwned: @escaping @Sendable (RawRecord) -> Bool,
        isKnown: @escaping @Sendable (RecordIdentity, UInt64) -> Bool
    ) {
        self.store = store
        self.options = options
        self.key = key
        self.content = content
        self.number = number
        self.isOwned = isOwned
        self.isKnown = isKnown
    }

    /// Takes in one record; its bytes are valid only during the call.
    mutating func add(_ record: RawRecord) {
        guard isOwned(record) else {
            outside.append(ConversationRecord.id(of: record).map { RecordIdentity($0) } ?? RecordIdentity(digestOf: record.bytes))
            return
        }
        let start = lines.count
        NDJSON.append(record.bytes, to: &lines)
        let entry = lines.withUnsafeBytes {
            PageAnswer.Entry(line: UnsafeRawBufferPointer(rebasing: $0[start...].dropLast()), content: content)
        }
        if !entry.isIdentified { unidentified += 1 }
        guard !isKnown(entry.identity, entry.content) else {
            known += 1
            lines.removeLast(lines.count - start)
            return
        }
        entries.append(entry)
    }

    /// Whether enough has gathered to be written.
    var wantsFlush: Bool { lines.count >= Self.flushBytes }

    /// Writes what has gathered.
    mutating func flush() async throws(ObjectStorageError) {
        guard !lines.isEmpty else { return }
        if writer == nil {
            let number = number()
            object = number
            writer = try await store.put(try key(number), options: options)
        }
        try await writer?.write(lines)
        lines.removeAll(keepingCapacity: true)
    }

    /// Makes the object visible.
    mutating func finish() async throws(ObjectStorageError) -> (
        entries: [PageAnswer.Entry], object: (number: UInt32, result: PutResult)?
    ) {
        try await flush()
        guard let writer, let object else { return ([], nil) }
        let result = try await writer.finish()
        self.writer = nil
        return (entries, (object, result))
    }

    /// Leaves nothing behind.
    mutating func abandon() async {
        await writer?.abandon()
        writer = nil
    }
}
