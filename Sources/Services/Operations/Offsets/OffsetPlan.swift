public import Kafka
internal import WorkerKit

/// What moving a group's offsets would change, partition by partition: a pure function of what is there and what is wanted.
public struct OffsetPlan: Sendable, Hashable {
    /// What is known of one partition.
    public struct Facts: Sendable, Hashable {
        /// What the group has committed; nil for nothing.
        public var committed: CommittedOffset?
        /// The oldest kept offset, and the end.
        public var kept: Range<Int64>
        /// The first record at or after the wanted time, where that is a time and there is one.
        public var found: Int64?

        /// What is known.
        public init(committed: CommittedOffset?, kept: Range<Int64>, found: Int64? = nil) {
            self.committed = committed
            self.kept = kept
            self.found = found
        }
    }

    /// One partition.
    public struct Row: Sendable, Hashable {
        /// The partition.
        public let partition: TopicPartition
        /// What is committed; nil for nothing: reading then begins with the oldest record.
        public let old: CommittedOffset?
        /// What will be committed; nil takes the commit away.
        public let new: CommittedOffset?
        /// Where reading begins now.
        public let from: Int64
        /// Where reading will begin.
        public let to: Int64
        /// What was moved into the kept range, and why; nil when nothing was.
        public let note: String?
        /// Offsets that will be passed over.
        public var skipped: Int64 { max(0, to - from) }
        /// Offsets that will be read again, those included that were done ahead of the committed offset.
        public let repeated: Int64
        /// Whether anything changes.
        public var isChange: Bool { old != new }
        /// How many records `skipped` or `repeated` stand for; nil when that isn't known exactly.
        public var records: Int?
        /// The time of the first record at the old position, ms since 1970; nil when there is none.
        public var timeAtOld: Int64?
        /// The time of the first record at the new position, ms since 1970; nil when there is none.
        public var timeAtNew: Int64?
    }

    /// The group.
    public let group: String
    /// The partitions, in order.
    public var rows: [Row]

    /// Whether nothing would change.
    public var isEmpty: Bool { rows.allSatisfy { !$0.isChange } }

    /// Plans to move to a target. The metadata beside the offsets is cleared: a window of done offsets makes no sense elsewhere.
    public init(group: String, facts: [TopicPartition: Facts], target: OffsetTarget) {
        self.group = group
        rows = facts.sorted { $0.key < $1.key }.map { partition, facts in
            let (wanted, remark) = Self.wanted(target, facts)
            let (to, moved) = Self.clamped(wanted, facts.kept)
            return Self.row(partition, facts, CommittedOffset(to), note: moved ?? remark)
        }
    }

    /// Plans to restore what a file remembers, with its metadata where the offset is still kept.
    public init(group: String, facts: [TopicPartition: Facts], restoring offsets: [TopicPartition: CommittedOffset?]) {
        self.group = group
        rows = facts.sorted { $0.key < $1.key }.compactMap { partition, facts in
            guard let remembered = offsets[partition] else { return nil }
            guard let remembered else { return Self.row(partition, facts, nil, note: "takes the commit away") }
            let (to, moved) = Self.clamped(remembered.offset, facts.kept)
            let restored = moved == nil ? remembered : CommittedOffset(to)
            return Self.row(partition, facts, restored, note: moved)
        }
    }

    private static func wanted(_ target: OffsetTarget, _ facts: Facts) -> (Int64, String?) {
        switch target {
        case .earliest: return (facts.kept.lowerBound, nil)
        case .latest: return (facts.kept.upperBound, nil)
        case .offset(let offset): return (offset, nil)
        case .time:
            return facts.found.map { ($0, nil) } ?? (facts.kept.upperBound, "no record is that late: the end")
        case .shift(let count):
            let base = facts.committed?.offset ?? facts.kept.lowerBound
            let (sum, overflow) = base.addingReportingOverflow(count)
            return (
                overflow ? (count < 0 ? 0 : .max) : sum,
                facts.committed == nil ? "nothing is committed: counted from the oldest record" : nil
            )
        }
    }

    private static func clamped(_ offset: Int64, _ kept: Range<Int64>) -> (Int64, String?) {
        if offset < kept.lowerBound { return (kept.lowerBound, "\(offset) is not kept any more: the oldest record") }
        if offset > kept.upperBound { return (kept.upperBound, "\(offset) lies behind the end: the end") }
        return (offset, nil)
    }

    private static func row(_ partition: TopicPartition, _ facts: Facts, _ new: CommittedOffset?, note: String?) -> Row {
        let from = facts.committed?.offset ?? facts.kept.lowerBound
        let to = new?.offset ?? facts.kept.lowerBound
        let before = AckWindow(base: from, metadata: facts.committed?.metadata ?? "")
        let after = AckWindow(base: to, metadata: new?.metadata ?? "")
        // Only what the window can reach may be done beyond the base.
        let ahead = max(from, to)..<max(from, to, from + AckWindow.reach)
        let again = ahead.count { before.isDone($0) && !after.isDone($0) }
        return Row(
            partition: partition, old: facts.committed, new: new, from: from, to: to, note: note,
            repeated: max(0, from - to) + Int64(again))
    }
}
