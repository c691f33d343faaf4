internal import Logging

/// A stretch of one or several topics that is read once, from a beginning to an end, without a group and committed records only.
///
/// 1. An end that is not `never` is fixed when the scan begins: what is published meanwhile is not read, and a scan ends even
///    when only markers of transactions stand before its end.
/// 2. What is not taken yet is bounded, in records and bytes: partitions are paused meanwhile.
/// 3. `read` closes its consumer however it ends. A cancelled task gets a `CancellationError`, never a short result.
///
/// Brokers are not trusted to know the end and the offsets of times exactly (Tansu counts the last batch as one record, and finds
/// batches, not records): the answers to fetches and the records' own times decide.
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
        /// Offsets of the whole stretch, as far as is known; 0 when it has no end.
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
    private let limit: Int

    /// What is buffered at most, records and bytes, and how long a bounded scan waits for a silent broker; tests change them.
    var maximumRecords = 10_000
    var maximumBytes = 8 << 20
    var patience: Duration = .seconds(30)

    /// A stretch of whole topics, or of some of their partitions.
    ///
    /// - Parameters:
    ///   - partitions: the numbers of the partitions to read; empty for all. Each topic must have them.
    ///   - limit: the most records that are read of each partition.
    public init(
        _ kafka: KafkaConfiguration, topics: [String], partitions: Set<Int32> = [], from start: Start = .earliest,
        until end: End = .current, limit: Int = .max
    ) {
        self.kafka = kafka
        scope = .topics(topics, partitions: partitions, start)
        self.end = end
        self.limit = limit
    }

    /// A stretch with a beginning of its own for each partition.
    ///
    /// - Parameter limit: the most records that are read of each partition.
    public init(
        _ kafka: KafkaConfiguration, from starts: [TopicPartition: Start], until end: End = .current, limit: Int = .max
    ) {
        self.kafka = kafka
        scope = .partitions(starts)
        self.end = end
        self.limit = limit
    }

    /// Calls `body` for every record, each partition's in order.
    ///
    /// - Throws: as `read`.
    public func forEach(_ body: (ConsumerRecord) throws -> Void) async throws {
        try await read { records in
            for try await record in records { try body(record) }
        }
    }

    /// Runs `body` with the records; the consumer is closed when it returns or throws.
    ///
    /// - Throws: a `KafkaError`: of kind `unknownTopic` when a topic doesn't exist, `timedOut` when a bounded scan gets nothing
    ///   for 30 s; and what `body` throws.
    public func read<Result: Sendable>(_ body: (Records) async throws -> Result) async throws -> Result {
        var kafka = kafka
        // Only whoever follows waits for new records; all others want to be told at once that there are no more.
        if end != .never { kafka.properties.merge(["fetch.wait.max.ms": "10"]) { given, _ in given } }
        var configuration = ConsumerConfiguration(kafka)
        configuration.reportsEnds = true
        configuration.statisticsInterval = .zero
        let records = Records(
            maximumRecords: maximumRecords, maximumBytes: maximumBytes, limit: limit, patience: patience, logger: kafka.logger)
        let consumer = try await Consumer(configuration, listener: records)
        records.attach(consumer.thread)
        do {
            try await begin(records, consumer)
            let result = try await body(records)
            await consumer.close()
            return result
        } catch {
            await consumer.close()
            throw error
        }
    }

    /// The oldest kept offset of each partition of the scope and its end, exactly; beginning and end of the scan don't matter.
    public func kept() async throws -> [TopicPartition: Range<Int64>] {
        try await TopicScan(kafka, scope: scope, start: .latest).read { $0.kept }
    }

    private init(_ kafka: KafkaConfiguration, scope: Scope, start: Start) {
        self.kafka = kafka
        end = .current
        limit = .max
        switch scope {
        case .topics(let topics, let partitions, _): self.scope = .topics(topics, partitions: partitions, start)
        case .partitions(let starts): self.scope = .partitions(starts.mapValues { _ in start })
        }
    }

    // MARK: From words to offsets

    private func begin(_ records: Records, _ consumer: Consumer) async throws {
        let starts = try await starts(consumer)
        var kept = try await consumer.watermarks(of: starts.keys.sorted())
        // From the oldest record on it is found out by the way, unless there seems to be none (Tansu says so while a transaction
        // is open).
        let isTaken =
            starts.values.allSatisfy { $0 == .earliest } && (end == .current || end == .never)
            && kept.values.allSatisfy { !$0.isEmpty }
        if !isTaken {
            records.probe(kept)
            try await consumer.assign(kept.mapValues { .offset($0.upperBound) })
            for (partition, end) in try await records.ends() {
                kept[partition] = kept[partition].map { $0.lowerBound..<max($0.upperBound, end) }
            }
        }
        var times: [TopicPartition: Int64] = [:]
        for case (let partition, .time(let time)) in starts { times[partition] = time }
        let firsts = try await consumer.offsets(atOrAfter: times)
        var stretches: [TopicPartition: Records.Stretch] = [:]
        for (partition, start) in starts {
            guard let kept = kept[partition] else { continue }
            let begin = start.offset(in: kept, atTime: firsts[partition])
            var stretch = Records.Stretch(range: begin..<kept.upperBound, notBefore: times[partition])
            switch end {
            case .current: break
            case .never: stretch.range = begin..<Int64.max
            case .offset(let offset): stretch.range = begin..<max(begin, min(offset, kept.upperBound))
            case .time(let time): stretch.before = time
            }
            stretches[partition] = stretch
        }
        try Task.checkCancellation()
        let open = stretches.filter { !$0.value.range.isEmpty }
        let (all, found, isBounded) = (stretches, kept, end != .never)
        try await consumer.assign(open.mapValues { .offset($0.range.lowerBound) }) {
            records.begin(all, kept: found, isBounded: isBounded, isExact: !isTaken)
        }
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
            case .shift(let count) where count < 0: kept.upperBound &+ max(count, -kept.upperBound)
            case .shift(let count): kept.lowerBound &+ min(count, .max - kept.lowerBound)
            }
        return min(max(offset, kept.lowerBound), kept.upperBound)
    }
}
