internal import CLibrdkafka
internal import Logging
internal import Synchronization

/// An idempotent producer: each record that `send` accepted is stored once, in order within its partition.
///
/// `send` suspends while the local queue is full and returns when all in-sync replicas have the record. `close()` must be
/// called; it flushes first.
public final class Producer: Sendable {
    private let handle: NativeHandle
    private let thread: PollThread
    private let isClosed = Mutex(false)
    private let logger: Logger

    /// Makes a producer with `acks=all` and idempotence.
    ///
    /// - Parameter deliveryTimeout: how long a record may wait for its acknowledgement before `send` throws.
    /// - Throws: a `KafkaError` of kind `configuration` when librdkafka refuses a property.
    public init(_ configuration: KafkaConfiguration, deliveryTimeout: Duration = .seconds(30)) throws(KafkaError) {
        logger = configuration.logger
        let callbacks = HandleCallbacks(logger: configuration.logger, client: configuration.clientID)
        let native = try NativeConfiguration(
            configuration,
            defaults: [
                "enable.idempotence": "true",
                "acks": "all",
                "linger.ms": "2",
                "compression.type": "lz4",
                "message.timeout.ms": "\(deliveryTimeout.wholeMilliseconds)",
                "statistics.interval.ms": "15000",
            ], callbacks: callbacks)
        native.with { pointer in
            rd_kafka_conf_set_dr_msg_cb(pointer) { handle, message, _ in
                guard let handle, let message else { return }
                if let opaque = message.pointee._private {
                    Delivery.take(opaque).finish(message)
                } else if message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR {
                    HandleCallbacks.of(handle)?.failed(code: message.pointee.err, reason: "an offered record was not stored")
                }
            }
        }
        let handle = NativeHandle(try native.makeHandle(RD_KAFKA_PRODUCER), callbacks: callbacks)
        self.handle = handle
        thread = PollThread(name: "producer", interval: .milliseconds(10))
        thread.setPoller { rd_kafka_poll(handle.pointer, 50) }
    }

    /// Sends a record and waits for its acknowledgement.
    ///
    /// - Returns: where it was stored.
    /// - Throws: the reason why it was not stored within the delivery timeout.
    @discardableResult
    public func send(_ record: ProducerRecord) async throws(KafkaError) -> RecordMetadata {
        let result = await withCheckedContinuation { continuation in
            hand(record) { continuation.resume(returning: $0) }
        }
        guard case .failure(let error) = result, error.kind == .queueFull else { return try result.get() }
        try await waitForSpace()
        return try await send(record)
    }

    /// Sends records in order and waits for all acknowledgements.
    ///
    /// - Throws: the first failure, after every record that was handed over was reported.
    public func send(_ records: [ProducerRecord]) async throws(KafkaError) {
        let batch = DeliveryBatch()
        for record in records {
            while true {
                let refused = Mutex<KafkaError?>(nil)
                batch.add()
                hand(record) { result in
                    if case .failure(let error) = result, error.kind == .queueFull {
                        // Reported before `hand` returns: nothing was handed over, the same record comes again.
                        refused.withLock { $0 = error }
                        batch.report(nil)
                    } else if case .failure(let error) = result {
                        batch.report(error)
                    } else {
                        batch.report(nil)
                    }
                }
                guard refused.withLock({ $0 }) != nil else { break }
                try await waitForSpace()
            }
        }
        if let failure = await batch.wait() { throw failure }
    }

    /// Gives a record to librdkafka; `report` is called once, here when it is refused, else by the delivery report.
    private func hand(_ record: ProducerRecord, _ report: @escaping @Sendable (Result<RecordMetadata, KafkaError>) -> Void) {
        let delivery = Delivery(report)
        do throws(KafkaError) {
            try produce(record, delivery)
        } catch {
            report(.failure(error))
        }
    }

    /// Produces under the lock, so that `close` can't destroy the handle meanwhile; the call only queues.
    private func produce(_ record: ProducerRecord, _ delivery: Delivery?) throws(KafkaError) {
        let result: Result<Void, KafkaError> = isClosed.withLock { isClosed in
            guard !isClosed else { return .failure(.closed("produce")) }
            let opaque = delivery?.retained()
            do throws(KafkaError) {
                return .success(try handle.produce(record, opaque: opaque))
            } catch {
                // Refused: no report will come for it.
                if let opaque { _ = Delivery.take(opaque) }
                return .failure(error)
            }
        }
        try result.get()
    }

    /// The queue drains with deliveries; librdkafka has no callback for free space.
    private func waitForSpace() async throws(KafkaError) {
        do { try await Task.sleep(for: .milliseconds(5)) } catch { throw .closed("produce") }
    }

    /// Sends a record without waiting; one that can't be stored is logged. For what may be lost, such as progress.
    public func offer(_ record: ProducerRecord) {
        do throws(KafkaError) {
            try produce(record, nil)
        } catch {
            logger.warning("offered record dropped", metadata: ["error": "\(error)"])
        }
    }

    /// Waits up to `timeout` for what is under way, then destroys the handle and ends the thread. Idempotent.
    public func close(timeout: Duration = .seconds(5)) async {
        let wasClosed = isClosed.withLock { closed in
            defer { closed = true }
            return closed
        }
        guard !wasClosed else { return }
        let last = ProducerEnd(handle: handle, thread: thread)
        await last.close(timeoutMilliseconds: Int32(clamping: timeout.wholeMilliseconds))
        await thread.stop()
    }
}

/// Runs a producer's end on its poll thread, where blocking is allowed.
private actor ProducerEnd {
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    private let handle: NativeHandle
    private let thread: PollThread

    init(handle: NativeHandle, thread: PollThread) {
        self.handle = handle
        self.thread = thread
    }

    func close(timeoutMilliseconds: Int32) {
        thread.setPoller(nil)
        if rd_kafka_flush(handle.pointer, timeoutMilliseconds) != RD_KAFKA_RESP_ERR_NO_ERROR {
            // What didn't make it is reported to its sender as purged, so that nobody waits for ever.
            rd_kafka_purge(handle.pointer, Int32(RD_KAFKA_PURGE_F_QUEUE) | Int32(RD_KAFKA_PURGE_F_INFLIGHT))
            rd_kafka_flush(handle.pointer, 1000)
        }
        handle.destroy()
    }
}

/// One record's way back from librdkafka's delivery report to its sender.
private final class Delivery: Sendable {
    let report: @Sendable (Result<RecordMetadata, KafkaError>) -> Void

    init(_ report: @escaping @Sendable (Result<RecordMetadata, KafkaError>) -> Void) { self.report = report }

    func retained() -> UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

    static func take(_ opaque: UnsafeMutableRawPointer) -> Delivery {
        Unmanaged<Delivery>.fromOpaque(opaque).takeRetainedValue()
    }

    func finish(_ message: UnsafePointer<rd_kafka_message_t>) {
        let native = message.pointee
        let topic = native.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? ""
        if native.err == RD_KAFKA_RESP_ERR_NO_ERROR {
            report(.success(RecordMetadata(topicPartition: TopicPartition(topic, native.partition), offset: native.offset)))
        } else {
            report(.failure(KafkaError(code: native.err, operation: "produce to \(topic)")))
        }
    }
}

/// Waits for the reports of many records.
private final class DeliveryBatch: Sendable {
    private struct State {
        var open = 0
        var failure: KafkaError?
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func add() { state.withLock { $0.open += 1 } }

    func report(_ failure: KafkaError?) {
        let waiting: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.open -= 1
            state.failure = state.failure ?? failure
            guard state.open == 0 else { return nil }
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    func wait() async -> KafkaError? {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                guard state.open > 0 else { return true }
                state.waiting = continuation
                return false
            }
            if isDone { continuation.resume() }
        }
        return state.withLock { $0.failure }
    }
}
