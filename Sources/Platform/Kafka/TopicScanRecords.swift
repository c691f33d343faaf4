internal import Logging
internal import Synchronization

extension TopicScan {
    /// The records of a scan in the order of each partition, with back-pressure; one reader takes them, once.
    public final class Records: AsyncSequence, ConsumerListener {
        /// One record.
        public typealias Element = ConsumerRecord

        /// What is read of one partition.
        struct Stretch {
            /// The offsets; without an end, up to `Int64.max`.
            var range: Range<Int64>
            /// Records at the beginning that are older than this are left out, ms since 1970.
            var notBefore: Int64?
            /// The first record that isn't older than this ends it, ms since 1970.
            var before: Int64?
            var taken = 0
        }

        private struct State {
            /// Ends that are being found out, before the scan begins.
            var probed: [TopicPartition: Int64?] = [:]
            var kept: [TopicPartition: Range<Int64>] = [:]
            var stretches: [TopicPartition: Stretch] = [:]
            /// Partitions whose end wasn't reached.
            var open: Set<TopicPartition> = []
            /// Partitions whose end will be known with their first record.
            var inexact: Set<TopicPartition> = []
            var positions: [TopicPartition: Int64] = [:]
            var isBounded = true
            var buffer: [ConsumerRecord] = []
            var bytes = 0
            var taken = 0
            var isPaused = false
            var end: Result<Void, KafkaError>?
            var waiting: CheckedContinuation<Void, Never>?
            var lastSign = ContinuousClock.now
            /// The consumer's thread, which resumes what was paused.
            var thread: PollThread?

            var isProbing: Bool { probed.values.contains { $0 == nil } }

            mutating func extendKept(_ partition: TopicPartition, to end: Int64) {
                guard isBounded, let range = kept[partition] else { return }
                kept[partition] = range.lowerBound..<Swift.max(range.upperBound, end)
            }

            mutating func close(_ partition: TopicPartition) {
                guard open.remove(partition) != nil else { return }
                if isBounded, let stretch = stretches[partition], stretch.before == nil, stretch.range.upperBound < .max {
                    positions[partition] = Swift.max(positions[partition] ?? 0, stretch.range.upperBound)
                }
                if open.isEmpty { end = end ?? .success(()) }
            }
        }

        private let state = Mutex(State())
        private let maximumRecords: Int
        private let maximumBytes: Int
        private let limit: Int
        private let patience: Duration
        private let logger: Logger

        init(maximumRecords: Int, maximumBytes: Int, limit: Int, patience: Duration, logger: Logger) {
            self.maximumRecords = maximumRecords
            self.maximumBytes = maximumBytes
            self.limit = limit
            self.patience = patience
            self.logger = logger
        }

        // MARK: Beginning

        func attach(_ thread: PollThread) { state.withLock { $0.thread = thread } }

        func probe(_ kept: [TopicPartition: Range<Int64>]) {
            state.withLock { state in
                state.probed = kept.mapValues { _ in nil }
                state.lastSign = .now
            }
        }

        /// Waits until the ends of all partitions are found.
        func ends() async throws -> [TopicPartition: Int64] {
            while true {
                try Task.checkCancellation()
                let (ends, end) = state.withLock { ($0.isProbing ? nil : $0.probed, $0.end) }
                if let ends { return ends.compactMapValues { $0 } }
                try end?.get()
                await wait { !$0.isProbing }
            }
        }

        func begin(_ stretches: [TopicPartition: Stretch], kept: [TopicPartition: Range<Int64>], isBounded: Bool, isExact: Bool) {
            state.withLock { state in
                state.probed = [:]
                state.kept = kept
                state.stretches = stretches
                state.isBounded = isBounded
                state.positions = stretches.mapValues(\.range.lowerBound)
                state.open = Set(stretches.filter { !$0.value.range.isEmpty }.keys)
                if isBounded && !isExact { state.inexact = state.open }
                state.lastSign = .now
                if state.open.isEmpty { state.end = .success(()) }
            }
        }

        // MARK: What is known of it

        /// The oldest kept offset of each partition, and its end when the scan began; exact once the sequence has ended.
        public var kept: [TopicPartition: Range<Int64>] { state.withLock { $0.kept } }

        /// What is read of each partition; an upper bound of `Int64.max` is no end.
        public var ranges: [TopicPartition: Range<Int64>] { state.withLock { $0.stretches.mapValues(\.range) } }

        /// The next offset of each partition after what was received; a second scan from here misses and repeats nothing once
        /// the sequence has ended.
        public var positions: [TopicPartition: Int64] { state.withLock { $0.positions } }

        /// How far it has come; what was handed out in one piece counts at once.
        public var progress: Progress {
            state.withLock { state in
                var passed: Int64 = 0
                var total: Int64 = 0
                for (partition, stretch) in state.stretches {
                    let end = state.open.contains(partition) ? state.positions[partition] : stretch.range.upperBound
                    passed += (end ?? stretch.range.lowerBound) - stretch.range.lowerBound
                    if state.isBounded { total += stretch.range.upperBound - stretch.range.lowerBound }
                }
                return Progress(passed: Swift.max(0, passed - Int64(state.buffer.count)), total: total, records: state.taken)
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
                if state.probed[partition] != nil {
                    // Not paused: a pause that ends after the new assignment would go on from here.
                    state.probed[partition] = Swift.max(record.offset + 1, consumer.fetchedEnd(of: partition) ?? 0)
                    return []
                }
                guard state.open.contains(partition), let position = state.positions[partition], record.offset >= position else {
                    return []
                }
                if state.inexact.remove(partition) != nil, let end = consumer.fetchedEnd(of: partition),
                    let range = state.stretches[partition]?.range
                {
                    state.stretches[partition]?.range = range.lowerBound..<Swift.max(range.upperBound, end)
                    state.extendKept(partition, to: end)
                }
                if take(record, &state) {
                    state.close(partition)
                    return [partition]
                }
                guard !state.isPaused, state.buffer.count >= maximumRecords || state.bytes >= maximumBytes else { return [] }
                state.isPaused = true
                return Array(state.open)
            }
            consumer.pause(pause)
        }

        /// Queues a record that belongs to the scan; true when nothing that follows it in its partition does.
        private func take(_ record: ConsumerRecord, _ state: inout State) -> Bool {
            guard var stretch = state.stretches[record.topicPartition] else { return true }
            if record.offset >= stretch.range.upperBound { return true }
            if let before = stretch.before, record.timestamp >= before { return true }
            state.positions[record.topicPartition] = record.offset + 1
            let isLast = record.offset + 1 >= stretch.range.upperBound
            if let notBefore = stretch.notBefore, record.timestamp < notBefore { return isLast }
            stretch.notBefore = nil
            stretch.taken += 1
            state.stretches[record.topicPartition] = stretch
            state.buffer.append(record)
            state.bytes += record.size
            return isLast || stretch.taken >= limit
        }

        /// Ends the partition of a bounded scan: behind the last record there are only markers of transactions.
        public func reachedEnd(of partition: TopicPartition, offset: Int64, by consumer: isolated Consumer) {
            change { state in
                state.lastSign = .now
                if state.probed[partition] != nil {
                    state.probed[partition] = offset
                    return
                }
                guard state.open.contains(partition), let position = state.positions[partition], offset >= position else {
                    return
                }
                state.positions[partition] = offset
                state.extendKept(partition, to: offset)
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
                let isWaiting = state.isProbing || state.isBounded && !state.open.isEmpty
                if isWaiting, state.end == nil, .now - state.lastSign > patience {
                    let open = state.isProbing ? state.probed.filter { $0.value == nil }.map(\.key) : Array(state.open)
                    let silent = open.sorted().map(\.description).joined(separator: ", ")
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
                let (batch, end, paused): ([ConsumerRecord], Result<Void, KafkaError>?, PollThread?) = state.withLock { state in
                    defer {
                        state.taken += state.buffer.count
                        state.buffer = []
                        state.bytes = 0
                    }
                    return (state.buffer, state.end, state.isPaused ? state.thread : nil)
                }
                paused?.wakeUp()
                if !batch.isEmpty { return batch }
                if let end {
                    try end.get()
                    return []
                }
                await wait(isolation: actor) { !$0.buffer.isEmpty }
            }
        }

        /// Waits until something has happened, the sequence has ended or the task is cancelled.
        private func wait(
            isolation actor: isolated (any Actor)? = #isolation, for condition: @Sendable (inout State) -> Bool
        ) async {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        guard !condition(&state), state.end == nil, !Task.isCancelled else { return true }
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
