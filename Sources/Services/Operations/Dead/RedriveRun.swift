internal import Foundation
internal import Kafka
internal import Service
internal import Synchronization

/// Carries out a redrive: the first few, their outcomes, then the rest at a rate while not too many die.
struct RedriveRun: Sendable {
    private let plan: RedrivePlan
    private let policy: RedrivePolicy
    private let report: JobOperations.Report
    private let publish: @Sendable ([DeadLetter]) async throws -> Void
    private let watch: WatchBox

    /// What the follower writes and the publisher reads.
    private final class WatchBox: Sendable {
        let watch: Mutex<RedriveWatch>

        init(eventsTopic: String) { watch = Mutex(RedriveWatch(eventsTopic: eventsTopic)) }
    }

    init(
        plan: RedrivePlan, policy: RedrivePolicy, eventsTopic: String, report: @escaping JobOperations.Report,
        publish: @escaping @Sendable ([DeadLetter]) async throws -> Void
    ) {
        self.plan = plan
        self.policy = policy
        self.report = report
        self.publish = publish
        watch = WatchBox(eventsTopic: eventsTopic)
    }

    /// - Parameter records: what is published from now on in `job.events` and the dead topic.
    func run(following records: TopicScan.Records) async throws -> RedriveReport {
        try await withThrowingTaskGroup(of: RedriveReport?.self) { group in
            group.addTask {
                do {
                    for try await record in records { watch.watch.withLock { $0.take(record) } }
                } catch is CancellationError {
                    // The sender, which is interrupted too, tells how far it came.
                }
                return nil
            }
            group.addTask { try await send() }
            // The follower never ends by itself, unless reading fails: then nobody could see deaths, and the rest stays.
            while let ended = try await group.next() {
                guard let report = ended else { continue }
                group.cancelAll()
                return report
            }
            return RedriveReport()
        }
    }

    private func send() async throws -> RedriveReport {
        var result = RedriveReport()
        result.total = plan.letters.count
        do {
            try await send(&result)
        } catch is CancellationError {
            result.wasInterrupted = true
            result.stopped = "interrupted; what was sent back is marked, run the command again for the rest"
        }
        let (counts, pending) = watch.watch.withLock { ($0.counts, $0.pending) }
        result.succeeded = counts[.succeeded] ?? 0
        result.died = counts[.died] ?? 0
        result.cancelled = counts[.cancelled] ?? 0
        result.pending = pending
        return result
    }

    private func send(_ result: inout RedriveReport) async throws {
        let first = Array(plan.letters.prefix(policy.canary))
        var rest = plan.letters.dropFirst(first.count)
        if !first.isEmpty {
            try await publish(first, &result)
            result.stopped = try await verdict(of: first.count, hasMore: !rest.isEmpty)
        }
        let clock = ContinuousClock()
        let size = max(1, min(500, Int(policy.rate)))
        var next = clock.now
        while result.stopped == nil, !rest.isEmpty {
            try await clock.sleep(until: next)
            let part = Array(rest.prefix(size))
            rest = rest.dropFirst(part.count)
            try await publish(part, &result)
            // From when it was due, so that slow transactions don't lower the rate; but never in a burst to catch up.
            next = max(next.advanced(by: .seconds(Double(part.count) / policy.rate)), clock.now)
            let died = watch.watch.withLock { $0.counts[.died] ?? 0 }
            if !rest.isEmpty, policy.deathLimit.isExceeded(deaths: died, of: result.published) {
                result.stopped =
                    "\(died) of \(result.published) died again, more than --max-new-deaths \(policy.deathLimit); "
                    + "look at them with `switchboard dead list`, mend the cause, then run the command again for the rest"
            }
        }
    }

    private func publish(_ letters: [DeadLetter], _ result: inout RedriveReport) async throws {
        // Before they are published: an outcome may be there before the call returns.
        watch.watch.withLock { $0.watch(letters) }
        try await publish(letters)
        result.published += letters.count
        report(Int64(result.published), Int64(result.total))
    }

    /// Waits for the outcomes of the first ones; why the others don't follow, or nil when they may.
    private func verdict(of count: Int, hasMore: Bool) async throws -> String? {
        let clock = ContinuousClock()
        let deadline = clock.now + policy.canaryWait
        while watch.watch.withLock({ $0.pending > 0 && !Self.isLost($0, of: count, policy) }), clock.now < deadline {
            try await clock.sleep(for: .milliseconds(50))
        }
        guard hasMore else { return nil }
        let (counts, pending) = watch.watch.withLock { ($0.counts, $0.pending) }
        let succeeded = counts[.succeeded] ?? 0
        if Double(succeeded) >= policy.canaryShare * Double(count) { return nil }
        let share = Int((policy.canaryShare * 100).rounded())
        let hint =
            pending > 0
            ? "; those that have not ended: look whether workers run, are paused (`switchboard jobs control`) or have opened their circuit"
            : ""
        var ends = ["\(succeeded) succeeded"]
        if let died = counts[.died] { ends.append("\(died) died again") }
        if let cancelled = counts[.cancelled] { ends.append("\(cancelled) were called off") }
        if pending > 0 { ends.append("\(pending) had not ended after \(DurationText.format(policy.canaryWait))") }
        return "of the first \(count) \(ends.joined(separator: ", ")), and \(share) % must succeed before the rest follows; "
            + "mend the cause, then run the command again\(hint)"
    }

    /// Whether so many didn't succeed that the rest can't make up for it.
    private static func isLost(_ watch: RedriveWatch, of count: Int, _ policy: RedrivePolicy) -> Bool {
        let ended = (watch.counts[.died] ?? 0) + (watch.counts[.cancelled] ?? 0)
        return Double(count - ended) < policy.canaryShare * Double(count)
    }
}
