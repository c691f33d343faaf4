internal import Foundation

/// What a job wrote: its last object, by which readers know a whole result from a part of one.
///
/// It says nothing about when or by whom it was written: the same work gives the same bytes.
public struct Manifest: Sendable, Hashable, Codable {
    /// One object of the result.
    public struct Object: Sendable, Hashable, Codable {
        /// The object's key below the lake's root.
        public var key: String
        /// Records in it.
        public var records: Int
        /// Its size, bytes.
        public var bytes: Int
        /// The SHA-256 of its bytes, lower-case hexadecimal.
        public var sha256: String

        /// An object.
        public init(key: String, records: Int, bytes: Int, sha256: String) {
            self.key = key
            self.records = records
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    /// The version of the manifest.
    public var version: Int
    /// The job.
    public var job: String
    /// Its revision.
    public var revision: Int
    /// The vendor account.
    public var source: String
    /// The data set.
    public var dataset: String
    /// The business day, `yyyy-MM-dd`.
    public var day: String?
    /// What the job covered.
    public var interval: Interval?
    /// The objects, sorted by key.
    public var objects: [Object]
    /// Records in all objects.
    public var records: Int
    /// Bytes in all objects.
    public var bytes: Int

    /// The manifest of a job's objects.
    public init(of job: Job, objects: [Object]) {
        version = Message.version
        self.job = job.id
        revision = job.revision
        source = job.source
        dataset = job.dataset
        day = job.day
        interval = job.interval
        self.objects = objects.sorted { $0.key < $1.key }
        records = objects.reduce(0) { $0 + $1.records }
        bytes = objects.reduce(0) { $0 + $1.bytes }
    }

    /// The manifest of a whole that several manifests make up, under the first one's name.
    public init?(merging parts: [Manifest]) {
        guard let first = parts.first else { return nil }
        self = first
        objects = parts.flatMap(\.objects).sorted { $0.key < $1.key }
        records = parts.reduce(0) { $0 + $1.records }
        bytes = parts.reduce(0) { $0 + $1.bytes }
        let intervals = parts.compactMap(\.interval)
        if let start = intervals.map(\.start).min(), let end = intervals.map(\.end).max() {
            interval = Interval(start: start, end: end)
        }
    }

    /// The manifest's bytes: JSON with sorted keys and a newline at the end.
    public func encoded() -> [UInt8] {
        let encoder = JSONEncoder.contract()
        encoder.outputFormatting.insert(.prettyPrinted)
        return ((try? encoder.encode(self)).map(Array.init) ?? []) + [UInt8(ascii: "\n")]
    }

    /// The largest manifest that is read, bytes: about 250,000 objects.
    public static let maximumBytes = 64 << 20

    /// Reads a manifest.
    public static func decode(_ bytes: [UInt8]) throws(ContractError) -> Manifest {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= maximumBytes else { throw .tooLarge(bytes: bytes.count, limit: maximumBytes) }
        return try Message.decodeVersioned(Manifest.self, from: bytes)
    }
}
