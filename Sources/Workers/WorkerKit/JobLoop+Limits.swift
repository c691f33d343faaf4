internal import Contracts
internal import Foundation
internal import Kafka
internal import Logging
internal import Metrics
internal import Synchronization

/// What keeps work away: operators, and the circuit.
extension JobLoop {
    /// Applies what operators and the circuit allow to the table.
    func adjustLimits() {
        let now = clock.now()
        // Looked up a few times a second; a change of the control topic or of the circuit comes at once.
        let isDue = state.withLock { state in
            if let notBefore = state.limitsNotBefore, notBefore > now { return false }
            state.limitsNotBefore = now.advanced(by: .milliseconds(100))
            return true
        }
        guard isDue else { return }
        let date = clock.date()
        let control = runner.control()
        tellLimits(control, at: date)
        let pause = control.pause(kind: configuration.kind, at: date)
        let slots = control.slots(kind: configuration.kind, at: date)
        let (held, before) = state.withLock { state in
            let circuit = state.circuit.limit(at: now)
            state.table.startLimit = pause == nil ? [slots, circuit].compactMap { $0 }.min() : 0
            let held: String? = pause.map { "paused by \($0.by)" } ?? (circuit == 0 ? "the circuit is open" : nil)
            defer { state.held = held }
            return (held, state.held)
        }
        if held != before {
            Gauge(label: "worker_taking_work", dimensions: [("kind", configuration.kind)]).record(held == nil ? 1 : 0)
            logger.notice(held == nil ? "taking work again" : "taking no work", metadata: ["because": "\(held ?? "nothing")"])
        }
    }

    /// Tells the budget which part of the vendor's allowance is this worker's: that of the job topic's partitions.
    func tellShare(with consumer: isolated Consumer) {
        guard let budget = runner.budget else { return }
        let topic = configuration.topics.jobs(configuration.kind)
        if state.withLock({ $0.jobPartitions }) == 0 {
            do throws(KafkaError) {
                let count = try consumer.partitions(of: topic, timeout: .seconds(5)).count
                state.withLock { $0.jobPartitions = count }
            } catch {
                // The next rebalance asks again; until then the whole allowance counts, and the vendor's refusals.
                logger.warning("partitions of the job topic are unknown yet", metadata: ["error": "\(error)"])
                return
            }
        }
        let (owned, total) = state.withLock { state in
            (state.table.partitions.count { $0.topic == topic }, state.jobPartitions)
        }
        budget.setShare(owned: owned, of: total)
    }

    /// Names jobs that hold up all others of their partition: the window behind them is full of what is done.
    func warnOfHeadOfLine() {
        guard configuration.window > 1 else { return }
        let new: [String] = state.withLock { state in
            let blocking = Set(state.table.partitions.compactMap { state.table.headOfLine(of: $0) })
            defer { state.blocking = blocking }
            return blocking.subtracting(state.blocking).compactMap { state.active[$0]?.description }
        }
        for job in new {
            logger.warning("a job holds up its partition", metadata: ["job": "\(job)", "window": "\(configuration.window)"])
        }
    }

    /// An entry of the control topic changed.
    func controlChanged() {
        let control = runner.control()
        let now = clock.now()
        let date = clock.date()
        for run in state.withLock({ Array($0.active.values) }) {
            guard let job = run.job, let entry = control.cancellation(of: job, at: date) else { continue }
            logger.notice("job cancelled by an operator", metadata: ["job": "\(run.description)", "by": "\(entry.by)"])
            run.cancel(entry.failure, at: now)
        }
        tellLimits(control, at: date)
        state.withLock { $0.limitsNotBefore = nil }
        wake()
    }

    /// Tells the budget what operators allow, and takes back what they allow no more.
    private func tellLimits(_ control: ControlState, at date: Date) {
        guard let budget = runner.budget else { return }
        let limits = control.requestLimits(at: date)
        let former = state.withLock { state in
            defer { state.limitedSources = Set(limits.keys) }
            return state.limitedSources
        }
        for source in former.subtracting(limits.keys) { budget.setLimit(requestsPerMinute: nil, source: source) }
        for (source, limit) in limits { budget.setLimit(requestsPerMinute: limit, source: source) }
    }

    func tell(_ change: Circuit.Change) {
        switch change {
        case .opened(let deaths, let reason):
            logger.error(
                "circuit opened: too many jobs died", metadata: ["deaths": "\(deaths)", "last-reason": "\(reason)"])
        case .closed:
            logger.notice("circuit closed: a job came through")
        }
        runner.announceCircuit(change)
    }
}
