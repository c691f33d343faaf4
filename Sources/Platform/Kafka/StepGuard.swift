internal import Glibc
internal import Logging
internal import Synchronization

/// Ends the process when a call into librdkafka doesn't return.
///
/// `rd_kafka_send_offsets_to_transaction` was seen to wait for ever after its broker died in the middle (librdkafka 2.16), whatever
/// timeout it was given. The thread can't be freed, the transaction can't be decided, and a leader that hangs would keep its lease:
/// only a new process, which fences this one, goes on.
final class StepGuard: Sendable {
    /// The call that is under way.
    private struct Step {
        var operation: String?
        /// Rounds of looking that the call may take.
        var limit = 0
        var rounds = 0
    }

    /// Shared with the watcher, which must not keep the guard alive.
    private final class Current: Sendable {
        let step = Mutex(Step())
    }

    private let current = Current()
    private let watcher = Mutex<Task<Void, Never>?>(nil)
    private let onHang: @Sendable (String) -> Void

    /// How long after its own timeout a call may take; far more than scheduling could explain.
    static let margin: Duration = .seconds(30)

    /// - Parameter onHang: what is done about a call that doesn't return; by default the process ends with 70.
    init(logger: Logger, onHang: (@Sendable (String) -> Void)? = nil) {
        self.onHang =
            onHang ?? { operation in
                logger.critical(
                    "librdkafka doesn't return; the process ends, because nothing else frees its thread",
                    metadata: ["operation": "\(operation)"])
                // Not `exit`: what it would run may wait for the thread that hangs.
                _exit(70)
            }
    }

    /// Runs a call that has a timeout of its own.
    func watch<Result>(_ operation: String, timeout: Duration, margin: Duration = margin, _ call: () -> Result) -> Result {
        let interval = min(.seconds(1), margin)
        current.step.withLock { step in
            step.operation = operation
            step.limit = Int(((timeout + margin) / interval).rounded(.up))
            step.rounds = 0
        }
        watcher.withLock { watcher in
            guard watcher == nil else { return }
            // Not a child of anybody: it watches a thread that is blocked. `stop` ends it.
            watcher = Task { [current, onHang] in await Self.look(after: current, every: interval, onHang) }
        }
        defer { current.step.withLock { $0.operation = nil } }
        return call()
    }

    private static func look(
        after current: Current, every interval: Duration, _ onHang: @Sendable (String) -> Void
    ) async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: interval) } catch { return }
            // Rounds, not time: a process that was suspended did not hang.
            let hanging: String? = current.step.withLock { step in
                step.rounds += 1
                return step.rounds > step.limit ? step.operation : nil
            }
            guard let hanging else { continue }
            onHang(hanging)
            return
        }
    }

    /// Ends the watching.
    func stop() {
        watcher.withLock { watcher in
            watcher?.cancel()
            watcher = nil
        }
    }

    deinit { stop() }
}
