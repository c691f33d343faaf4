internal import Kafka
internal import Logging
internal import Metrics
internal import Synchronization

/// How outcomes become durable: one transaction for all that ended, between two rounds of polling.
extension JobLoop {
    func commit(with consumer: isolated Consumer, isLast: Bool = false) {
        let now = clock.now()
        let work: (TransactionalProducer, CommitBatch)? = state.withLock { state in
            guard let producer = state.producer, state.failure == nil else { return nil }
            if let notBefore = state.commitNotBefore, notBefore > now, !isLast { return nil }
            guard let batch = state.table.takeBatch() else { return nil }
            return (producer, batch)
        }
        guard let (producer, batch) = work else { return }
        do throws(KafkaError) {
            let group = try consumer.groupMetadata()
            try Self.commit(batch, producer, group)
            state.withLock { state in
                state.table.committed(batch)
                state.commitNotBefore = nil
                state.commitFailures = 0
            }
            runner.memory?.committed(batch.offsets)
            runner.memory?.forget(batch.completions.compactMap(\.result.finishedCheckpoint))
            Timer(label: "worker_transaction_duration_seconds", dimensions: [("kind", configuration.kind)])
                .recordNanoseconds(Int64(now.duration(to: clock.now()) / .nanoseconds(1)))
            if let first = batch.completions.compactMap(\.result.endedAt).min() {
                Timer(label: "worker_completion_delay_seconds", dimensions: [("kind", configuration.kind)])
                    .recordNanoseconds(Int64(first.duration(to: clock.now()) / .nanoseconds(1)))
            }
            Counter(label: "worker_completions_total", dimensions: [("kind", configuration.kind)])
                .increment(by: batch.completions.count)
        } catch {
            if error.isFatal || error.kind == .fenced {
                fail(error)
                return
            }
            // A record that no topic takes must not hold up the others for ever: its value stays where it was.
            let batch = error.kind == .messageTooLarge ? OversizedRecords.replaced(in: batch) : batch
            let failures = state.withLock { state in
                state.table.putBack(batch)
                state.commitFailures += 1
                let backoff = min(5000, 50 << min(state.commitFailures, 10))
                state.commitNotBefore = now.advanced(by: .milliseconds(backoff))
                return state.commitFailures
            }
            logger.warning("completions not published yet", metadata: ["error": "\(error)", "attempt": "\(failures)"])
        }
    }

    /// How often offsets beyond transaction markers are committed where nothing is left to do.
    static let idleCommitInterval: Duration = .seconds(5)

    func commitIdle(with consumer: isolated Consumer) {
        let now = clock.now()
        let offsets: [TopicPartition: CommittedOffset] = state.withLock { state in
            if let notBefore = state.idleCommitNotBefore, notBefore > now { return [:] }
            guard state.failure == nil else { return [:] }
            let offsets = state.table.idleOffsets
            if !offsets.isEmpty { state.idleCommitNotBefore = now.advanced(by: Self.idleCommitInterval) }
            return offsets
        }
        guard !offsets.isEmpty else { return }
        do throws(KafkaError) {
            try consumer.commit(offsets)
            state.withLock { $0.table.committed(CommitBatch(completions: [], offsets: offsets)) }
        } catch {
            // Only figures suffer: the next completion's transaction carries the offset too.
            logger.debug("idle offsets not committed", metadata: ["error": "\(error)"])
        }
    }

    static func commit(
        _ batch: CommitBatch, _ producer: TransactionalProducer, _ group: ConsumerGroupMetadata
    ) throws(KafkaError) {
        // Same thread as the consumer's: no rebalance between these steps, and ownership was checked just before.
        let result: Result<Void, KafkaError> = producer.assumeIsolated { producer in
            do throws(KafkaError) {
                try producer.transaction { producer throws(KafkaError) in
                    for completion in batch.completions {
                        for record in completion.result.records { try producer.send(record) }
                    }
                    try producer.sendOffsets(batch.offsets, group: group)
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Finds out whether the broker keeps the metadata that an ack window needs.
    func probeMetadata(with consumer: isolated Consumer) {
        guard configuration.window > 1 else { return }
        let partition: TopicPartition? = state.withLock { state in
            guard !state.isProbed, let partition = state.table.partitions.first else { return nil }
            state.isProbed = true
            return partition
        }
        guard let partition else { return }
        do throws(KafkaError) {
            let present = try consumer.committed([partition])[partition]
            let begin = try consumer.watermarks(of: partition).lowerBound
            var probe = present ?? CommittedOffset(begin)
            if probe.metadata.isEmpty { probe.metadata = "w1:" }
            try consumer.commit([partition: probe])
            let kept = try consumer.committed([partition])[partition]?.metadata
            if kept == probe.metadata { return }
            state.withLock { $0.table.keepOrder() }
            logger.notice("the broker drops commit metadata: jobs of a partition run in order")
        } catch {
            // A rebalance came in between; the next round tries again.
            state.withLock { $0.isProbed = false }
        }
    }
}
