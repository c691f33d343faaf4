public import Contracts
internal import Foundation
public import Kafka

/// What operators did about the dead letters of a kind, read from `dead.marks`.
public struct DeadMarks: Sendable {
    private var marks: [DeadLetter.Position: DeadMark] = [:]
    private let kind: String
    /// Records that couldn't be read.
    public private(set) var unreadable = 0

    /// No marks of a kind yet.
    public init(kind: String) { self.kind = kind }

    /// Takes a record of the topic in; those of other kinds are passed over.
    public mutating func take(_ record: ConsumerRecord) {
        let parts = String(decoding: record.key ?? [], as: UTF8.self).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == kind, let position = DeadLetter.Position("\(parts[1]):\(parts[2])") else { return }
        guard record.value?.isEmpty == false else {
            marks[position] = nil
            return
        }
        guard let mark = try? DeadMark.decode(record.value) else {
            unreadable += 1
            return
        }
        marks[position] = mark
    }

    /// What was done about a letter; nil when nothing was.
    public subscript(letter: DeadLetter) -> DeadMark? {
        marks[letter.position].flatMap { $0.timestamp == letter.record.timestamp ? $0 : nil }
    }

    /// The keys of marks whose letters are not kept any more, to be forgotten.
    ///
    /// - Parameter kept: the oldest kept offset by partition.
    public func outlived(kept: [Int32: Int64]) -> [String] {
        marks.keys.filter { position in kept[position.partition].map { position.offset < $0 } ?? false }.sorted()
            .map { DeadMark.key(kind: kind, partition: $0.partition, offset: $0.offset) }
    }
}
