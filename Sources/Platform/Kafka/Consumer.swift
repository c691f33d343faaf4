internal import CLibrdkafka
internal import Logging

/// A member of a consumer group, or a reader of assigned partitions.
///
/// One thread owns the handle and polls it for the life of the consumer, busy or not, so that no work however long touches
/// `max.poll.interval.ms`. The thread is the actor's executor: rebalances, records and the owner's calls never overlap.
/// `close()` must be called; it leaves the group at once.
public actor Consumer {
    /// The thread that polls; other actors of the same owner may run on it.
    public nonisolated let thread: PollThread
    /// Runs this actor on its poll thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    /// The configuration it was made with.
    public nonisolated let configuration: ConsumerConfiguration

    private var handle: OpaquePointer?
    private var queue: OpaquePointer?
    private var callbacks: ConsumerCallbacks?
    private let listener: any ConsumerListener
    private var assignment: Set<TopicPartition> = []
    private var isClosing = false

    /// Records taken in one round before timers and commits get their turn.
    private static let recordsPerRound = 500

    /// Makes a consumer that polls but has no partitions yet: call `subscribe` or `assign`.
    ///
    /// - Throws: a `KafkaError` of kind `configuration` when librdkafka refuses a property.
    public init(_ configuration: ConsumerConfiguration, listener: any ConsumerListener) async throws(KafkaError) {
        self.configuration = configuration
        self.listener = listener
        thread = PollThread(name: "consumer")
        do {
            try open()
        } catch {
            await thread.stop()
            throw error
        }
    }

    private func open() throws(KafkaError) {
        guard configuration.kafka.properties["auto.offset.reset"] == nil else {
            throw KafkaError(
                kind: .configuration, code: "_INVALID_ARG", operation: "configure",
                message: "kafka property auto.offset.reset: not to be set; what is kept is read from the oldest record on")
        }
        let callbacks = ConsumerCallbacks(
            logger: configuration.kafka.logger, client: configuration.kafka.clientID, consumer: self)
        let native = try NativeConfiguration(configuration.kafka, defaults: configuration.properties, callbacks: callbacks)
        native.with { pointer in
            rd_kafka_conf_set_rebalance_cb(pointer) { handle, code, partitions, _ in
                guard let handle, let partitions, let callbacks = HandleCallbacks.of(handle) as? ConsumerCallbacks else { return }
                callbacks.rebalanced(code: code, partitions: partitions)
            }
        }
        let handle = try native.makeHandle(RD_KAFKA_CONSUMER)
        rd_kafka_poll_set_consumer(handle)
        let queue = rd_kafka_queue_get_consumer(handle)
        // Eight bytes of value 1 are what an eventfd wants: records wake the thread without a timer's delay.
        var one: UInt64 = 1
        rd_kafka_queue_io_event_enable(queue, thread.descriptor, &one, 8)
        self.handle = handle
        self.queue = queue
        self.callbacks = callbacks
        // The thread keeps the consumer alive until close(): librdkafka's callbacks need it.
        thread.setPoller { self.assumeIsolated { $0.poll() } }
    }

    func native(_ operation: String) throws(KafkaError) -> OpaquePointer {
        guard let handle else { throw .closed(operation) }
        return handle
    }

    func check(_ code: rd_kafka_resp_err_t, _ operation: String) throws(KafkaError) {
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code: code, operation: operation) }
    }

    // MARK: Partitions

    /// Joins the group for these topics; the assignment arrives at the listener.
    public func subscribe(to topics: [String]) throws(KafkaError) {
        let list = TopicPartitionList(topics.map { TopicPartition($0, -1) })
        try check(rd_kafka_subscribe(try native("subscribe"), list.pointer), "subscribe to \(topics.joined(separator: ", "))")
    }

    /// Reads these partitions without a group's assignment, replacing what was assigned before.
    public func assign(_ starts: [TopicPartition: StartOffset]) throws(KafkaError) {
        let list = TopicPartitionList(beginning(starts))
        try check(rd_kafka_assign(try native("assign"), list.pointer), "assign")
        assignment = Set(starts.keys)
    }

    /// The partitions that this consumer reads now.
    public var assignedPartitions: Set<TopicPartition> { assignment }

    /// Stops delivery from these partitions. What was fetched ahead of them is dropped and fetched again later.
    public func pause(_ partitions: some Collection<TopicPartition>) {
        guard let handle, !partitions.isEmpty else { return }
        let list = TopicPartitionList(partitions)
        rd_kafka_pause_partitions(handle, list.pointer)
    }

    /// Continues delivery from these partitions.
    public func resume(_ partitions: some Collection<TopicPartition>) {
        guard let handle, !partitions.isEmpty else { return }
        let list = TopicPartitionList(partitions)
        rd_kafka_resume_partitions(handle, list.pointer)
    }

    /// Moves the reading position of assigned partitions.
    public func seek(_ starts: [TopicPartition: StartOffset], timeout: Duration = .seconds(10)) throws(KafkaError) {
        let list = TopicPartitionList(starts)
        if let error = rd_kafka_seek_partitions(try native("seek"), list.pointer, Int32(clamping: timeout.wholeMilliseconds)) {
            throw KafkaError(consuming: error, operation: "seek")
        }
        if let code = list.firstError { throw KafkaError(code: code, operation: "seek") }
    }

    /// Beginnings below this aren't believed, and looked for from 0 on: Tansu says for good that a partition begins behind its
    /// first batch, when another producer's came in the same moment. Beginnings that retention has moved are far beyond.
    public static let uncertainBeginnings: Int64 = 1000

    /// The starts with 0 for the earliest where that is to be looked for from 0 on.
    private func beginning(_ starts: [TopicPartition: StartOffset]) -> [TopicPartition: StartOffset] {
        var starts = starts
        for (partition, start) in starts where start == .earliest {
            do throws(KafkaError) {
                if try watermarks(of: partition, timeout: .seconds(5)).lowerBound == 0 { starts[partition] = .offset(0) }
            } catch {
                // Whoever asked learns from what follows that the broker is away; librdkafka then asks for the beginning itself.
                configuration.kafka.logger.debug("no beginning yet", metadata: ["error": "\(error)"])
                break
            }
        }
        return starts
    }

    // MARK: Offsets

    /// What the group has committed for these partitions; a partition without a commit is absent. Asks the broker.
    public func committed(
        _ partitions: some Collection<TopicPartition>, timeout: Duration = .seconds(10)
    ) throws(KafkaError) -> [TopicPartition: CommittedOffset] {
        let list = TopicPartitionList(partitions)
        try check(
            rd_kafka_committed(try native("read committed offsets"), list.pointer, Int32(clamping: timeout.wholeMilliseconds)),
            "read committed offsets")
        return list.committedOffsets
    }

    /// Commits offsets and their metadata outside a transaction, and waits for the broker's answer.
    public func commit(_ offsets: [TopicPartition: CommittedOffset]) throws(KafkaError) {
        guard !offsets.isEmpty else { return }
        let list = TopicPartitionList(offsets)
        try check(rd_kafka_commit(try native("commit offsets"), list.pointer, 0), "commit offsets")
    }

    /// The oldest kept offset and the one that the next record will get. Asks the broker.
    ///
    /// A beginning below ``uncertainBeginnings`` is given as 0. A reader that starts there misses nothing: where 0 is gone, it
    /// goes on at the oldest record.
    public func watermarks(
        of partition: TopicPartition, timeout: Duration = .seconds(10)
    ) throws(KafkaError) -> Range<Int64> {
        var low: Int64 = 0
        var high: Int64 = 0
        try check(
            rd_kafka_query_watermark_offsets(
                try native("query watermarks"), partition.topic, partition.partition, &low, &high,
                Int32(clamping: timeout.wholeMilliseconds)),
            "query watermarks of \(partition)")
        if low < Self.uncertainBeginnings { low = 0 }
        return low..<max(low, high)
    }

    /// The offset that the next record of a partition will get, as the last fetch said; nil before it. Asks nobody.
    public func cachedEnd(of partition: TopicPartition) -> Int64? {
        guard let handle else { return nil }
        var low: Int64 = 0
        var high: Int64 = 0
        let code = rd_kafka_get_watermark_offsets(handle, partition.topic, partition.partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
    }

    /// The partitions of a topic, from the cluster's metadata. Asks the broker.
    ///
    /// - Throws: a `KafkaError` of kind `unknownTopic` when it doesn't exist.
    public func partitions(of topic: String, timeout: Duration = .seconds(10)) throws(KafkaError) -> [TopicPartition] {
        let metadata = try ClusterMetadata.fetch(
            handle: try native("read metadata"), topic: topic, timeoutMilliseconds: Int32(clamping: timeout.wholeMilliseconds))
        guard let found = metadata.topics.first(where: { $0.name == topic }), found.partitions > 0 else {
            throw KafkaError(
                kind: .unknownTopic, code: "UNKNOWN_TOPIC_OR_PART", operation: "read metadata",
                message: "topic \(topic) does not exist")
        }
        return (0..<Int32(clamping: found.partitions)).map { TopicPartition(topic, $0) }
    }

    /// The member's present identity in its group, for `TransactionalProducer.sendOffsets`.
    ///
    /// To be read anew for every transaction: a cooperative rebalance changes the generation without a callback on members
    /// whose partitions stay.
    public func groupMetadata() throws(KafkaError) -> ConsumerGroupMetadata {
        guard let metadata = ConsumerGroupMetadata(rd_kafka_consumer_group_metadata(try native("read group metadata"))) else {
            throw KafkaError(
                kind: .configuration, code: "_INVALID_ARG", operation: "read group metadata", message: "no consumer group")
        }
        return metadata
    }

    // MARK: Polling

    private func poll() {
        guard handle != nil else { return }
        for _ in 0..<Self.recordsPerRound {
            guard let handle, let message = rd_kafka_consumer_poll(handle, 0) else { break }
            deliver(message)
            rd_kafka_message_destroy(message)
            // More may wait, but the event is signalled only when the queue was empty: come back by ourselves.
        }
        if handle != nil, let queue, rd_kafka_queue_length(queue) > 0 { thread.wakeUp() }
        guard handle != nil else { return }
        listener.polled(by: self)
    }

    private func deliver(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        let code = message.pointee.err
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else {
            let record = ConsumerRecord(message)
            // A partition that was revoked in this very round may still have records in the local queue.
            guard assignment.contains(record.topicPartition) else { return }
            listener.received(record, by: self)
            return
        }
        if code == RD_KAFKA_RESP_ERR__PARTITION_EOF {
            if let topic = message.pointee.rkt {
                let partition = TopicPartition(String(cString: rd_kafka_topic_name(topic)), message.pointee.partition)
                listener.reachedEnd(of: partition, offset: message.pointee.offset, by: self)
            }
            return
        }
        let text = rd_kafka_message_errstr(message).map { String(cString: $0) }
        listener.failed(KafkaError(code: code, operation: "consume", message: text), in: self)
    }

    /// Called by librdkafka inside poll and close, so on the poll thread.
    fileprivate func rebalanced(code: rd_kafka_resp_err_t, list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
        guard let handle else { return }
        let partitions = TopicPartitionList.partitions(of: list)
        let isCooperative = String(cString: rd_kafka_rebalance_protocol(handle)) == "COOPERATIVE"
        var failure: KafkaError?
        if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            assignment = isCooperative ? assignment.union(partitions) : Set(partitions)
            TopicPartitionList.set(beginning(listener.starts(of: partitions, in: self)), in: list)
            failure =
                isCooperative
                ? rd_kafka_incremental_assign(handle, list).map { KafkaError(consuming: $0, operation: "assign") }
                : Self.error(rd_kafka_assign(handle, list), "assign")
            // An application's pause survives revoke and assign inside librdkafka: what comes back must not stay silent.
            resume(partitions)
            listener.assigned(partitions, to: self)
        } else {
            let lost = rd_kafka_assignment_lost(handle) != 0
            listener.revoked(partitions, lost: lost, from: self)
            assignment.subtract(partitions)
            failure =
                isCooperative
                ? rd_kafka_incremental_unassign(handle, list).map { KafkaError(consuming: $0, operation: "unassign") }
                : Self.error(rd_kafka_assign(handle, nil), "unassign")
        }
        if let failure { listener.failed(failure, in: self) }
    }

    private static func error(_ code: rd_kafka_resp_err_t, _ operation: String) -> KafkaError? {
        code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(code: code, operation: operation)
    }

    // MARK: End

    /// Leaves the group at once, destroys the handle and ends the thread; the listener sees a last `revoked`. Idempotent.
    public func close() async {
        destroyHandle()
        await thread.stop()
    }

    private func destroyHandle() {
        guard let handle, !isClosing else { return }
        isClosing = true
        thread.setPoller(nil)
        rd_kafka_consumer_close(handle)
        if let queue {
            rd_kafka_queue_io_event_enable(queue, -1, nil, 0)
            rd_kafka_queue_destroy(queue)
        }
        queue = nil
        rd_kafka_destroy(handle)
        self.handle = nil
        callbacks = nil
    }
}

/// The consumer's part of the callbacks.
///
/// Unchecked because of the weak reference: it is set once before the handle exists, and read only on the poll thread.
private final class ConsumerCallbacks: HandleCallbacks, @unchecked Sendable {
    private weak let consumer: Consumer?

    init(logger: Logger, client: String, consumer: Consumer) {
        self.consumer = consumer
        super.init(logger: logger, client: client)
    }

    func rebalanced(code: rd_kafka_resp_err_t, partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
        guard let consumer else { return }
        // The pointer is valid during this call and doesn't leave it.
        nonisolated(unsafe) let list = partitions
        consumer.assumeIsolated { $0.rebalanced(code: code, list: list) }
    }
}

/// A member's identity in its group at one moment.
///
/// Unchecked: the C object is immutable after it was made.
public final class ConsumerGroupMetadata: @unchecked Sendable {
    let pointer: OpaquePointer

    init?(_ pointer: OpaquePointer?) {
        guard let pointer else { return nil }
        self.pointer = pointer
    }

    deinit { rd_kafka_consumer_group_metadata_destroy(pointer) }
}

extension ConsumerRecord {
    /// Copies what librdkafka owns.
    init(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        let native = message.pointee
        var headers: [RecordHeader] = []
        var list: OpaquePointer?
        if rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list {
            var index = 0
            var name: UnsafePointer<CChar>?
            var value: UnsafeRawPointer?
            var size = 0
            while rd_kafka_header_get_all(list, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let name {
                let bytes = value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) }
                headers.append(RecordHeader(String(cString: name), bytes: bytes))
                index += 1
            }
        }
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        self.init(
            topic: native.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? "", partition: native.partition,
            offset: native.offset, timestamp: rd_kafka_message_timestamp(message, &kind),
            key: native.key.map { Array(UnsafeRawBufferPointer(start: $0, count: native.key_len)) },
            value: native.payload.map { Array(UnsafeRawBufferPointer(start: $0, count: native.len)) }, headers: headers)
    }
}
