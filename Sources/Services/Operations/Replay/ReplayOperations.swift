public import Contracts
public import Foundation
public import Kafka
internal import Synchronization

/// Publishes messages of a topic again.
public struct ReplayOperations: Sendable {
    private let kafka: KafkaConfiguration
    private let names: TopicNames

    /// Works on this cluster.
    public init(_ kafka: KafkaConfiguration, _ names: TopicNames) {
        self.kafka = kafka
        self.names = names
    }

    /// Why a topic isn't replayed into itself; nil when it may be.
    public func refusal(of topic: String, cleanup: String?) -> String? {
        if topic.hasPrefix(names.jobs("")), topic.hasSuffix(".dead") {
            return "refused: \(topic) holds work that was given up; send it back with switchboard dead redrive, "
                + "or replay it into another topic with --into"
        }
        let isCompacted = cleanup?.contains("compact") ?? [names.control, names.scheduleState, names.alerts].contains(topic)
        guard isCompacted else { return nil }
        return "refused: \(topic) keeps the last word on each key, an older one would take its place; "
            + "replay it into another topic with --into"
    }

    /// Counts what would be published, without publishing.
    ///
    /// - Parameter progress: told how far it has come, after every piece.
    public func plan(_ request: ReplayRequest, progress: @Sendable (TopicScan.Progress) -> Void = { _ in }) async throws
        -> ReplayPlan
    {
        try await request.scan(kafka).read { records in
            var plan = ReplayPlan(ranges: records.ranges)
            var count = 0
            for try await record in records {
                count += 1
                if count % 1000 == 0 { progress(records.progress) }
                guard request.isInTime(record) else { continue }
                if request.includes(record) { plan.add(record) } else { plan.leaveOut(record) }
                if plan.messages >= request.limit { break }
            }
            return plan
        }
    }

    /// How a run ended.
    public struct Summary: Sendable, Hashable {
        /// Messages that were published.
        public var published = 0
        /// Where to go on, by partition: the next offset of those that aren't done; empty when all is.
        public var positions: [Int32: Int64] = [:]
    }

    /// The most messages and bytes of one transaction.
    static let batchMessages = 500
    static let batchBytes = 1 << 20

    /// Publishes, in transactions of one partition's order, and tells where it stopped when the task is cancelled: nothing is
    /// published twice, nothing left out, when another run goes on from there.
    ///
    /// - Parameters:
    ///   - rate: messages a second at most; nil for as fast as the broker takes them.
    ///   - progress: told the messages published and how far the reading has come, after every transaction.
    public func run(
        _ request: ReplayRequest, rate: Double?, by: String, now: @escaping @Sendable () -> Date = { Date() },
        progress: @escaping @Sendable (Int, TopicScan.Progress) -> Void = { _, _ in }
    ) async throws -> Summary {
        let summary = Mutex(Summary())
        // A transaction that has begun is brought to its end whatever happens: it tells what was published.
        do {
            try await OperatorTransactions.withRight(to: "replay.\(request.topic)", prefix: names.prefix, kafka) { transactions in
                try await publish(request, transactions, rate: rate, by: by, now: now, summary, progress)
            }
        } catch is CancellationError where Task.isCancelled {
        } catch {
            throw Interrupted(summary: summary.withLock { $0 }, reason: "\(error)")
        }
        return summary.withLock { $0 }
    }

    /// A run failed on its way.
    public struct Interrupted: Error, Sendable, CustomStringConvertible {
        /// What was done until then.
        public let summary: Summary
        let reason: String

        /// What failed.
        public var description: String { reason }
    }

    private func publish(
        _ request: ReplayRequest, _ transactions: OperatorTransactions, rate: Double?, by: String,
        now: @escaping @Sendable () -> Date, _ summary: borrowing Mutex<Summary>,
        _ progress: @Sendable (Int, TopicScan.Progress) -> Void
    ) async throws {
        // With a rate, several transactions a second: a burst is at most what a second allows.
        let batchSize = rate.map { max(1, min(Self.batchMessages, Int($0 / 4))) } ?? Self.batchMessages
        try await request.scan(kafka).read { records in
            // Nothing is begun: all is to do.
            summary.withLock { summary in
                for (partition, range) in records.ranges where !range.isEmpty {
                    summary.positions[partition.partition] = range.lowerBound
                }
            }
            var pace = Pace(rate: rate)
            var batch: [ProducerRecord] = []
            var bytes = 0
            var reached: [Int32: Int64] = [:]
            var taken = 0
            func flush() async throws {
                try await pace.wait(for: batch.count)
                let (ready, positions) = (batch, reached)
                if !ready.isEmpty { try await transactions.commit(ready) }
                let published = summary.withLock { summary in
                    summary.published += ready.count
                    summary.positions.merge(positions) { _, new in new }
                    summary.positions = summary.positions.filter { $0.value < .max }
                    return summary.published
                }
                batch = []
                bytes = 0
                reached = [:]
                progress(published, records.progress)
            }
            for try await record in records {
                if request.includes(record) {
                    batch.append(request.replayed(record, at: Timestamp.string(now()), by: by))
                    bytes += (record.key?.count ?? 0) + (record.value?.count ?? 0)
                    taken += 1
                }
                let end = records.ranges[record.topicPartition]?.upperBound ?? .max
                reached[record.partition] = record.offset + 1 < end ? record.offset + 1 : .max
                if batch.count >= batchSize || bytes >= Self.batchBytes || taken >= request.limit { try await flush() }
                if taken >= request.limit { return }
            }
            try await flush()
            summary.withLock { $0.positions = [:] }
        }
    }

    /// Spreads messages over time.
    private struct Pace {
        let rate: Double?
        private var next = ContinuousClock.now

        init(rate: Double?) { self.rate = rate }

        /// Waits until so many messages may be published, and books their time.
        mutating func wait(for count: Int) async throws {
            guard let rate, count > 0 else { return }
            if next > .now { try await Task.sleep(until: next, clock: .continuous) }
            next = max(next, .now) + .seconds(Double(count) / rate)
        }
    }
}
