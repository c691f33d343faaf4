internal import Contracts
internal import Foundation
internal import Kafka
internal import Metrics
internal import Synchronization

/// The figures by which a worker is watched and scaled: work that nobody has begun, its age, and how full the worker is.
///
/// Lag, the end of a partition minus the committed offset, says little about jobs: it counts what runs and what waits for its
/// time. Unstarted work is what another worker could begin at once.
final class WorkFigures: Sendable {
    private struct State {
        var notBefore: WorkerClock.Instant?
        /// When a paused partition's end was asked for last.
        var asked: [TopicPartition: WorkerClock.Instant] = [:]
        var ends: [TopicPartition: Int64] = [:]
        var reported: Set<String> = []
    }

    private let configuration: JobWorkerConfiguration
    private let state = Mutex(State())

    /// How often the figures are set.
    private static let interval: Duration = .seconds(2)
    /// How often the end of a partition is asked for that isn't fetched from.
    private static let askInterval: Duration = .seconds(30)

    init(_ configuration: JobWorkerConfiguration) { self.configuration = configuration }

    /// Sets the gauges now and then; called on the poll thread.
    func report(
        _ clock: WorkerClock, _ consumer: isolated Consumer, _ present: () -> (lanes: [LaneFigures], running: Int)
    ) {
        let now = clock.now()
        let isDue = state.withLock { state in
            if let notBefore = state.notBefore, notBefore > now { return false }
            state.notBefore = now.advanced(by: Self.interval)
            return true
        }
        guard isDue else { return }
        let (lanes, running) = present()
        refreshEnds(lanes, consumer, now)
        let ends = state.withLock { $0.ends }
        let kind = [("kind", configuration.kind)]
        let jobs = configuration.topics.jobs(configuration.kind)
        var unstarted: [String: Int] = [:]
        var oldest: Int64?
        for lane in lanes {
            unstarted[lane.partition.topic, default: 0] += Self.unstarted(lane, end: ends[lane.partition])
            if lane.partition.topic == jobs, let waiting = lane.oldestWaiting, waiting > 0 {
                oldest = min(oldest ?? waiting, waiting)
            }
        }
        let topics = state.withLock { state in
            state.reported.formUnion(unstarted.keys)
            return state.reported
        }
        for topic in topics {
            Gauge(label: "worker_unstarted_jobs", dimensions: kind + [("topic", topic)]).record(unstarted[topic] ?? 0)
        }
        let age = oldest.map { max(0, clock.date().timeIntervalSince1970 - Double($0) / 1000) } ?? 0
        Gauge(label: "worker_oldest_unstarted_age_seconds", dimensions: kind).record(age)
        Gauge(label: "worker_jobs_in_flight", dimensions: kind).record(running)
        Gauge(label: "worker_slots", dimensions: kind).record(configuration.slots)
        let fill = lanes.map { Double($0.windowFill) / Double(max(1, configuration.window)) }.max() ?? 0
        Gauge(label: "worker_window_fill_ratio", dimensions: kind).record(fill)
        Gauge(label: "worker_assigned_partitions", dimensions: kind).record(lanes.count)
    }

    /// Records of a partition that nobody has begun: those that wait here, and those that weren't delivered yet.
    ///
    /// Transaction markers among the latter count until they are passed: at the end of a partition the figure is exact.
    static func unstarted(_ lane: LaneFigures, end: Int64?) -> Int {
        guard let end, let delivered = lane.delivered else { return lane.waiting }
        return lane.waiting + Int(max(0, end - delivered))
    }

    private func refreshEnds(_ lanes: [LaneFigures], _ consumer: isolated Consumer, _ now: WorkerClock.Instant) {
        let owned = Set(lanes.map(\.partition))
        state.withLock { state in
            state.ends = state.ends.filter { owned.contains($0.key) }
            state.asked = state.asked.filter { owned.contains($0.key) }
            for lane in lanes {
                // Known from the last fetch; it costs no request.
                if !lane.isPaused, let end = consumer.cachedEnd(of: lane.partition) { state.ends[lane.partition] = end }
            }
        }
        // What is paused isn't fetched from, so its end is asked for: one partition a round, because the call waits.
        let stale = lanes.first { lane in
            guard lane.isPaused else { return false }
            guard let asked = state.withLock({ $0.asked[lane.partition] }) else { return true }
            return asked.duration(to: now) > Self.askInterval
        }
        guard let stale else { return }
        state.withLock { $0.asked[stale.partition] = now }
        do throws(KafkaError) {
            let end = try consumer.watermarks(of: stale.partition, timeout: .seconds(1)).upperBound
            state.withLock { $0.ends[stale.partition] = end }
        } catch {
            // A figure that is a little old, no more.
        }
    }
}
