internal import Contracts
internal import Extraction
internal import ObjectStorage
internal import Records

/// Records on their way into a job's objects, each key once in the version that came last.
///
/// Memory holds 43 to 86 bytes for each record.
struct RowLedger: Sendable {
    /// What a record was.
    enum Kept: Sendable {
        /// The first of its key.
        case new
        /// Another version than the one before.
        case changed
        /// The same as before.
        case same
    }

    private let store: any ObjectStore
    private let names: ObjectNames
    private let recordsPerObject: Int
    private var objects: RecordObjects
    private var index = RecordIndex()
    private var dropped: [UInt32: Set<UInt32>] = [:]
    private var highest: UInt32

    init(store: any ObjectStore, names: ObjectNames, firstNumber: UInt32, recordsPerObject: Int) {
        self.store = store
        self.names = names
        self.recordsPerObject = recordsPerObject
        highest = firstNumber
        objects = RecordObjects(
            store: store, names: names, firstNumber: firstNumber, recordsPerObject: recordsPerObject)
    }

    /// The records kept so far.
    var count: Int { index.count }

    /// Whether a key was kept.
    func has(_ identity: RecordIdentity) -> Bool { index.find(identity) != nil }

    /// Keeps a record instead of an older version of it.
    mutating func keep(_ identity: RecordIdentity, _ line: [UInt8]) async throws(ObjectStorageError) -> Kept {
        let content = ContentHash.of(line)
        let present = index.find(identity)
        if let present, present.content == content { return .same }
        let place = objects.next
        highest = max(highest, place.object)
        try await objects.append(line)
        index.keep(identity, content: content, at: place)
        guard let present else { return .new }
        dropped[present.place.object, default: []].insert(present.place.line)
        return .changed
    }

    /// Writes what is left, and takes superseded lines out.
    ///
    /// - Returns: the objects that hold each record once.
    mutating func finish() async throws -> [Manifest.Object] {
        let written = try await objects.finish()
        guard !dropped.isEmpty else { return written }
        var kept: [Manifest.Object] = []
        var rewritten = RecordObjects(
            store: store, names: names, firstNumber: highest + 1, recordsPerObject: recordsPerObject)
        for object in written {
            guard let number = number(of: object), let superseded = dropped[number] else {
                kept.append(object)
                continue
            }
            var lines: [[UInt8]] = []
            var line: UInt32 = 0
            try await ManifestRecords(store: store).read(object) { bytes in
                if !superseded.contains(line) { lines.append(Array(bytes)) }
                line += 1
            }
            for line in lines { try await rewritten.append(line) }
        }
        return kept + (try await rewritten.finish())
    }

    private func number(of object: Manifest.Object) -> UInt32? {
        UInt32(object.key.dropFirst(names.prefix.count).dropLast(5))
    }

    /// Gives up what is being written.
    mutating func abandon() async { await objects.abandon() }
}
