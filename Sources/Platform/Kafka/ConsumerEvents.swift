internal import Synchronization

/// What happened to a consumer, in order.
public enum ConsumerEvent: Sendable {
    /// Partitions were added.
    case assigned([TopicPartition])
    /// Partitions left; if `lost`, without a chance to commit.
    case revoked([TopicPartition], lost: Bool)
    /// A record arrived.
    case record(ConsumerRecord)
    /// All that the partition held was delivered; the next record will have this offset.
    case reachedEnd(TopicPartition, offset: Int64)
    /// Something failed and librdkafka goes on trying.
    case failed(KafkaError)
}

/// A consumer's events as an asynchronous sequence, with back-pressure: a partition whose unread records reach the high mark
/// is paused until half of them are read.
///
/// For readers that handle one record after another. It ends with a fatal error, or when the consumer is closed.
public final class ConsumerEvents: AsyncSequence, ConsumerListener {
    /// One event.
    public typealias Element = ConsumerEvent
    /// A fatal error ends the sequence.
    public typealias Failure = KafkaError

    private struct State {
        var events: [ConsumerEvent] = []
        var head = 0
        var unread: [TopicPartition: Int] = [:]
        var paused: Set<TopicPartition> = []
        var waiting: CheckedContinuation<Void, Never>?
        var end: Result<Void, KafkaError>?
    }

    private let state = Mutex(State())
    private let highMark: Int

    /// Makes the listener for a new consumer.
    ///
    /// - Parameter highMark: unread records of one partition at which it is paused.
    public init(highMark: Int = 1000) {
        self.highMark = Swift.max(2, highMark)
    }

    /// Ends the sequence after what is queued, as the owner does when it closes the consumer.
    public func finish() {
        change { $0.end = $0.end ?? .success(()) }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    // MARK: ConsumerListener

    /// Queues the event.
    public func assigned(_ partitions: [TopicPartition], to consumer: isolated Consumer) {
        change { $0.events.append(.assigned(partitions)) }
    }

    /// Drops the partitions' unread records, then queues the event.
    public func revoked(_ partitions: [TopicPartition], lost: Bool, from consumer: isolated Consumer) {
        let gone = Set(partitions)
        change { state in
            let left = state.events[state.head...].filter { event in
                if case .record(let record) = event { !gone.contains(record.topicPartition) } else { true }
            }
            state.events = left
            state.head = 0
            for partition in partitions { state.unread[partition] = nil }
            state.paused.subtract(gone)
            state.events.append(.revoked(partitions, lost: lost))
        }
    }

    /// Queues the record, and pauses its partition at the high mark.
    public func received(_ record: ConsumerRecord, by consumer: isolated Consumer) {
        let partition = record.topicPartition
        var mustPause = false
        change { state in
            state.events.append(.record(record))
            let unread = state.unread[partition, default: 0] + 1
            state.unread[partition] = unread
            mustPause = unread >= highMark && state.paused.insert(partition).inserted
        }
        if mustPause { consumer.pause([partition]) }
    }

    /// Queues the event.
    public func reachedEnd(of partition: TopicPartition, offset: Int64, by consumer: isolated Consumer) {
        change { $0.events.append(.reachedEnd(partition, offset: offset)) }
    }

    /// Queues the error; a fatal one ends the sequence.
    public func failed(_ error: KafkaError, in consumer: isolated Consumer) {
        change { state in
            if error.isFatal { state.end = .failure(error) } else { state.events.append(.failed(error)) }
        }
    }

    /// Resumes the partitions whose unread records were read.
    public func polled(by consumer: isolated Consumer) {
        let ready = state.withLock { state in
            let ready = state.paused.filter { state.unread[$0, default: 0] <= highMark / 2 }
            state.paused.subtract(ready)
            return ready
        }
        consumer.resume(ready)
    }

    // MARK: AsyncSequence

    /// Reads the events; only one reader at a time.
    public func makeAsyncIterator() -> Iterator { Iterator(events: self) }

    /// Reads the events of one consumer.
    public struct Iterator: AsyncIteratorProtocol {
        let events: ConsumerEvents

        /// The next event; nil when the sequence was finished or the task cancelled.
        public mutating func next() async throws(KafkaError) -> ConsumerEvent? {
            try await events.next()
        }

        /// The next event; nil when the sequence was finished or the task cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(KafkaError) -> ConsumerEvent? {
            try await events.next(isolation: actor)
        }
    }

    private func next(isolation actor: isolated (any Actor)? = #isolation) async throws(KafkaError) -> ConsumerEvent? {
        while !Task.isCancelled {
            let taken: (event: ConsumerEvent?, end: Result<Void, KafkaError>?) = state.withLock { state in
                guard state.head < state.events.count else { return (nil, state.end) }
                let event = state.events[state.head]
                state.head += 1
                if state.head == state.events.count || state.head >= 4096 {
                    state.events.removeFirst(state.head)
                    state.head = 0
                }
                if case .record(let record) = event { state.unread[record.topicPartition, default: 1] -= 1 }
                return (event, nil)
            }
            if let event = taken.event { return event }
            if let end = taken.end {
                try end.get()
                return nil
            }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        guard state.head == state.events.count, state.end == nil, !Task.isCancelled else { return true }
                        state.waiting = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                change { _ in }
            }
        }
        return nil
    }
}
