internal import Contracts
public import Foundation
internal import Kafka
public import Logging
internal import Messaging
internal import Metrics
public import ObjectStorage
public import Service
public import ServiceLifecycle
internal import Synchronization

/// Turns job events into tags, alerts and a page; of several processes one does, the others stand by.
///
/// 1. Leadership is ownership of partition 0 of `alerts`; the leader reads all partitions of `job.events`.
/// 2. At the start it reads every kept event up to the committed offset without acting: that is its state.
/// 3. Then it acts on each event, and commits the offsets together with the alerts after the tags are written.
/// 4. Meanwhile it makes sure that days which were completed lately have their tags.
public final class MonitorService: ServiceLifecycle.Service {
    private let configuration: MonitorConfiguration
    private let tags: TagWriter
    private let now: @Sendable () -> Date
    private let logger: Logger
    private let readiness: HealthIndicator
    private let lake: HealthIndicator
    private let board: Mutex<DayBoard>
    private let alerts = Mutex(AlertBook())

    /// Where the leader stands in every partition, as it was committed last, and when all of it was committed.
    private let positions = Mutex(Positions())

    private struct Positions {
        var committed: [TopicPartition: CommittedOffset] = [:]
        var renewed: ContinuousClock.Instant?
    }

    /// Events that share a commit, and the longest time until one.
    private static let batchSize = 500
    private static let tick: Duration = .milliseconds(250)
    /// How often the offsets of quiet partitions are committed again: Kafka forgets those of a topic that no member of the group
    /// subscribes to after `offsets.retention.minutes`, a week, and the group subscribes to the lease's topic only.
    private static let renewal: Duration = .seconds(3600)
    /// Days of which something was heard within these seconds are checked for their tags by a new leader. What is older may have
    /// been cleared away on purpose.
    private static let recheck: TimeInterval = 2 * 86_400

    /// Describes the service; `run` starts it.
    public init(
        _ configuration: MonitorConfiguration, store: any ObjectStore, health: HealthRegistry,
        now: @escaping @Sendable () -> Date = { Date() }, logger: Logger
    ) {
        self.configuration = configuration
        self.now = now
        self.logger = logger
        tags = TagWriter(store: store, layout: configuration.layout, readsObjects: configuration.readsObjects)
        readiness = health.indicator("kafka", for: .readiness, initially: .failing("not connected"))
        lake = health.indicator("lake", for: .readiness, initially: .passing)
        board = Mutex(DayBoard(keep: configuration.keep))
    }

    /// Runs until graceful shutdown.
    ///
    /// - Throws: a `ProgramFailure` that says whether starting again helps.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.takePart() }
        } catch let error as KafkaError {
            throw KafkaStart.failure(error)
        } catch is CancellationError {
            return
        }
    }

    private func takePart() async throws {
        let topics = configuration.topics
        try await KafkaStart.awaitTopics(
            [topics.alerts, topics.jobEvents], on: configuration.kafka, logger: logger, readiness: readiness)
        let lease = PartitionLease(
            configuration.kafka, topic: topics.alerts, group: "\(topics.prefix)monitor",
            sessionTimeout: configuration.sessionTimeout)
        try await lease.hold { [readiness, logger] in
            readiness.set(.passing)
            logger.info("standing by")
        } _: { term in
            try await self.lead(term)
        }
    }

    // MARK: Leading

    private func lead(_ term: LeaseTerm) async throws {
        let producer = try TransactionalProducer(configuration.kafka, transactionalID: "\(configuration.topics.prefix)monitor")
        do {
            // First of all: fences the old leader and ends what it left open.
            try await producer.initialize()
            while term.isCurrent, !Task.isCancelled {
                do {
                    try await follow(term, producer)
                    break
                } catch let error as KafkaError where error.mayPassInNextTransaction && term.isCurrent {
                    // Nothing of the aborted transaction counts: everything is read again, and acted on from the last commit.
                    logger.warning("beginning again", metadata: ["error": "\(error)"])
                    try await Task.sleep(for: .milliseconds(500))
                }
            }
            await producer.close()
        } catch {
            await producer.close()
            throw error
        }
    }

    private func follow(_ term: LeaseTerm, _ producer: TransactionalProducer) async throws {
        board.withLock { $0 = DayBoard(keep: configuration.keep) }
        try await restoreAlerts()
        let events = ConsumerEvents()
        var reader = ConsumerConfiguration(configuration.kafka, group: "\(configuration.topics.prefix)monitor")
        reader.reportsEnds = true
        // Each event is small and taken in at once: what would be fetched ahead of a whole history is memory for nothing.
        reader.prefetchedRecords = 1000
        reader.prefetchedBytes = 4 << 20
        let consumer = try await Consumer(reader, listener: events)
        do {
            let partitions = try await consumer.partitions(of: configuration.topics.jobEvents)
            let committed = try await consumer.committed(partitions).mapValues(\.offset)
            let positions = try await rebuild(consumer, events, partitions, committed)
            self.positions.withLock { $0 = Positions(committed: positions.mapValues { CommittedOffset($0) }) }
            logger.info("leading", metadata: ["partitions": "\(partitions.count)", "days": "\(rows.count)"])
            try await resume(term, producer)
            let recently = now().addingTimeInterval(-Self.recheck)
            let unchecked = board.withLock { $0.complete(since: recently) }
            try await consumer.assign(positions.mapValues { .offset($0) })
            try await act(events, of: partitions.count, checking: unchecked, term, producer)
        } catch {
            await consumer.close()
            throw error
        }
        await consumer.close()
    }

    /// Reads what was committed before into the board, without acting; where to go on.
    private func rebuild(
        _ consumer: Consumer, _ events: ConsumerEvents, _ partitions: [TopicPartition], _ committed: [TopicPartition: Int64]
    ) async throws -> [TopicPartition: Int64] {
        var positions: [TopicPartition: Int64] = [:]
        var open = Set<TopicPartition>()
        for partition in partitions {
            let kept = try await consumer.watermarks(of: partition)
            positions[partition] = max(kept.lowerBound, committed[partition] ?? kept.lowerBound)
            if kept.lowerBound < positions[partition] ?? 0 { open.insert(partition) }
        }
        guard !open.isEmpty else { return positions }
        try await consumer.assign(Dictionary(uniqueKeysWithValues: open.map { ($0, StartOffset.earliest) }))
        for try await event in events {
            switch event {
            case .record(let record):
                let partition = record.topicPartition
                guard record.offset < positions[partition] ?? 0 else {
                    open.remove(partition)
                    break
                }
                // Before all deadlines: which of them passed meanwhile is found out, and told, afterwards.
                if let event = decode(record) { _ = board.withLock { $0.apply(event, now: .distantPast) } }
                if record.offset + 1 >= positions[partition] ?? 0 { open.remove(partition) }
            case .reachedEnd(let partition, _):
                open.remove(partition)
            case .failed(let error):
                logger.warning("rebuilding", metadata: ["error": "\(error)"])
            case .assigned, .revoked:
                break
            }
            if open.isEmpty { break }
        }
        try Task.checkCancellation()
        return positions
    }

    /// Brings the board in line with the alerts that are firing.
    private func resume(_ term: LeaseTerm, _ producer: TransactionalProducer) async throws {
        let firing = alerts.withLock { Set($0.firing.keys) }
        let effects = board.withLock { $0.resume(firing: firing, now: now()) }
        try await publish(try await carryOut(effects, term), [:], term, producer)
    }

    private func restoreAlerts() async throws {
        alerts.withLock { $0 = AlertBook() }
        try await alertReader.readKept { key, alert in
            guard let alert, AlertBook.isOurs(key) else { return }
            alerts.withLock { $0.restore(alert) }
        }
    }

    private var alertReader: AlertReader {
        AlertReader(kafka: configuration.kafka, topic: configuration.topics.alerts, logger: logger)
    }

    /// Acts on events until the term ends: gathers for a moment, acts, commits. When it is quiet, looks at the tags of these days.
    private func act(
        _ events: ConsumerEvents, of partitions: Int, checking unchecked: [DayKey], _ term: LeaseTerm,
        _ producer: TransactionalProducer
    ) async throws {
        let inbox = EventInbox()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await event in events {
                    switch event {
                    case .record(let record): await inbox.add(record, limit: Self.batchSize * 4)
                    case .reachedEnd(let partition, _): await inbox.reachedEnd(of: partition)
                    case .failed(let error): self.logger.warning("reading events", metadata: ["error": "\(error)"])
                    case .assigned, .revoked: break
                    }
                }
            }
            group.addTask {
                // What others tell is only shown: without it the leader goes on.
                try await self.alertReader.follow { key, alert in self.alerts.withLock { $0.note(alert, key: key) } }
            }
            group.addTask {
                var checks = TagChecks(of: unchecked)
                while term.isCurrent {
                    let records = try await inbox.take(Self.batchSize, waiting: Self.tick)
                    try await self.act(on: records, term, producer)
                    // Only who has read everything knows which days are complete.
                    guard records.isEmpty, await inbox.partitionsRead >= partitions, let key = checks.next(at: .now) else {
                        continue
                    }
                    if try await self.checkTag(of: key, term, producer) { checks.done() } else { checks.failed(at: .now) }
                }
            }
            // Whichever ends first ends the term; a reader that waits for room is let go, or it would keep the term open.
            let first = await group.nextResult()
            group.cancelAll()
            await inbox.close()
            try first?.get()
        }
    }

    private func act(on records: [ConsumerRecord], _ term: LeaseTerm, _ producer: TransactionalProducer) async throws {
        var messages: [Alert] = []
        var offsets: [TopicPartition: CommittedOffset] = [:]
        for record in records {
            offsets[record.topicPartition] = CommittedOffset(record.offset + 1)
            guard let event = decode(record) else { continue }
            Counter(label: "monitor_events_total", dimensions: [("event", event.event.rawValue)]).increment()
            messages += try await carryOut(board.withLock { $0.apply(event, now: now()) }, term)
        }
        messages += try await carryOut(board.withLock { $0.check(now: now()) }, term)
        try await publish(messages, offsets, term, producer)
        try await renewOffsets(term)
    }

    /// Commits the offsets of all partitions again, now and then.
    private func renewOffsets(_ term: LeaseTerm) async throws {
        let isDue = positions.withLock { positions in
            guard let renewed = positions.renewed else {
                positions.renewed = .now
                return false
            }
            return renewed.duration(to: .now) >= Self.renewal
        }
        guard isDue else { return }
        try await prove(term)
        positions.withLock { $0.renewed = .now }
    }

    /// Makes sure at the broker that this is still the leader: nothing else keeps one that was paused from writing tags.
    private func prove(_ term: LeaseTerm) async throws {
        try await term.prove(committing: positions.withLock { $0.committed })
    }

    /// Writes the tag of a complete day that has none, or an older one: somebody took it away, or whoever led before never saw
    /// the event that completed the day. What is new doesn't wait for that: false if the lake can't be used now.
    private func checkTag(of key: DayKey, _ term: LeaseTerm, _ producer: TransactionalProducer) async throws -> Bool {
        guard let (manifests, isKnownFromReruns) = board.withLock({ $0.completion(of: key) }) else { return true }
        do {
            guard try await !tags.says(key, manifests: manifests) else { return true }
            logger.notice("a complete day lacks its tag", metadata: ["day": "\(key.description)"])
            Counter(label: "monitor_tags_missing_total").increment()
            try await prove(term)
            try await tags.succeed(key, manifests: manifests, keepsEarlier: isKnownFromReruns)
        } catch let mismatch as TagWriter.Mismatch {
            let effects = board.withLock { $0.mismatched(key, mismatch.failure, now: now()) }
            try await publish(try await carryOut(effects, term), [:], term, producer)
        } catch let error as ObjectStorageError {
            logger.warning("tag not checked", metadata: ["day": "\(key.description)", "error": "\(error)"])
            // A name that can't be one is none tomorrow either.
            return error.kind == .invalidKey
        }
        return true
    }

    /// Publishes alerts and commits the offsets of what they were told for, in one transaction.
    private func publish(
        _ messages: [Alert], _ offsets: [TopicPartition: CommittedOffset], _ term: LeaseTerm, _ producer: TransactionalProducer
    ) async throws {
        guard !offsets.isEmpty || !messages.isEmpty else { return }
        let group = try await term.groupMetadata()
        let alerts = messages.map { ProducerRecord($0.message(to: configuration.topics)) }
        try await producer.transaction { producer throws(KafkaError) in
            for alert in alerts { try producer.send(alert) }
            try producer.sendOffsets(offsets, group: group)
        }
        positions.withLock { $0.committed.merge(offsets) { _, new in new } }
    }

    private func decode(_ record: ConsumerRecord) -> JobEvent? {
        do throws(ContractError) {
            return try JobEvent.decode(record.value)
        } catch {
            logger.error(
                "event can't be read",
                metadata: ["partition": "\(record.topicPartition)", "offset": "\(record.offset)", "error": "\(error)"])
            Counter(label: "monitor_unreadable_events_total").increment()
            return nil
        }
    }

    // MARK: Effects

    /// Does what effects ask for, in order; the alerts to publish for it.
    private func carryOut(_ effects: [MonitorEffect], _ term: LeaseTerm) async throws -> [Alert] {
        var published: [Alert] = []
        for effect in effects { published += try await carryOut(effect, term) }
        return published
    }

    private func carryOut(_ effect: MonitorEffect, _ term: LeaseTerm) async throws -> [Alert] {
        switch effect {
        case .succeed(let key, let manifests, let isKnownFromReruns):
            do {
                try await persistently("_SUCCESS of \(key.description)", term) {
                    try await tags.succeed(key, manifests: manifests, keepsEarlier: isKnownFromReruns)
                }
            } catch let mismatch as TagWriter.Mismatch {
                return try await carryOut(board.withLock { $0.mismatched(key, mismatch.failure, now: now()) }, term)
            }
            logger.info("day complete", metadata: ["source": "\(key.source)", "dataset": "\(key.dataset)", "day": "\(key.day)"])
            Counter(label: "monitor_days_total", dimensions: [("dataset", key.dataset), ("tag", "success")]).increment()
            return try await carryOut(.resolve(key: key.alertKey), term)
        case .fail(let key, let failure, let since):
            try await persistently("_FAILURE of \(key.description)", term) { try await tags.fail(key, failure, since: since) }
            Counter(label: "monitor_days_total", dimensions: [("dataset", key.dataset), ("tag", "failure")]).increment()
            return []
        case .reopen(let key):
            try await persistently("tags of \(key.description)", term) { try await tags.reopen(key) }
            return []
        case .alert(let alert):
            guard let alert = alerts.withLock({ $0.fire(alert) }) else { return [] }
            logger.log(
                level: alert.severity == .critical ? .error : .warning, "alert: \(alert.summary)",
                metadata: ["alert": "\(alert.key)", "advice": "\(alert.advice ?? "")"])
            Gauge(label: "monitor_alerts_firing").record(alerts.withLock { $0.firing.count })
            return [alert]
        case .resolve(let key):
            guard let alert = alerts.withLock({ $0.resolve(key, at: now()) }) else { return [] }
            logger.notice("alert resolved: \(alert.summary)", metadata: ["alert": "\(alert.key)"])
            Gauge(label: "monitor_alerts_firing").record(alerts.withLock { $0.firing.count })
            return [alert]
        }
    }

    /// Repeats until the lake takes it: a tag is never skipped, and the offset waits for it.
    private func persistently(_ what: String, _ term: LeaseTerm, _ step: () async throws -> Void) async throws {
        var delay: Duration = .milliseconds(250)
        while true {
            do {
                try await prove(term)
                try await step()
                lake.set(.passing)
                return
            } catch let error as ObjectStorageError where error.kind == .invalidKey {
                // The layout and the names make a key that is too long: no waiting mends it, and it may not hold up the others.
                logger.error("\(what) can't be written", metadata: ["error": "\(error)"])
                Counter(label: "monitor_tags_impossible_total").increment()
                return
            } catch let error as ObjectStorageError {
                lake.set(.failing(error.description))
                logger.error("\(what) not written; trying again", metadata: ["error": "\(error)"])
                try await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(30))
            }
        }
    }

    // MARK: Reading

    var rows: [DayBoard.Row] { board.withLock { $0.rows(now: now()) } }

    /// All alerts that are firing, those of other programs too.
    var firing: [Alert] {
        alerts.withLock { book in (Array(book.firing.values) + book.others.values).sorted { $0.key < $1.key } }
    }

    func folder(of key: DayKey) -> String { tags.folder(key) }
}
