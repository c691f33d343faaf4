internal import Logging
internal import Synchronization

extension TopicScan {
    /// The records of a scan in the order of each partition, with back-pressure; one reader takes them, once.
    public final class Records: AsyncSequence, ConsumerListener {
        /// One record.
        public typealias Element = ConsumerRecord

        private struct State {
            var ranges: [TopicPartition: Range<Int64>] = [:]
            /// Partitions whose end wasn't reached.
            var open: Set<TopicPartition> = []
            var positions: [TopicPartition: Int64] = [:]
            var isBounded = true
            var buffer: [ConsumerRecord] = []
            var bytes = 0
            var taken = 0
            var isPaused = false
            var end: Result<Void, KafkaError>?
            var waiting: CheckedContinuation<Void, Never>?
            var lastSign = ContinuousClock.now

            mutating func close(_ partition: TopicPartition) {
                guard open.remove(partition) != nil else { return }
                if isBounded, let end = ranges[partition]?.upperBound { positions[partition] = end }
                if open.isEmpty { end = end ?? .success(()) }
            }
        }

        private let state = Mutex(State())
        private let maximumRecords: Int
        private let maximumBytes: Int
        private let patience: Duration?
        private let logger: Logger

        init(maximumRecords: Int, maximumBytes: Int, patience: Duration?, logger: Logger) {
            self.maximumRecords = maximumRecords
            self.maximumBytes = maximumBytes
            self.patience = patience
            self.logger = logger
        }

        func begin(_ ranges: [TopicPartition: Range<Int64>], isBounded: Bool) {
            state.withLock { state in
                state.ranges = ranges
                state.isBounded = isBounded
                state.positions = ranges.mapValues(\.lowerBound)
                state.open = Set(ranges.filter { !$0.value.isEmpty }.keys)
                state.lastSign = .now
                if state.open.isEmpty { state.end = .success(()) }
            }
        }

        /// What is read of each partition; an upper bound of `Int64.max` is no end.
        public var ranges: [TopicPartition: Range<Int64>] { state.withLock { $0.ranges } }

        /// The next offset of each partition after what was received; a second scan from here misses and repeats nothing once
        /// the sequence has ended.
        public var positions: [TopicPartition: Int64] { state.withLock { $0.positions } }

        /// How far it has come; what was handed out in one piece counts at once.
        public var progress: Progress {
            state.withLock { state in
                let passed = state.positions.reduce(Int64(0)) { $0 + $1.value - (state.ranges[$1.key]?.lowerBound ?? $1.value) }
                let total = state.isBounded ? state.ranges.values.reduce(Int64(0)) { $0 + Int64($1.count) } : 0
                return Progress(
                    passed: Swift.max(0, passed - Int64(state.buffer.count)), total: total, records: state.taken)
            }
        }

        private func change<Answer>(_ body: (inout State) -> Answer) -> Answer where Answer: Sendable {
            let (answer, waiting) = state.withLock { state in
                let answer = body(&state)
                defer { state.waiting = nil }
                return (answer, state.waiting)
            }
            waiting?.resume()
            return answer
        }

        // MARK: ConsumerListener

        /// Does nothing: partitions are assigned by the scan itself.
        public func assigned(_ partitions: [TopicPartition], to consumer: isolated Consumer) {}
        /// Does nothing: nobody takes partitions from a reader without a group.
        public func revoked(_ partitions: [TopicPartition], lost: Bool, from consumer: isolated Consumer) {}

        /// Queues the record, ends its partition behind the last one, and pauses everything at the high mark.
        public func received(_ record: ConsumerRecord, by consumer: isolated Consumer) {
            let partition = record.topicPartition
            let pause: [TopicPartition] = change { state in
                state.lastSign = .now
                guard state.open.contains(partition), let end = state.ranges[partition]?.upperBound else { return [] }
                if record.offset < end {
                    state.buffer.append(record)
                    state.bytes += record.size
                    state.positions[partition] = record.offset + 1
                }
                if record.offset + 1 >= end {
                    state.close(partition)
                    return [partition]
                }
                guard !state.isPaused, state.buffer.count >= maximumRecords || state.bytes >= maximumBytes else { return [] }
                state.isPaused = true
                return Array(state.open)
            }
            consumer.pause(pause)
        }

        /// Ends the partition of a bounded scan: behind the last record there are only markers of transactions.
        public func reachedEnd(of partition: TopicPartition, offset: Int64, by consumer: isolated Consumer) {
            change { state in
                state.lastSign = .now
                if state.open.contains(partition) { state.positions[partition] = Swift.max(offset, state.positions[partition] ?? 0) }
                if state.isBounded { state.close(partition) }
            }
        }

        /// Ends the sequence when reading on makes no sense; librdkafka heals the rest.
        public func failed(_ error: KafkaError, in consumer: isolated Consumer) {
            let isHopeless =
                error.isFatal || error.kind == .authentication || error.kind == .authorization || error.kind == .unknownTopic
            if isHopeless {
                change { $0.end = $0.end ?? .failure(error) }
            } else {
                logger.warning("reading a topic", metadata: ["error": "\(error)"])
            }
        }

        /// Resumes what was paused once it was taken, and gives a silent broker up.
        public func polled(by consumer: isolated Consumer) {
            let resume: [TopicPartition] = change { state in
                guard state.buffer.isEmpty else {
                    state.lastSign = .now
                    return []
                }
                if state.isPaused {
                    state.isPaused = false
                    state.lastSign = .now
                    return Array(state.open)
                }
                if let patience, state.end == nil, !state.open.isEmpty, .now - state.lastSign > patience {
                    let silent = state.open.sorted().map(\.description).joined(separator: ", ")
                    state.end = .failure(
                        KafkaError(
                            kind: .timedOut, code: "_TIMED_OUT", operation: "read to the end",
                            message: "nothing came from \(silent) for \(patience)"))
                }
                return []
            }
            consumer.resume(resume)
        }

        // MARK: AsyncSequence

        /// Takes the records.
        public func makeAsyncIterator() -> Iterator { Iterator(records: self) }

        /// Takes the records of one scan.
        public struct Iterator: AsyncIteratorProtocol {
            let records: Records
            private var batch: [ConsumerRecord] = []
            private var next = 0

            init(records: Records) { self.records = records }

            /// The next record; nil behind the last one of a bounded scan.
            ///
            /// - Throws: a `KafkaError` when reading failed, a `CancellationError` when the task was cancelled.
            public mutating func next() async throws -> ConsumerRecord? {
                try await next(isolation: nil)
            }

            /// The next record; nil behind the last one of a bounded scan.
            ///
            /// - Throws: a `KafkaError` when reading failed, a `CancellationError` when the task was cancelled.
            public mutating func next(isolation actor: isolated (any Actor)?) async throws -> ConsumerRecord? {
                if next == batch.count {
                    batch = try await records.take(isolation: actor)
                    next = 0
                    if batch.isEmpty { return nil }
                }
                try Task.checkCancellation()
                defer { next += 1 }
                return batch[next]
            }
        }

        private func take(isolation actor: isolated (any Actor)?) async throws -> [ConsumerRecord] {
            while true {
                try Task.checkCancellation()
                let (batch, end): ([ConsumerRecord], Result<Void, KafkaError>?) = state.withLock { state in
                    defer {
                        state.taken += state.buffer.count
                        state.buffer = []
                        state.bytes = 0
                    }
                    return (state.buffer, state.end)
                }
                if !batch.isEmpty { return batch }
                if let end {
                    try end.get()
                    return []
                }
                await wait(isolation: actor)
            }
        }

        private func wait(isolation actor: isolated (any Actor)?) async {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        guard state.buffer.isEmpty, state.end == nil, !Task.isCancelled else { return true }
                        state.waiting = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                change { _ in }
            }
        }
    }
}

extension ConsumerRecord {
    /// What it takes in memory, roughly, bytes.
    fileprivate var size: Int {
        200 + (key?.count ?? 0) + (value?.count ?? 0)
            + headers.reduce(0) { $0 + 64 + $1.name.utf8.count + ($1.value?.count ?? 0) }
    }
}
