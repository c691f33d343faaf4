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
        var result: Result<RecordMetadata, KafkaError>
        repeat {
            guard !isClosed.withLock({ $0 }) else { throw .closed("produce") }
            result = await withCheckedContinuation { continuation in
                let opaque = Delivery(continuation).retained()
                do throws(KafkaError) {
                    try handle.produce(record, opaque: opaque)
                } catch {
                    Delivery.take(opaque).fail(error)
                }
            }
            guard case .failure(let error) = result, error.kind == .queueFull else { break }
            // The queue drains with deliveries; librdkafka has no call back for free space.
            do { try await Task.sleep(for: .milliseconds(5)) } catch { throw .closed("produce") }
        } while true
        return try result.get()
    }

    /// Sends a record without waiting; one that can't be stored is logged. For what may be lost, such as progress.
    public func offer(_ record: ProducerRecord) {
        guard !isClosed.withLock({ $0 }) else { return }
        do throws(KafkaError) {
            try handle.produce(record, opaque: nil)
        } catch {
            logger.warning("offered record dropped", metadata: ["error": "\(error)"])
        }
    }

    /// Sends records in order and waits for all acknowledgements.
    ///
    /// - Throws: the first failure, after every record was reported.
    public func send(_ records: [ProducerRecord]) async throws(KafkaError) {
        let failure = await withTaskGroup(of: KafkaError?.self) { group in
            var failure: KafkaError?
            // Bounded so that a long list doesn't become as many tasks; the tasks start in order.
            var running = 0
            for record in records {
                if running >= 1000, let done = await group.next() {
                    failure = failure ?? done
                    running -= 1
                }
                group.addTask {
                    do throws(KafkaError) {
                        try await self.send(record)
                        return nil
                    } catch { return error }
                }
                running += 1
            }
            for await done in group { failure = failure ?? done }
            return failure
        }
        if let failure { throw failure }
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
private final class Delivery {
    private let continuation: CheckedContinuation<Result<RecordMetadata, KafkaError>, Never>

    init(_ continuation: CheckedContinuation<Result<RecordMetadata, KafkaError>, Never>) {
        self.continuation = continuation
    }

    func retained() -> UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

    static func take(_ opaque: UnsafeMutableRawPointer) -> Delivery {
        Unmanaged<Delivery>.fromOpaque(opaque).takeRetainedValue()
    }

    func fail(_ error: KafkaError) { continuation.resume(returning: .failure(error)) }

    func finish(_ message: UnsafePointer<rd_kafka_message_t>) {
        let native = message.pointee
        let topic = native.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? ""
        if native.err == RD_KAFKA_RESP_ERR_NO_ERROR {
            continuation.resume(
                returning: .success(RecordMetadata(topicPartition: TopicPartition(topic, native.partition), offset: native.offset)))
        } else {
            fail(KafkaError(code: native.err, operation: "produce to \(topic)"))
        }
    }
}
