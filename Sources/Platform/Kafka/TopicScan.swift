internal import Logging

/// A stretch of one or several topics that is read once, from a beginning to an end, without a group and committed records only.
///
/// 1. An end that is not `never` is fixed when the scan begins: what is published meanwhile is not read, and a scan ends even
///    when only markers of transactions stand before its end.
/// 2. What is not taken yet is bounded, in records and bytes: partitions are paused meanwhile.
/// 3. `read` closes its consumer however it ends. A cancelled task gets a `CancellationError`, never a short result.
public struct TopicScan: Sendable {
    /// Where reading begins in each partition; always moved into what is kept.
    public enum Start: Sendable, Hashable {
        /// The oldest record that is kept.
        case earliest
        /// After the newest record.
        case latest
        /// This record.
        case offset(Int64)
        /// The first record at or after this time, ms since 1970; without one, the end.
        case time(Int64)
        /// So many offsets after the oldest record, or, if negative, before the end.
        case shift(Int64)
    }

    /// Where reading ends in each partition.
    public enum End: Sendable, Hashable {
        /// After the newest record that was there when the scan began.
        case current
        /// Before this record, or as `current` if that comes first.
        case offset(Int64)
        /// Before the first record at or after this time, ms since 1970, or as `current` if that comes first.
        case time(Int64)
        /// Goes on with what is published, until the reader leaves or its task is cancelled.
        case never
    }

    /// How far a scan has come.
    public struct Progress: Sendable, Hashable {
        /// Offsets that lie behind the reader, those without a record included.
        public var passed: Int64
        /// Offsets of the whole stretch; 0 when it has no end.
        public var total: Int64
        /// Records handed out.
        public var records: Int
    }

    private enum Scope {
        case topics([String], partitions: Set<Int32>, Start)
        case partitions([TopicPartition: Start])
    }

    private let kafka: KafkaConfiguration
    private let scope: Scope
    private let end: End

    /// What is buffered at most, records and bytes, and how long a bounded scan waits for a silent broker; tests change them.
    var maximumRecords = 10_000
    var maximumBytes = 8 << 20
    var patience: Duration = .seconds(30)

    /// A stretch of whole topics, or of some of their partitions.
    ///
    /// - Parameter partitions: the numbers of the partitions to read; empty for all. Each topic must have them.
    public init(
        _ kafka: KafkaConfiguration, topics: [String], partitions: Set<Int32> = [], from start: Start = .earliest,
        until end: End = .current
    ) {
        self.kafka = kafka
        scope = .topics(topics, partitions: partitions, start)
        self.end = end
    }

    /// A stretch with a beginning of its own for each partition.
    public init(_ kafka: KafkaConfiguration, from starts: [TopicPartition: Start], until end: End = .current) {
        self.kafka = kafka
        scope = .partitions(starts)
        self.end = end
    }

    /// Runs `body` with the records; the consumer is closed when it returns or throws.
    ///
    /// - Throws: a `KafkaError`: of kind `unknownTopic` when a topic or partition doesn't exist, `timedOut` when a bounded scan
    ///   gets nothing for 30 s; and what `body` throws.
    public func read<Result: Sendable>(_ body: (Records) async throws -> Result) async throws -> Result {
        var configuration = ConsumerConfiguration(kafka)
        configuration.reportsEnds = true
        configuration.statisticsInterval = .zero
        let patience: Duration? = end == .never ? nil : self.patience
        let records = Records(
            maximumRecords: maximumRecords, maximumBytes: maximumBytes, patience: patience, logger: kafka.logger)
        let consumer = try await Consumer(configuration, listener: records)
        do {
            let ranges = try await ranges(consumer)
            try Task.checkCancellation()
            records.begin(ranges, isBounded: end != .never)
            let open = ranges.filter { !$0.value.isEmpty }
            if !open.isEmpty { try await consumer.assign(open.mapValues { .offset($0.lowerBound) }) }
            let result = try await body(records)
            await consumer.close()
            return result
        } catch {
            await consumer.close()
            throw error
        }
    }

    // MARK: From words to offsets

    private func ranges(_ consumer: Consumer) async throws -> [TopicPartition: Range<Int64>] {
        let starts = try await starts(consumer)
        let partitions = starts.keys.sorted()
        let kept = try await consumer.watermarks(of: partitions)
        var times: [TopicPartition: Int64] = [:]
        for case (let partition, .time(let time)) in starts { times[partition] = time }
        let begins = try await consumer.offsets(atOrAfter: times)
        var ends: [TopicPartition: Int64] = [:]
        if case .time(let time) = end {
            ends = try await consumer.offsets(atOrAfter: Dictionary(uniqueKeysWithValues: partitions.map { ($0, time) }))
        }
        var ranges: [TopicPartition: Range<Int64>] = [:]
        for (partition, start) in starts {
            guard let kept = kept[partition] else { continue }
            let begin = start.offset(in: kept, atTime: begins[partition])
            let last: Int64 =
                switch end {
                case .current: kept.upperBound
                case .never: .max
                case .offset(let offset): min(offset, kept.upperBound)
                case .time: min(ends[partition] ?? kept.upperBound, kept.upperBound)
                }
            ranges[partition] = begin..<max(begin, last)
        }
        return ranges
    }

    private func starts(_ consumer: Consumer) async throws -> [TopicPartition: Start] {
        let (topics, wanted): ([String], [TopicPartition: Start]?) =
            switch scope {
            case .topics(let topics, _, _): (topics, nil)
            case .partitions(let starts): (Set(starts.keys.map(\.topic)).sorted(), starts)
            }
        var existing: Set<TopicPartition> = []
        for topic in topics { existing.formUnion(try await consumer.partitions(of: topic)) }
        var starts: [TopicPartition: Start] = wanted ?? [:]
        if case .topics(let topics, let numbers, let start) = scope {
            let chosen = numbers.isEmpty ? existing : Set(topics.flatMap { topic in numbers.map { TopicPartition(topic, $0) } })
            starts = Dictionary(uniqueKeysWithValues: chosen.map { ($0, start) })
        }
        if let missing = starts.keys.filter({ !existing.contains($0) }).min() {
            let count = existing.count { $0.topic == missing.topic }
            throw KafkaError(
                kind: .other, code: "UNKNOWN_TOPIC_OR_PART", operation: "read \(missing.topic)",
                message: "it has no partition \(missing.partition), only 0 to \(count - 1)")
        }
        return starts
    }
}

extension TopicScan.Start {
    /// The offset that this means in a partition.
    ///
    /// - Parameters:
    ///   - kept: the oldest kept offset, and the end.
    ///   - found: the first offset at or after the time, where it is a time and there is one.
    public func offset(in kept: Range<Int64>, atTime found: Int64?) -> Int64 {
        let offset: Int64 =
            switch self {
            case .earliest: kept.lowerBound
            case .latest: kept.upperBound
            case .offset(let offset): offset
            case .time: found ?? kept.upperBound
            case .shift(let count) where count < 0: kept.upperBound.addingReportingOverflow(count).partialValue
            case .shift(let count): kept.lowerBound.addingReportingOverflow(count).partialValue
            }
        return min(max(offset, kept.lowerBound), kept.upperBound)
    }
}
