internal import Contracts
internal import Foundation
internal import Kafka
internal import Logging
internal import Metrics
internal import Service
internal import Synchronization

/// How runs end that don't end by themselves, and how the worker does.
extension JobLoop {
    func checkTimeouts() {
        let now = clock.now()
        let date = clock.date()
        let active = state.withLock { Array($0.active.values) }
        for run in active {
            if run.checkTimeouts(configuration, now: now, date: date) {
                logger.warning("job timed out", metadata: ["job": "\(run.description)"])
            }
            guard run.ignoresCancellation(for: Self.stuckLimit, now: now) else { continue }
            fail(
                ProgramFailure(
                    .failure,
                    "job \(run.description) ignores its cancellation for \(Self.stuckLimit.components.seconds) s; "
                        + "the worker ends, because nothing else frees the job's slot"))
        }
    }

    /// How long a cancelled job may go on before the process ends: nothing else would free its slot and its key.
    static let stuckLimit: Duration = .seconds(30)

    /// Jobs that were told to end and go on, by name.
    var stuckJobs: [String] {
        let now = clock.now()
        let active = state.withLock { Array($0.active.values) }
        return active.filter { $0.ignoresCancellation(for: .seconds(5), now: now) }.map(\.description)
    }

    func failed(_ error: KafkaError, in consumer: isolated Consumer) {
        if error.isFatal || error.kind == .authentication || error.kind == .authorization {
            fail(error)
            return
        }
        let isNew = state.withLock { $0.reported.insert(error.code).inserted }
        logger.log(level: isNew ? .warning : .debug, "consumer error", metadata: ["error": "\(error)"])
    }

    func fail(_ error: any Error) {
        let isFirst = state.withLock { state in
            defer { state.failure = state.failure ?? error }
            return state.failure == nil
        }
        if isFirst { onFailure(error) }
    }

    /// How a drain ended.
    struct Drained: Sendable {
        /// Jobs that were handed back.
        var handedBack = 0
        /// Jobs that go on although they were cancelled.
        var stuck: [String] = []
    }

    /// Starts nothing new, waits up to `grace` for what runs, then hands the rest back. When its task is cancelled the grace
    /// ends at once.
    func drain(grace: Duration) async -> Drained {
        state.withLock { $0.table.isDraining = true }
        wake()
        guard await !becomesIdle(within: grace) else { return Drained() }
        let left = state.withLock { $0.active.count }
        handBackAll()
        // In a task of its own: what was cancelled gets its time even when the caller is in a hurry.
        let isIdle = await Task { await becomesIdle(within: Self.cancellationLimit) }.value
        return Drained(handedBack: left, stuck: isIdle ? [] : runningJobs)
    }

    /// How long a cancelled job may take to end before the worker ends without it.
    static let cancellationLimit: Duration = .seconds(10)

    func becomesIdle(within limit: Duration) async -> Bool {
        // Asked now and then: waiting for each run's end would have to be cancellable for every one of them.
        let deadline = ContinuousClock.now + limit
        while !state.withLock({ $0.active.isEmpty }) {
            guard ContinuousClock.now < deadline else { return false }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return state.withLock { $0.active.isEmpty } }
        }
        return true
    }

    func handBackAll() {
        let now = clock.now()
        for run in state.withLock({ Array($0.active.values) }) { run.handBack(at: now) }
    }

    /// Jobs that are running now, by name.
    var runningJobs: [String] { state.withLock { $0.active.values.map(\.description) } }
}
