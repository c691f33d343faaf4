internal import Contracts
public import Foundation
public import Kafka

/// What a group had committed before it was changed, in a file that can undo the change.
public struct OffsetFile: Sendable, Hashable, Codable {
    /// One partition.
    public struct Entry: Sendable, Hashable, Codable {
        /// The topic's whole name.
        public var topic: String
        /// The partition's number.
        public var partition: Int32
        /// The committed offset; absent when nothing was committed.
        public var offset: Int64?
        /// The text beside it.
        public var metadata: String
    }

    /// The version of the file.
    public var version: Int
    /// The group.
    public var group: String
    /// When it was written.
    public var at: Date
    /// By whom, `user@host`.
    public var by: String
    /// The partitions.
    public var offsets: [Entry]

    /// The most bytes of a file that is read.
    public static let maximumBytes = 16 << 20

    /// What stood before a plan is carried out.
    public init(before plan: OffsetPlan, at: Date, by: String) {
        version = 1
        group = plan.group
        self.at = at
        self.by = by
        offsets = plan.rows.filter(\.isChange).map {
            Entry(
                topic: $0.partition.topic, partition: $0.partition.partition, offset: $0.old?.offset,
                metadata: $0.old?.metadata ?? "")
        }
    }

    /// The offsets by partition; nil where nothing was committed.
    public var committed: [TopicPartition: CommittedOffset?] {
        Dictionary(
            offsets.map { entry in
                (
                    TopicPartition(entry.topic, entry.partition),
                    entry.offset.map { CommittedOffset($0, metadata: entry.metadata) }
                )
            }
        ) { _, last in last }
    }

    /// A name for the file: `offsets-<group>-<time>.json`.
    public var name: String {
        let safe = group.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" }
        // With milliseconds: a command of the same second has a file of its own.
        let time = Timestamp.string(at).filter { $0 != "-" && $0 != ":" && $0 != "." }
        return "offsets-\(String(safe))-\(time).json"
    }

    /// Writes the file, and nothing over a file that exists.
    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        try encoder.encode(self).write(to: URL(filePath: path), options: .withoutOverwriting)
    }

    /// Reads a file.
    ///
    /// - Throws: a ``UsageProblem`` that says what is wrong with it.
    public static func read(_ path: String, option: String) throws(UsageProblem) -> OffsetFile {
        let allowed = "a file that offsets reset has written"
        let refusal = UsageProblem(option, given: path, allowed: allowed)
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? handle.close() }
            guard let data = try handle.read(upToCount: maximumBytes + 1), data.count <= maximumBytes else { throw refusal }
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            let file = try decoder.decode(OffsetFile.self, from: data)
            let isSound = file.offsets.allSatisfy { $0.partition >= 0 && ($0.offset ?? 0) >= 0 && $0.metadata.utf8.count <= 4096 }
            guard file.version == 1, !file.group.isEmpty, isSound else { throw refusal }
            return file
        } catch {
            throw refusal
        }
    }
}
