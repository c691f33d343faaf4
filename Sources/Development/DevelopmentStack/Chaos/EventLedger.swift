internal import Contracts
internal import Kafka
internal import Synchronization

/// What `job.events` says about every job, as a read-committed reader sees it.
struct EventLedger: Sendable {
    /// One revision of a job.
    struct Key: Hashable, Sendable {
        let id: String
        let revision: Int
    }

    /// How often each thing happened to a job.
    struct Entry: Sendable {
        var kind = ""
        var expected = 0
        var started = 0
        var planned = 0
        var completed = 0
        var failed = 0
        var cancelled = 0
        var failure: String?

        /// How often it ended: fanning out is an end, because nothing follows from the job itself.
        var ends: Int { planned + completed + failed + cancelled }
    }

    private(set) var entries: [Key: Entry] = [:]
    /// Jobs that have ended.
    private(set) var ended = 0
    /// Events that can't be read.
    private(set) var unreadable = 0
    /// Attempts that failed and were followed by another.
    private(set) var retries = 0
    /// Attempts that waited for something outside.
    private(set) var snoozes = 0

    /// Objects that an attempt did not write again because a checkpoint knew them.
    private(set) var resumedObjects = 0

    /// Takes in a record of `job.events`.
    mutating func note(_ record: ConsumerRecord) {
        let event: JobEvent
        do throws(ContractError) {
            event = try JobEvent.decode(record.value)
        } catch {
            unreadable += 1
            return
        }
        let key = Key(id: event.job.id, revision: event.job.revision)
        var entry = entries[key] ?? Entry()
        entry.kind = event.job.kind
        let before = entry.ends
        switch event.event {
        case .expected: entry.expected += 1
        case .started: entry.started += 1
        case .planned: entry.planned += 1
        case .completed:
            entry.completed += 1
            resumedObjects += event.figures["resumed"] ?? 0
        case .cancelled: entry.cancelled += 1
        case .failed:
            entry.failed += 1
            entry.failure = event.failure.map { "\($0.reason): \($0.message)" }
        case .retrying: retries += 1
        case .snoozed: snoozes += 1
        case .progressed, .notice, .unknown: break
        }
        if before == 0, entry.ends > 0 { ended += 1 }
        entries[key] = entry
    }

    /// A job's entry; nil when it was never heard of.
    subscript(id: String) -> Entry? { entries[Key(id: id, revision: 0)] }
}

/// A ledger that is kept while a run goes on.
final class LiveLedger: Sendable {
    private let state = Mutex(EventLedger())

    /// Reads events until it is cancelled; what it can't read for a while it reads later.
    func follow(_ topic: String, of broker: TansuBroker) async throws {
        let events = ConsumerEvents(highMark: 10_000)
        var configuration = ConsumerConfiguration(broker.kafka(client: "chaos"))
        configuration.statisticsInterval = .zero
        let consumer = try await Consumer(configuration, listener: events)
        do {
            let partitions = try await consumer.partitions(of: topic)
            try await consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, StartOffset.earliest) }))
            try await withTaskCancellationHandler {
                for try await event in events {
                    if case .record(let record) = event { state.withLock { $0.note(record) } }
                }
            } onCancel: {
                events.finish()
            }
        } catch {
            await consumer.close()
            throw error
        }
        await consumer.close()
    }

    /// What is known now.
    func read<Result: Sendable>(_ body: (EventLedger) -> Result) -> Result { state.withLock { body($0) } }
}
