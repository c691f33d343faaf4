internal import Contracts
internal import Foundation
internal import Kafka
internal import Logging
internal import Messaging
internal import Metrics
internal import Synchronization

/// Follows the topic `control` from its beginning, without a group: every worker sees every entry.
final class ControlFollower: ConsumerListener {
    private struct State {
        var control = ControlState()
        var isCaughtUp = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let topic: String
    private let logger: Logger
    private let onChange: @Sendable () -> Void

    /// - Parameter onChange: called on the follower's thread after an entry changed.
    init(topic: String, logger: Logger, onChange: @escaping @Sendable () -> Void) {
        self.topic = topic
        self.logger = logger
        self.onChange = onChange
    }

    /// What operators want at the moment.
    var current: ControlState { state.withLock { $0.control } }

    /// Makes the consumer that this listens to; the caller assigns partition 0 from the earliest offset, and closes it.
    func open(_ kafka: KafkaConfiguration) async throws(KafkaError) -> Consumer {
        var configuration = ConsumerConfiguration(kafka)
        configuration.reportsEnds = true
        configuration.prefetchedRecords = 1000
        configuration.prefetchedBytes = 1 << 20
        configuration.statisticsInterval = .zero
        return try await Consumer(configuration, listener: self)
    }

    /// Returns once everything that stood in the topic was read, or the task is cancelled.
    func waitUntilCaughtUp() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isCaughtUp || Task.isCancelled { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            release()
        }
    }

    private func release() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    // MARK: Listener

    func received(_ record: ConsumerRecord, by consumer: isolated Consumer) {
        do throws(ContractError) {
            let result: Result<Void, ContractError> = state.withLock { state in
                do throws(ContractError) {
                    try state.control.apply(key: record.key, value: record.value)
                    state.control.removeExpired(at: Date(timeIntervalSince1970: Double(record.timestamp) / 1000))
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            try result.get()
        } catch {
            // Operators see what counts with `switchboard jobs control`; an entry that can't be read never does.
            Counter(label: "worker_unreadable_control_entries_total").increment()
            logger.error(
                "control entry ignored", metadata: ["offset": "\(record.offset)", "error": "\(error)"])
            return
        }
        if state.withLock({ $0.isCaughtUp }) {
            let key = String(decoding: (record.key ?? []).prefix(300), as: UTF8.self)
            logger.notice("control changed", metadata: ["key": "\(key)"])
            onChange()
        }
    }

    func reachedEnd(of partition: TopicPartition, offset: Int64, by consumer: isolated Consumer) {
        let isFirst = state.withLock { state in
            defer { state.isCaughtUp = true }
            return !state.isCaughtUp
        }
        guard isFirst else { return }
        release()
        onChange()
    }

    func assigned(_ partitions: [TopicPartition], to consumer: isolated Consumer) {}

    func revoked(_ partitions: [TopicPartition], lost: Bool, from consumer: isolated Consumer) {}

    func failed(_ error: KafkaError, in consumer: isolated Consumer) {
        // It goes on by itself when the broker is back, and what was read keeps counting; a missing right doesn't mend itself.
        let isLasting = error.kind == .authorization || error.kind == .authentication
        logger.log(level: isLasting ? .error : .debug, "control topic", metadata: ["error": "\(error)"])
    }
}
