public import Contracts
public import Foundation
public import Kafka
internal import Messaging

/// Reads the dead letters of a kind, sends them back to work, and marks them.
public struct DeadOperations: Sendable {
    private let kafka: KafkaConfiguration
    private let topics: TopicNames
    private let kind: String
    private let report: JobOperations.Report

    /// Operations on the dead letters of a kind.
    public init(
        _ kafka: KafkaConfiguration, topics: TopicNames, kind: String, report: @escaping JobOperations.Report = { _, _ in }
    ) {
        self.kafka = kafka
        self.topics = topics
        self.kind = kind
        self.report = report
    }

    /// Reads what operators did about letters of the kind.
    public func marks() async throws -> DeadMarks {
        var marks = DeadMarks(kind: kind)
        try await JobOperations(kafka, topics: topics).read([topics.deadMarks]) { marks.take($0) }
        return marks
    }

    /// Reads the letters that a filter lets through, partition by partition in order.
    ///
    /// - Returns: the oldest kept offset by partition.
    @discardableResult
    public func read(_ filter: DeadFilter, _ body: (DeadLetter) throws -> Void) async throws -> [Int32: Int64] {
        // A letter is written after the death that it tells of, and clocks differ a little.
        let start = filter.since.map { TopicScan.Start.time(Int64($0.timeIntervalSince1970 * 1000) - 60_000) } ?? .earliest
        let topic = topics.dead(kind)
        try await JobOperations(kafka, topics: topics, report: report).read([topic], from: start) { record in
            let letter = DeadLetter(record)
            if filter.matches(letter) { try body(letter) }
        }
        return try await oldest()
    }

    /// Reads one letter; nil when the topic doesn't hold it.
    public func letter(at position: DeadLetter.Position) async throws -> DeadLetter? {
        let start = [TopicPartition(topics.dead(kind), position.partition): TopicScan.Start.offset(position.offset)]
        return try await TopicScan(kafka, from: start, until: .offset(position.offset + 1)).read { records in
            for try await record in records where record.offset == position.offset { return DeadLetter(record) }
            return nil
        }
    }

    private func oldest() async throws -> [Int32: Int64] {
        try await TopicScan(kafka, topics: [topics.dead(kind)], until: .offset(0)).read { records in
            Dictionary(uniqueKeysWithValues: records.ranges.map { ($0.key.partition, $0.value.lowerBound) })
        }
    }

    // MARK: Selecting

    /// The most bytes of letters that one command holds.
    static let maximumBytes = 256 << 20

    /// Letters that a command is about.
    public struct Selection: Sendable {
        /// The letters about which nothing was done yet.
        public var letters: [DeadLetter] = []
        /// Letters that the filter lets through, too, but about which something was done.
        public var marked = 0
        /// Whether there are more than one command holds: run it again for the rest.
        public var isTruncated = false
        /// What `job.events` say of the letters' roots.
        public var known = KnownJobs(ids: [])
        /// Marks whose letters aren't kept any more, by key.
        public var outlived: [String] = []
    }

    /// Reads the letters that a filter lets through and about which nothing was done yet.
    public func select(_ filter: DeadFilter) async throws -> Selection {
        let marks = try await marks()
        var selection = Selection()
        var bytes = 0
        let kept = try await read(filter) { letter in
            if marks[letter] != nil {
                selection.marked += 1
                return
            }
            let size = 500 + (letter.record.value?.count ?? 0) + (letter.record.key?.count ?? 0)
            guard bytes + size <= Self.maximumBytes else {
                selection.isTruncated = true
                return
            }
            bytes += size
            selection.letters.append(letter)
        }
        selection.outlived = marks.outlived(kept: kept)
        let roots = Set(selection.letters.compactMap { $0.job?.root })
        if !roots.isEmpty { selection.known = try await JobOperations(kafka, topics: topics).look(for: KnownJobs(ids: roots)) }
        return selection
    }

    // MARK: Changing

    /// Runs `body` with the right to change what is known of the kind's letters, which only one command at a time has.
    public func withRight<Result: Sendable>(
        _ body: (OperatorTransactions) async throws -> Result
    ) async throws -> Result {
        try await OperatorTransactions.withRight(to: "dead.\(kind)", prefix: topics.prefix, kafka, body)
    }

    /// Marks letters as discarded; nothing is deleted.
    public func discard(
        _ selection: Selection, by: String, reason: String, now: Date, _ transactions: OperatorTransactions
    ) async throws {
        let records = selection.letters.map { mark($0, .discarded, by: by, reason: reason, now: now) } + forget(selection)
        for part in stride(from: 0, to: records.count, by: 500) {
            try await transactions.commit(Array(records[part..<min(part + 500, records.count)]))
            report(Int64(min(part + 500, records.count)), Int64(records.count))
        }
    }

    private func forget(_ selection: Selection) -> [ProducerRecord] {
        selection.outlived.map { ProducerRecord(topic: topics.deadMarks, key: Array($0.utf8), value: nil) }
    }

    private func mark(
        _ letter: DeadLetter, _ action: DeadMark.Action, by: String, reason: String?, now: Date
    ) -> ProducerRecord {
        ProducerRecord(
            DeadMark(
                action, kind: kind, partition: letter.record.partition, offset: letter.record.offset,
                timestamp: letter.record.timestamp, job: letter.job?.id, by: by, reason: reason, at: now
            ).message(to: topics))
    }

    /// Sends letters back to work, each in one transaction with its mark: a few first, then, if they succeed, the rest at a rate.
    ///
    /// - Returns: what was done and, where it stopped, why.
    public func redrive(
        _ plan: RedrivePlan, of selection: Selection, _ policy: RedrivePolicy, by: String,
        _ transactions: OperatorTransactions
    ) async throws -> RedriveReport {
        let followed = [topics.jobEvents, topics.dead(kind)]
        let target = topics.jobs(kind)
        try await transactions.commit(forget(selection))
        return try await TopicScan(kafka, topics: followed, from: .latest, until: .never).read { records in
            let run = RedriveRun(plan: plan, policy: policy, eventsTopic: topics.jobEvents, report: report) { letters in
                let now = Date()
                var all: [ProducerRecord] = []
                for letter in letters {
                    all.append(RedrivePlan.record(of: letter, to: target))
                    all.append(mark(letter, .redriven, by: by, reason: nil, now: now))
                    for older in plan.superseded[letter.position] ?? [] {
                        all.append(mark(older, .superseded, by: by, reason: nil, now: now))
                    }
                }
                try await transactions.commit(all)
            }
            return try await run.run(following: records)
        }
    }
}
