internal import Logging
internal import Synchronization

/// Leadership by ownership of partition 0 of a topic: of all processes in the group, one leads.
///
/// The group's protocol is the election; a dead leader is replaced after the session timeout, one that closes at once.
/// A leader that was paused and doesn't know yet that it lost must be stopped by fencing: a transactional id that the new
/// leader initializes first, and group metadata in its transactions.
public struct PartitionLease: Sendable {
    private let configuration: ConsumerConfiguration
    private let topic: String

    /// Describes the lease; `hold` takes part in the election.
    ///
    /// - Parameters:
    ///   - topic: any topic; only the ownership of its partition 0 counts, its records aren't read.
    ///   - group: the consumer group of the candidates.
    public init(_ kafka: KafkaConfiguration, topic: String, group: String, sessionTimeout: Duration = .seconds(10)) {
        var configuration = ConsumerConfiguration(kafka, group: group)
        configuration.sessionTimeout = sessionTimeout
        configuration.prefetchedRecords = 1
        configuration.prefetchedBytes = 1024
        configuration.statisticsInterval = .zero
        self.configuration = configuration
        self.topic = topic
    }

    /// Takes part until the task is cancelled, and runs `lead` whenever this process leads.
    ///
    /// `lead` is cancelled when the partition is taken away and must then return soon; a new term begins only after it did.
    /// When it throws while it still leads, the candidate leaves the group, so that another may lead, and throws that error.
    ///
    /// - Parameter onStandby: called when this process takes part without leading.
    public func hold(
        onStandby: @escaping @Sendable () -> Void = {}, _ lead: @escaping @Sendable (LeaseTerm) async throws -> Void
    ) async throws {
        let listener = LeaseListener(partition: TopicPartition(topic, 0), logger: configuration.kafka.logger)
        let consumer = try await Consumer(configuration, listener: listener)
        do {
            try await consumer.subscribe(to: [topic])
            onStandby()
            for await term in listener.terms {
                try Task.checkCancellation()
                guard let term else { continue }
                try await run(term, consumer: consumer, lead)
                if !Task.isCancelled { onStandby() }
            }
            try listener.failure.withLock { failure in if let failure { throw failure } }
        } catch {
            await consumer.close()
            if Task.isCancelled { return }
            throw error
        }
        await consumer.close()
    }

    private func run(
        _ term: LeaseTerm, consumer: Consumer, _ lead: @escaping @Sendable (LeaseTerm) async throws -> Void
    ) async throws {
        guard term.isCurrent else { return }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await lead(term)
                } catch {
                    // What fails because the term ended is the end of the term, not an error.
                    if term.isCurrent && !Task.isCancelled { throw error }
                }
                return false
            }
            group.addTask {
                await term.waitForEnd()
                return true
            }
            let hasEnded = try await group.next() ?? true
            group.cancelAll()
            if !hasEnded && !Task.isCancelled && term.isCurrent { return }
        }
    }
}

/// One uninterrupted time of leadership.
public final class LeaseTerm: Sendable {
    private struct State {
        var isCurrent = true
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    let consumer: Consumer

    init(consumer: Consumer) { self.consumer = consumer }

    /// Whether the partition is still ours, as far as this process knows.
    public var isCurrent: Bool { state.withLock { $0.isCurrent } }

    /// The leader's identity in the group now, to be committed with transactions so that the broker refuses a stale leader.
    public func groupMetadata() async throws(KafkaError) -> ConsumerGroupMetadata {
        try await consumer.groupMetadata()
    }

    /// Asks the broker whether this is still the leader, by committing offsets that are the group's anyway.
    ///
    /// For what no transaction fences, such as an object in the lake: done right before, it leaves only the moment between the
    /// broker's answer and the deed to a leader that is paused just then. Apache Kafka refuses a stale leader; the development
    /// broker accepts it.
    ///
    /// - Throws: a `KafkaError`, of kind `staleMember` when the group has moved on.
    public func prove(committing offsets: [TopicPartition: CommittedOffset]) async throws(KafkaError) {
        guard isCurrent else {
            throw KafkaError(kind: .staleMember, code: "_STATE", operation: "prove leadership", message: "the term is over")
        }
        try await consumer.commit(offsets)
    }

    func end() {
        let waiting = state.withLock { state in
            state.isCurrent = false
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Returns when the term is over or the task cancelled.
    func waitForEnd() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard state.isCurrent, !Task.isCancelled else { return true }
                    state.waiting = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.resume()
        }
    }
}

private final class LeaseListener: ConsumerListener {
    let terms: AsyncStream<LeaseTerm?>
    let failure = Mutex<KafkaError?>(nil)
    private let continuation: AsyncStream<LeaseTerm?>.Continuation
    private let current = Mutex<LeaseTerm?>(nil)
    private let partition: TopicPartition
    private let logger: Logger

    init(partition: TopicPartition, logger: Logger) {
        self.partition = partition
        self.logger = logger
        (terms, continuation) = AsyncStream.makeStream()
    }

    func assigned(_ partitions: [TopicPartition], to consumer: isolated Consumer) {
        guard partitions.contains(partition) else { return }
        consumer.pause([partition])
        let term = LeaseTerm(consumer: consumer)
        current.withLock { $0 = term }
        continuation.yield(term)
    }

    func revoked(_ partitions: [TopicPartition], lost: Bool, from consumer: isolated Consumer) {
        guard partitions.contains(partition) else { return }
        let term = current.withLock { current in
            defer { current = nil }
            return current
        }
        term?.end()
    }

    func received(_ record: ConsumerRecord, by consumer: isolated Consumer) {}

    func failed(_ error: KafkaError, in consumer: isolated Consumer) {
        guard error.isFatal || error.kind == .authorization || error.kind == .authentication else {
            logger.warning("lease consumer error", metadata: ["error": "\(error)"])
            return
        }
        failure.withLock { $0 = error }
        continuation.finish()
    }
}
