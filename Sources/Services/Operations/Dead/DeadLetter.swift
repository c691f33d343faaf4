public import Contracts
public import Foundation
public import Kafka

/// One record of a dead topic: what died, why, and where it came from.
public struct DeadLetter: Sendable, Hashable {
    /// Where a job was first read.
    public struct Origin: Sendable, Hashable, CustomStringConvertible {
        /// The topic.
        public let topic: String
        /// The partition.
        public let partition: Int32
        /// The offset.
        public let offset: Int64

        /// Such as `jobs.conversation-3 at 42`.
        public var description: String { "\(TerminalText.escaped(topic))-\(partition) at \(offset)" }
    }

    /// Which letter of its topic it is.
    public struct Position: Sendable, Hashable, Comparable, CustomStringConvertible {
        /// The partition.
        public let partition: Int32
        /// The offset.
        public let offset: Int64

        /// A position.
        public init(partition: Int32, offset: Int64) {
            self.partition = partition
            self.offset = offset
        }

        /// Reads `3:42`; nil for anything else.
        public init?(_ text: String) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let partition = Int32(parts[0]), let offset = Int64(parts[1]), partition >= 0, offset >= 0
            else { return nil }
            self.init(partition: partition, offset: offset)
        }

        /// Partition and offset, such as `3:42`.
        public var description: String { "\(partition):\(offset)" }

        /// Orders by partition, then by offset.
        public static func < (left: Position, right: Position) -> Bool {
            (left.partition, left.offset) < (right.partition, right.offset)
        }
    }

    /// The record as it stands in the dead topic.
    public let record: ConsumerRecord
    /// The job; nil when the value isn't one.
    public let job: Job?
    /// Why the value can't be read.
    public let problem: ContractError?

    /// Looks at a record of a dead topic. Nothing is refused: what can't be read is a letter, too.
    public init(_ record: ConsumerRecord) {
        self.record = record
        do throws(ContractError) {
            job = try Job.decode(record.value)
            problem = nil
        } catch {
            job = nil
            problem = error
        }
    }

    /// Which letter it is.
    public var position: Position { Position(partition: record.partition, offset: record.offset) }

    private func text(_ header: String) -> String? { record.headers.text(of: header).flatMap { $0.isEmpty ? nil : $0 } }

    /// The class of the failure; `unknown` where no worker said.
    public var reason: String { text(JobHeader.deadReason) ?? "unknown" }
    /// The failure, one line.
    public var message: String? { text(JobHeader.deadMessage) }
    /// What to do about it, as the worker said.
    public var advice: String? { text(JobHeader.deadAdvice) }
    /// The worker that gave up.
    public var worker: String? { text(JobHeader.deadWorker) }
    /// Attempts that were spent.
    public var attempts: Int? { text(JobHeader.deadAttempts).flatMap { Int($0) } }
    /// How often it was sent back to work before.
    public var redrives: Int { max(0, text(JobHeader.redrives).flatMap { Int($0) } ?? 0) }
    /// The size of the value before it was cut, bytes; nil when it is whole.
    public var truncatedFrom: Int? { text(JobHeader.deadTruncated).flatMap { Int($0) } }

    /// When it died: as the worker said, or the record's time.
    public var diedAt: Date? {
        if let told = text(JobHeader.deadAt).flatMap({ Timestamp.date($0) }) { return told }
        return record.timestamp > 0 ? Date(timeIntervalSince1970: Double(record.timestamp) / 1000) : nil
    }

    /// Where the job was first read; nil where no worker said.
    public var origin: Origin? {
        guard let topic = text(JobHeader.firstTopic), let partition = text(JobHeader.firstPartition).flatMap({ Int32($0) }),
            let offset = text(JobHeader.firstOffset).flatMap({ Int64($0) })
        else { return nil }
        return Origin(topic: topic, partition: partition, offset: offset)
    }

    /// The job's id, or the key where the value can't be read; for people.
    public var name: String {
        if let job { return job.id }
        guard let key = record.key, !key.isEmpty else { return "(no key)" }
        return TerminalText.escaped(String(decoding: key, as: UTF8.self), limit: 60)
    }
}
