public import Contracts
public import ObjectStorage
internal import Records

/// Writes records as lines of objects, one after another; an object ends at a number of records or of bytes.
///
/// Memory holds a quarter of a megabyte of lines, whatever is written.
public struct RecordObjects: Sendable {
    private static let flushBytes = 1 << 18

    private let store: any ObjectStore
    private let names: ObjectNames
    private let recordsPerObject: Int
    private let bytesPerObject: Int
    private var number: UInt32
    private var lines: [UInt8] = []
    private var writer: (any ObjectWriter)?
    private var records = 0
    private var bytes = 0
    /// The objects that are written.
    public private(set) var objects: [Manifest.Object] = []

    /// A writer of objects.
    ///
    /// - Parameters:
    ///   - names: what the objects are called.
    ///   - firstNumber: the first object's number.
    ///   - recordsPerObject: the most records of an object.
    ///   - bytesPerObject: an object that has reached so many bytes ends with the record at hand.
    public init(
        store: any ObjectStore, names: ObjectNames, firstNumber: UInt32 = 1, recordsPerObject: Int = 1000,
        bytesPerObject: Int = 64 << 20
    ) {
        self.store = store
        self.names = names
        number = firstNumber
        self.recordsPerObject = max(1, recordsPerObject)
        self.bytesPerObject = max(1, bytesPerObject)
    }

    /// The number of the object that the next record goes into, and its line there.
    public var next: RecordIndex.Place { RecordIndex.Place(object: number, line: UInt32(clamping: records)) }

    /// Takes in a record; its bytes are copied. Call ``flush()`` when ``wantsFlush`` says so.
    public mutating func add(_ record: UnsafeRawBufferPointer) {
        let before = lines.count
        NDJSON.append(record, to: &lines)
        records += 1
        bytes += lines.count - before
    }

    /// Whether enough has gathered to be written, or the object is full.
    public var wantsFlush: Bool { lines.count >= Self.flushBytes || isFull }

    private var isFull: Bool { records >= recordsPerObject || bytes >= bytesPerObject }

    /// Writes what has gathered, and ends the object if it is full.
    public mutating func flush() async throws(ObjectStorageError) {
        if !lines.isEmpty {
            if writer == nil {
                writer = try await store.put(try names.key(number), options: PutOptions(contentType: NDJSON.contentType))
            }
            try await writer?.write(lines)
            lines.removeAll(keepingCapacity: true)
        }
        if isFull { try await endObject() }
    }

    /// Takes in a record and writes when it is time.
    public mutating func append(_ record: [UInt8]) async throws(ObjectStorageError) {
        record.withUnsafeBytes { add($0) }
        if wantsFlush { try await flush() }
    }

    private mutating func endObject() async throws(ObjectStorageError) {
        guard let writer else { return }
        let result = try await writer.finish()
        objects.append(
            Manifest.Object(key: try names.key(number).text, records: records, bytes: result.bytes, sha256: result.sha256))
        self.writer = nil
        number += 1
        records = 0
        bytes = 0
    }

    /// Ends the last object; what was written, in order.
    public mutating func finish() async throws(ObjectStorageError) -> [Manifest.Object] {
        try await flush()
        try await endObject()
        return objects
    }

    /// Gives up the object that is being written; nothing is left of it. Those that are whole stay, unnamed.
    public mutating func abandon() async {
        await writer?.abandon()
        writer = nil
        lines.removeAll()
    }
}
