public import Kafka

/// What a replay would publish, counted.
public struct ReplayPlan: Sendable, Hashable {
    /// What is read of one partition.
    public struct Row: Sendable, Hashable {
        /// The partition.
        public let partition: Int32
        /// The first offset and the end of what is read.
        public var range: Range<Int64>
        /// How many messages would be published.
        public var messages = 0
        /// How many bytes their keys and values have.
        public var bytes = 0
        /// The time of the first one, ms since 1970.
        public var first: Int64?
        /// The time of the last one, ms since 1970.
        public var last: Int64?
    }

    /// The partitions, in order.
    public private(set) var rows: [Row] = []
    /// Messages by the kind of their job; `-` where they tell none.
    public private(set) var kinds: [String: Int] = [:]
    /// Messages by the source of their job.
    public private(set) var sources: [String: Int] = [:]
    /// Messages by the business day of their job.
    public private(set) var days: [String: Int] = [:]
    /// Messages that are replays themselves.
    public private(set) var replays = 0
    /// Messages of the time whose value isn't JSON: filters by kind, source and day don't find them.
    public private(set) var unreadable = 0
    /// Messages of the time that the filters left out.
    public private(set) var leftOut = 0
    /// The first messages.
    public private(set) var sample: [ConsumerRecord] = []

    /// How many messages are shown.
    public static let sampleSize = 5
    /// How many different kinds, sources and days are told apart; the rest is counted together.
    static let maximumGroups = 1_000

    /// How many messages would be published.
    public var messages: Int { rows.reduce(0) { $0 + $1.messages } }

    init(ranges: [TopicPartition: Range<Int64>]) {
        rows = ranges.sorted { $0.key < $1.key }.map { Row(partition: $0.key.partition, range: $0.value) }
    }

    mutating func add(_ record: ConsumerRecord) {
        guard let index = rows.firstIndex(where: { $0.partition == record.partition }) else { return }
        rows[index].messages += 1
        rows[index].bytes += (record.key?.count ?? 0) + (record.value?.count ?? 0)
        rows[index].first = min(rows[index].first ?? .max, record.timestamp)
        rows[index].last = max(rows[index].last ?? .min, record.timestamp)
        if ReplayRequest.isReplay(record) { replays += 1 }
        if sample.count < Self.sampleSize { sample.append(record) }
        let fields = RecordFields(record)
        if !fields.isReadable { unreadable += 1 }
        Self.count(fields.text("kind"), in: &kinds)
        Self.count(fields.text("source"), in: &sources)
        Self.count(fields.text("day"), in: &days)
    }

    mutating func leaveOut(_ record: ConsumerRecord) {
        leftOut += 1
        if !RecordFields(record).isReadable { unreadable += 1 }
    }

    private static func count(_ group: String?, in counts: inout [String: Int]) {
        let group = group ?? "-"
        counts[counts[group] != nil || counts.count < maximumGroups ? group : "others", default: 0] += 1
    }
}
