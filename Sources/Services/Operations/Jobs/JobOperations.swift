public import Contracts
public import Foundation
public import Kafka
internal import Messaging

/// Reads what is known of jobs and publishes what operators' commands plan.
public struct JobOperations: Sendable {
    /// Is told now and then how far a command is.
    public typealias Report = @Sendable (_ done: Int64, _ total: Int64) -> Void

    private let kafka: KafkaConfiguration
    private let topics: TopicNames
    private let report: Report

    /// Operations on a cluster.
    public init(_ kafka: KafkaConfiguration, topics: TopicNames, report: @escaping Report = { _, _ in }) {
        self.kafka = kafka
        self.topics = topics
        self.report = report
    }

    // MARK: Reading

    /// Reads what the topics hold now, record by record.
    ///
    /// - Returns: the next offset of each partition: what comes later begins there.
    @discardableResult
    public func read(
        _ topics: [String], from start: TopicScan.Start = .earliest, _ body: (ConsumerRecord) throws -> Void
    ) async throws -> [TopicPartition: Int64] {
        try await TopicScan(kafka, topics: topics, from: start).read { records in
            var count = 0
            for try await record in records {
                try body(record)
                count += 1
                if count.isMultiple(of: 1_000) {
                    let progress = records.progress
                    report(progress.passed, progress.total)
                }
            }
            return records.positions
        }
    }

    /// Looks up in `job.events` what is known.
    public func look(for known: KnownJobs) async throws -> KnownJobs {
        var known = known
        try await read([topics.jobEvents]) { known.take($0) }
        return known
    }

    /// Folds the events of the roots that a filter is about, its states apart.
    ///
    /// - Parameter since: events before are not read; a root that was published earlier is known by its later events.
    /// - Returns: what is known, and where what comes later begins.
    public func history(
        _ filter: JobFilter, since: Date?
    ) async throws -> (history: JobHistory, positions: [TopicPartition: Int64], unreadable: Int) {
        var history = JobHistory()
        var unreadable = 0
        let keys = Set(filter.ids.map { Array($0.utf8) })
        // A part may be of another kind and data set than its root, which alone the filter is about.
        var others: Set<String> = []
        let start = since.map { TopicScan.Start.time(Int64($0.timeIntervalSince1970 * 1000)) } ?? .earliest
        let positions = try await read([topics.jobEvents], from: start) { record in
            if !keys.isEmpty, !keys.contains(record.key ?? []) { return }
            guard let event = try? JobEvent.decode(record.value) else {
                unreadable += 1
                return
            }
            if event.job.id == event.job.root, !filter.matches(event.job) { others.insert(event.job.root) }
            if others.contains(event.job.root) { return }
            history.apply(event)
        }
        return (history, positions, unreadable)
    }

    /// Everything that `job.events` say of the run that a job belongs to, in order of the log; nothing when it isn't known.
    ///
    /// - Returns: the events of the root and all its parts, of all revisions, and where what comes later begins.
    public func story(of id: String) async throws -> (events: [JobEvent], positions: [TopicPartition: Int64]) {
        var root: String?
        var events: [JobEvent] = []
        func collect(_ record: ConsumerRecord, root: String) {
            guard record.key == Array(root.utf8), events.count < Self.maximumStory,
                let event = try? JobEvent.decode(record.value)
            else { return }
            events.append(event)
        }
        let key = Array(id.utf8)
        var positions = try await read([topics.jobEvents]) { record in
            collect(record, root: id)
            guard root == nil, record.key != key, record.headers.text(of: "ce_subject") == id else { return }
            root = (try? JobEvent.decode(record.value))?.job.root
        }
        if events.isEmpty, let root {
            positions = try await read([topics.jobEvents]) { collect($0, root: root) }
        }
        return (events, positions)
    }

    /// The most events of one run that are kept to be shown.
    static let maximumStory = 1_000_000

    /// Looks for the messages of jobs in the job, retry and dead topics of their kinds.
    public func messages(of ids: some Sequence<String>, kinds: some Sequence<String>) async throws -> JobMessages {
        var messages = JobMessages(of: ids)
        let admin = try Admin(kafka)
        let existing: [String]
        do {
            existing = try await admin.metadata().topics.map(\.name)
        } catch {
            await admin.close()
            throw error
        }
        await admin.close()
        var names: Set<String> = []
        for kind in kinds {
            let jobs = topics.jobs(kind)
            names.formUnion(
                existing.filter { $0 == jobs || $0 == topics.dead(kind) || $0.hasPrefix("\(jobs).retry-") })
        }
        if !names.isEmpty { try await read(names.sorted()) { messages.take($0) } }
        return messages
    }

    /// The kinds whose job topics exist on the cluster.
    public func kinds() async throws -> [String] {
        let admin = try Admin(kafka)
        do {
            let prefix = topics.jobs("")
            let names = try await admin.metadata().topics.map(\.name).filter { $0.hasPrefix(prefix) }
            await admin.close()
            return names.map { String($0.dropFirst(prefix.count)) }.filter { !$0.contains(".") }
        } catch {
            await admin.close()
            throw error
        }
    }

    /// What operators have told the workers.
    public func control() async throws -> (state: ControlState, unreadable: Int) {
        var state = ControlState()
        var unreadable = 0
        try await read([topics.control]) { record in
            do throws(ContractError) {
                try state.apply(key: record.key, value: record.value)
            } catch {
                unreadable += 1
            }
        }
        return (state, unreadable)
    }

    // MARK: Publishing

    /// How many jobs one transaction publishes.
    static let jobsPerTransaction = 200

    /// Runs `body` with the right to publish jobs, which only one command at a time has.
    public func withRightToPublish<Result: Sendable>(
        _ body: (OperatorTransactions) async throws -> Result
    ) async throws -> Result {
        try await OperatorTransactions.withRight(to: "jobs", prefix: topics.prefix, kafka, body)
    }

    /// Publishes jobs and their `expected` events, as the scheduler would: each job with its event, a few hundred together.
    ///
    /// - Throws: a ``PublishingStopped`` that says how many stand when it can't go on.
    public func publish(_ publications: [PublicationPlan.Publication], _ transactions: OperatorTransactions) async throws {
        var done = 0
        while done < publications.count {
            let part = publications[done..<min(done + Self.jobsPerTransaction, publications.count)]
            let records = part.flatMap { publication in
                let expected = JobEvent(
                    .expected, of: publication.job, at: publication.job.createdAt, expectation: publication.expectation)
                return [
                    ProducerRecord(expected.message(to: topics, traceparent: publication.job.traceparent)),
                    ProducerRecord(publication.job.message(to: topics)),
                ]
            }
            do {
                try Task.checkCancellation()
                try await transactions.commit(records)
            } catch {
                throw PublishingStopped(
                    published: done, total: publications.count, reason: error is CancellationError ? nil : "\(error)")
            }
            done += part.count
            report(Int64(done), Int64(publications.count))
        }
    }

    /// Publishing ended before everything was published.
    public struct PublishingStopped: Error, CustomStringConvertible {
        /// How many jobs were published.
        public let published: Int
        /// How many there are.
        public let total: Int
        let reason: String?
        /// Whether somebody interrupted it.
        public var wasInterrupted: Bool { reason == nil }

        /// What happened and what to do.
        public var description: String {
            "\(published) of \(total) jobs were published, then: \(reason ?? "interrupted"); run the command again for the rest"
        }
    }

    /// Says something to the workers, or takes entries back by their keys.
    public func tell(_ entries: [Control], takingBack keys: [String] = []) async throws {
        var records = entries.compactMap { $0.message(to: topics) }.map { ProducerRecord($0) }
        records += keys.map { ProducerRecord(topic: topics.control, key: Array($0.utf8), value: nil) }
        let producer = try Producer(kafka)
        do {
            try await producer.send(records)
        } catch {
            await producer.close()
            throw error
        }
        await producer.close()
    }

    // MARK: Following

    /// Follows `job.events` from where a reading ended, until `body` returns false or the task is cancelled.
    public func follow(
        from positions: [TopicPartition: Int64], _ body: (JobEvent) async throws -> Bool
    ) async throws {
        let starts = positions.mapValues { TopicScan.Start.offset($0) }
        try await TopicScan(kafka, from: starts, until: .never).read { records in
            for try await record in records {
                guard let event = try? JobEvent.decode(record.value) else { continue }
                if try await !body(event) { return }
            }
        }
    }
}
