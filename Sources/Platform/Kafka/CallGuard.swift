internal import Glibc
internal import Logging
internal import Synchronization

/// Notices calls into librdkafka that don't come back long after their own timeout, and ends the process.
///
/// `rd_kafka_send_offsets_to_transaction` may ignore its timeout when the group's coordinator goes away meanwhile (librdkafka
/// issue 5456, all versions from 1.4 to 2.16). Nothing can take such a call back: its thread also polls the consumer and would
/// hold partitions whose jobs nobody does. A new process fences what this one left open, so ending is safe at any instant.
final class CallGuard: Sendable {
    /// The guard of this process.
    static let shared = CallGuard { operation, logger in
        logger.critical(
            "a call into librdkafka doesn't come back: the process ends",
            metadata: ["operation": "\(operation)", "exit": "75", "advice": "start it again"])
        // Not `exit`: what it would wait for includes the thread that hangs.
        _exit(75)
    }

    private struct Call {
        let operation: String
        let logger: Logger
        /// Rounds that are left. Counted, not read from a clock: a process that is stopped for a while has not hung.
        var rounds: Int
    }

    private struct State {
        var calls: [Int: Call] = [:]
        var last = 0
        var isRunning = false
    }

    private let state = Mutex(State())
    private let interval: Duration
    private let onHang: @Sendable (_ operation: String, _ logger: Logger) -> Void

    /// - Parameter interval: how often calls are looked at.
    init(interval: Duration = .seconds(1), onHang: @escaping @Sendable (_ operation: String, _ logger: Logger) -> Void) {
        self.interval = interval
        self.onHang = onHang
    }

    /// Makes a call that should be back within a limit.
    func watch<Result>(_ operation: String, limit: Duration, logger: Logger, _ call: () -> Result) -> Result {
        let (number, starts) = state.withLock { state in
            state.last += 1
            state.calls[state.last] = Call(
                operation: operation, logger: logger, rounds: max(1, Int((limit / interval).rounded(.up))))
            let starts = !state.isRunning
            state.isRunning = true
            return (state.last, starts)
        }
        if starts { start() }
        defer { state.withLock { _ = $0.calls.removeValue(forKey: number) } }
        return call()
    }

    private func start() {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<CallGuard>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        if result == 0 {
            pthread_detach(thread)
        } else {
            Unmanaged<CallGuard>.fromOpaque(context).release()
            // The next call tries again; without a guard all works as long as nothing hangs.
            state.withLock { $0.isRunning = false }
        }
    }

    /// Looks at the calls for as long as there are any, and a while longer.
    private func run() {
        var idle = 0
        while true {
            usleep(UInt32(clamping: Int64(interval / .microseconds(1))))
            let (hung, ends) = state.withLock { state -> ([Call], Bool) in
                var hung: [Call] = []
                for number in state.calls.keys {
                    state.calls[number]?.rounds -= 1
                    // Told once.
                    if let call = state.calls[number], call.rounds == 0 { hung.append(call) }
                }
                idle = state.calls.isEmpty ? idle + 1 : 0
                let ends = idle > 60
                if ends { state.isRunning = false }
                return (hung, ends)
            }
            for call in hung { onHang(call.operation, call.logger) }
            if ends { return }
        }
    }
}
