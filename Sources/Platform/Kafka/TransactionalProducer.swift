internal import CLibrdkafka
internal import Logging

/// A producer whose records, and the consumer offsets that go with them, become visible together or not at all.
///
/// Its calls block, so it is an actor on a PollThread: its own, or the one of the consumer whose offsets it commits. On the
/// consumer's thread a whole transaction runs without any rebalance between its steps.
public actor TransactionalProducer {
    /// The thread that its calls run on.
    public nonisolated let thread: PollThread
    /// Runs this actor on its poll thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    /// The id that fences an older instance of the same producer.
    public nonisolated let transactionalID: String

    private let handle: NativeHandle
    private let ownsThread: Bool
    private var isClosed = false
    private let logger: Logger
    private let stepGuard: StepGuard

    /// How long one step of a transaction may take, and how often a retriable step is repeated: 15 s in all, because the
    /// thread polls a consumer too, and may be inside a rebalance.
    private static let stepTimeoutMilliseconds: Int32 = 5000
    private static let stepAttempts = 3

    /// Makes the producer; `initialize` must be called before the first transaction.
    ///
    /// - Parameters:
    ///   - transactionalID: fixed for each worker slot: a restart with the same id ends what its predecessor left open.
    ///   - thread: a consumer's thread, or nil for one of its own.
    /// - Throws: a `KafkaError` of kind `configuration` when librdkafka refuses a property.
    public init(
        _ configuration: KafkaConfiguration, transactionalID: String, thread: PollThread? = nil
    ) throws(KafkaError) {
        self.transactionalID = transactionalID
        logger = configuration.logger
        stepGuard = StepGuard(logger: configuration.logger)
        let callbacks = HandleCallbacks(logger: configuration.logger, client: configuration.clientID)
        let native = try NativeConfiguration(
            configuration,
            defaults: [
                "transactional.id": transactionalID,
                "enable.idempotence": "true",
                // A transaction lasts milliseconds; one that a killed process left open may hold readers back only so long.
                "transaction.timeout.ms": "30000",
                "message.timeout.ms": "20000",
                "linger.ms": "0",
                "compression.type": "lz4",
                // A dead letter is its message plus headers: what the topic took must fit again. The broker has its own limit.
                "message.max.bytes": "4194304",
            ], callbacks: callbacks)
        handle = NativeHandle(try native.makeHandle(RD_KAFKA_PRODUCER), callbacks: callbacks)
        ownsThread = thread == nil
        self.thread = thread ?? PollThread(name: "transactions")
    }

    /// Registers with the transaction coordinator, which fences an older instance and ends what it left open.
    public func initialize(timeout: Duration = .seconds(30)) throws(KafkaError) {
        try retrying("initialize transactions", timeout: timeout) {
            rd_kafka_init_transactions($0, Int32(clamping: timeout.wholeMilliseconds))
        }
    }

    /// Runs one transaction: what `body` sends is committed, with the offsets it adds, or nothing is.
    ///
    /// `body` can't suspend, so nothing else of this thread happens in between.
    ///
    /// - Throws: the error of the failed step after the transaction was aborted; a fatal one means that the process should end.
    public func transaction(
        _ body: @Sendable (isolated TransactionalProducer) throws(KafkaError) -> Void
    ) throws(KafkaError) {
        guard !isClosed else { throw .closed("begin transaction") }
        if let error = rd_kafka_begin_transaction(handle.pointer) {
            throw KafkaError(consuming: error, operation: "begin transaction")
        }
        do throws(KafkaError) {
            try body(self)
            try retrying("commit transaction", isDecisive: true) { rd_kafka_commit_transaction($0, Self.stepTimeoutMilliseconds) }
        } catch {
            if !error.isFatal { try abort(after: error) }
            throw error
        }
        // Serves the error callback; transactional producers have no delivery reports of their own here.
        rd_kafka_poll(handle.pointer, 0)
    }

    /// Adds a record to the transaction that is open. To be called inside `transaction`.
    public func send(_ record: ProducerRecord) throws(KafkaError) {
        while true {
            do throws(KafkaError) {
                try handle.produce(record, opaque: nil)
                return
            } catch {
                guard error.kind == .queueFull else { throw error }
                rd_kafka_poll(handle.pointer, 10)
            }
        }
    }

    /// Adds a group's offsets, and their metadata, to the transaction that is open. To be called inside `transaction`.
    public func sendOffsets(
        _ offsets: [TopicPartition: CommittedOffset], group: ConsumerGroupMetadata
    ) throws(KafkaError) {
        guard !offsets.isEmpty else { return }
        let list = TopicPartitionList(offsets)
        try retrying("send offsets to transaction") {
            rd_kafka_send_offsets_to_transaction($0, list.pointer, group.pointer, Self.stepTimeoutMilliseconds)
        }
    }

    private func abort(after reason: KafkaError) throws(KafkaError) {
        logger.warning("transaction aborted", metadata: ["reason": "\(reason)"])
        try retrying("abort transaction", isDecisive: true) { rd_kafka_abort_transaction($0, Self.stepTimeoutMilliseconds) }
    }

    /// Repeats a step while it may succeed.
    ///
    /// - Parameter isDecisive: a commit or abort whose outcome stays unknown. librdkafka takes no other call until the same one
    ///   is made again, and neither answer could be acted upon: only a new instance, which fences this one, finds out.
    private func retrying(
        _ operation: String, timeout: Duration = .milliseconds(Int(stepTimeoutMilliseconds)), isDecisive: Bool = false,
        _ step: (OpaquePointer) -> OpaquePointer?
    ) throws(KafkaError) {
        guard !isClosed else { throw .closed(operation) }
        var attempt = 1
        while let native = stepGuard.watch(operation, timeout: timeout, { step(handle.pointer) }) {
            let error = KafkaError(consuming: native, operation: operation)
            guard error.isRetriable, attempt < Self.stepAttempts else {
                throw isDecisive && error.isRetriable ? error.made(fatal: true) : error
            }
            attempt += 1
            // Also waits for the next attempt: callbacks are served meanwhile, on a thread that may block.
            rd_kafka_poll(handle.pointer, Int32(50 * attempt))
        }
    }

    /// Destroys the handle; ends the thread if it is its own. Idempotent.
    public func close() async {
        guard !isClosed else { return }
        isClosed = true
        stepGuard.stop()
        handle.destroy()
        if ownsThread { await thread.stop() }
    }
}
