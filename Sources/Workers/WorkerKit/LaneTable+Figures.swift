internal import Kafka

/// What there is to say about one partition's work.
struct LaneFigures: Sendable, Hashable {
    let partition: TopicPartition
    /// Records that were delivered and wait for a slot, for their order or for their time.
    let waiting: Int
    let running: Int
    /// Offsets that are running or done beyond the base.
    let windowFill: Int
    /// One past the highest delivered offset; nil when nothing was delivered yet.
    let delivered: Int64?
    /// Whether fetching is paused, so that the cached end of the partition grows stale.
    let isPaused: Bool
    /// When the first of those that wait was written, ms since 1970; nil when none waits.
    let oldestWaiting: Int64?
}

extension LaneTable {
    /// The figures of all partitions that are ours.
    var figures: [LaneFigures] {
        lanes.filter { !$0.value.isSuspended }.map { partition, lane in
            LaneFigures(
                partition: partition, waiting: lane.waiting, running: lane.running.count,
                windowFill: lane.running.count + lane.window.doneBeyondBase, delivered: lane.delivered, isPaused: lane.isPaused,
                oldestWaiting: lane.waitingDeliveries.first?.record.timestamp)
        }
    }

    /// Offsets to commit for partitions where nothing is left to do: they lie beyond transaction markers, which nobody consumes
    /// and which otherwise count as lag for ever.
    var idleOffsets: [TopicPartition: CommittedOffset] {
        let busy = Set(pending.map(\.run.partition))
        var offsets: [TopicPartition: CommittedOffset] = [:]
        for (partition, lane) in lanes
        where lane.isReady && !lane.isSuspended && lane.running.isEmpty && lane.waiting == 0 && !busy.contains(partition)
            && lane.window.doneBeyondBase == 0 && lane.committed.offset >= 0 && lane.window.base > lane.committed.offset
        {
            offsets[partition] = CommittedOffset(lane.window.base)
        }
        return offsets
    }

    /// Whether a partition's window is nearly full of offsets that are done behind one that isn't.
    func headOfLine(of partition: TopicPartition) -> RunKey? {
        guard window > 1, let lane = lanes[partition], let oldest = lane.running.min() else { return nil }
        let fill = lane.running.count + lane.window.doneBeyondBase
        guard fill * 10 >= window * 9, lane.window.doneBeyondBase * 100 >= fill * 95 else { return nil }
        return RunKey(partition: partition, epoch: lane.epoch, offset: oldest)
    }
}
