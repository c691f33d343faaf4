internal import Kafka

/// One run of a delivery: an offset under one assignment. A run of an assignment that is over counts for nothing.
struct RunKey: Hashable, Sendable {
    let partition: TopicPartition
    let epoch: Int
    let offset: Int64
}

/// What a finished run wants published, together with its offset.
struct Completion: Sendable {
    let run: RunKey
    let records: [ProducerRecord]
}

/// What one transaction carries.
struct CommitBatch: Sendable {
    let completions: [Completion]
    let offsets: [TopicPartition: CommittedOffset]
}

/// The partitions that this worker owns, what was delivered of them, what runs, and what is to be committed.
///
/// Pure: it decides, the loop acts. All its methods are constant or linear in the number of partitions.
struct LaneTable {
    private struct Lane {
        var epoch: Int
        var window: AckWindow
        var queue: [Delivery] = []
        var head = 0
        var running: Set<Int64> = []
        var isPaused = false
        /// The base that was committed last, so that an unchanged one isn't committed again.
        var committed: CommittedOffset
        /// Under an eager assignor a revoked lane waits for the next assignment with its runs still going.
        var isSuspended = false

        var waiting: Int { queue.count - head }
    }

    /// A record that waits for a slot.
    struct Delivery: Sendable {
        let record: ConsumerRecord
        /// When it may start, ms since 1970; 0 for now.
        let due: Int64
    }

    /// A run that is to begin.
    struct Start: Sendable {
        let run: RunKey
        let record: ConsumerRecord
    }

    /// Runs at a time, over all partitions.
    let slots: Int
    /// Offsets of one partition that may be running or done beyond its base; 1 keeps the order.
    private(set) var window: Int
    /// Waiting deliveries of one partition at which it is paused.
    let highMark: Int
    /// Completions waiting for a transaction at which nothing new is started.
    static let pendingLimit = 10_000

    private var lanes: [TopicPartition: Lane] = [:]
    private var order: [TopicPartition] = []
    private var turn = 0
    private var epoch = 0
    private(set) var runningCount = 0
    private var pending: [Completion] = []
    /// Nothing new is started: the worker drains.
    var isDraining = false

    init(slots: Int, window: Int, highMark: Int = 64) {
        self.slots = max(1, slots)
        self.window = max(1, min(window, Int(AckWindow.reach) / 2))
        self.highMark = max(2, highMark)
    }

    // MARK: Ownership

    /// Adds partitions; runs of suspended lanes that come back are adopted. Returns the runs to cancel.
    mutating func assign(_ partitions: [TopicPartition], committed: [TopicPartition: CommittedOffset]) -> [RunKey] {
        epoch += 1
        var replaced: [RunKey] = []
        for partition in partitions {
            let start = committed[partition] ?? CommittedOffset(-1)
            if var lane = lanes[partition], lane.isSuspended {
                // The same member got it back and nobody moved its offset: its runs go on under their old epoch.
                if start.offset < 0 || start.offset == lane.committed.offset {
                    lane.isSuspended = false
                    lane.isPaused = false
                    lanes[partition] = lane
                    continue
                }
                // Somebody moved its offset in between: what still runs would be done twice.
                replaced += remove([partition])
            }
            lanes[partition] = Lane(
                epoch: epoch, window: AckWindow(base: max(0, start.offset), metadata: start.metadata), committed: start)
        }
        // An eager assignment names everything that is ours: what is still suspended went to somebody else.
        let gone = lanes.filter { $0.value.isSuspended }.map(\.key)
        return replaced + remove(gone)
    }

    /// Takes partitions away and returns the runs to cancel.
    mutating func revoke(_ partitions: [TopicPartition]) -> [RunKey] { remove(partitions) }

    /// Takes partitions away for the moment, as an eager assignor does at every rebalance; their runs go on.
    mutating func suspend(_ partitions: [TopicPartition]) {
        for partition in partitions {
            guard var lane = lanes[partition] else { continue }
            lane.isSuspended = true
            for delivery in lane.queue[lane.head...] { lane.window.forget(delivery.record.offset) }
            lane.queue = []
            lane.head = 0
            lanes[partition] = lane
        }
    }

    private mutating func remove(_ partitions: [TopicPartition]) -> [RunKey] {
        var cancelled: [RunKey] = []
        for partition in partitions {
            guard let lane = lanes.removeValue(forKey: partition) else { continue }
            cancelled += lane.running.map { RunKey(partition: partition, epoch: lane.epoch, offset: $0) }
        }
        pending.removeAll { lanes[$0.run.partition]?.epoch != $0.run.epoch }
        order = lanes.keys.sorted()
        return cancelled
    }

    /// Whether the partition is ours under the epoch of this run.
    func owns(_ run: RunKey) -> Bool {
        guard let lane = lanes[run.partition] else { return false }
        return lane.epoch == run.epoch && !lane.isSuspended
    }

    var partitions: [TopicPartition] { Array(lanes.keys) }

    /// Falls back to strict order, when the broker keeps no commit metadata.
    mutating func keepOrder() { window = 1 }

    // MARK: Deliveries

    /// Queues a record, unless it is done or known.
    mutating func receive(_ record: ConsumerRecord, due: Int64) {
        guard var lane = lanes[record.topicPartition], !lane.isSuspended else { return }
        if lane.committed.offset < 0 && lane.window.base < record.offset && lane.running.isEmpty && lane.waiting == 0 {
            // Without a commit the base is wherever the partition begins.
            lane.window = AckWindow(base: record.offset)
        }
        if lane.window.start(record.offset) {
            lane.queue.append(Delivery(record: record, due: due))
        }
        lanes[record.topicPartition] = lane
        if order.count != lanes.count { order = lanes.keys.sorted() }
    }

    /// The runs that may begin now: partitions take turns.
    mutating func start(now: Int64) -> [Start] {
        guard !isDraining, pending.count < Self.pendingLimit else { return [] }
        if order.count != lanes.count { order = lanes.keys.sorted() }
        var starts: [Start] = []
        var idle = 0
        while runningCount < slots, !order.isEmpty, idle < order.count {
            turn = (turn + 1) % order.count
            if let start = startNext(of: order[turn], now: now) {
                starts.append(start)
                idle = 0
            } else {
                idle += 1
            }
        }
        return starts
    }

    private mutating func startNext(of partition: TopicPartition, now: Int64) -> Start? {
        guard let lane = lanes[partition], !lane.isSuspended, lane.head < lane.queue.count else { return nil }
        let delivery = lane.queue[lane.head]
        guard delivery.due <= now, lane.running.count + lane.window.doneBeyondBase < window else { return nil }
        // Beyond its reach the bitmap couldn't say what is done: transaction markers stretch offsets.
        guard delivery.record.offset - lane.window.base < AckWindow.reach || lane.running.isEmpty else { return nil }
        let run = RunKey(partition: partition, epoch: lane.epoch, offset: delivery.record.offset)
        lanes[partition]?.head += 1
        lanes[partition]?.running.insert(run.offset)
        runningCount += 1
        if let head = lanes[partition]?.head, head >= 64 || head == lane.queue.count {
            lanes[partition]?.queue.removeFirst(head)
            lanes[partition]?.head = 0
        }
        return Start(run: run, record: delivery.record)
    }

    // MARK: Completions

    /// Ends a run; nil records mean that it was cancelled and its offset stays open. False when it counts for nothing.
    mutating func finish(_ run: RunKey, records: [ProducerRecord]?) -> Bool {
        runningCount -= 1
        guard let lane = lanes[run.partition], lane.epoch == run.epoch, lane.running.contains(run.offset) else { return false }
        lanes[run.partition]?.running.remove(run.offset)
        guard let records else { return false }
        lanes[run.partition]?.window.finish(run.offset)
        pending.append(Completion(run: run, records: records))
        return true
    }

    /// Whether there is something that could be committed now.
    var hasPending: Bool { pending.contains { owns($0.run) } }

    /// What one transaction must carry: all completions, and the offsets that include exactly them.
    mutating func takeBatch() -> CommitBatch? {
        let completions = pending.filter { owns($0.run) }
        guard !completions.isEmpty else { return nil }
        let taken = Set(completions.map(\.run.partition))
        pending.removeAll { taken.contains($0.run.partition) }
        var offsets: [TopicPartition: CommittedOffset] = [:]
        for partition in taken {
            guard let lane = lanes[partition] else { continue }
            offsets[partition] = CommittedOffset(lane.window.base, metadata: window > 1 ? lane.window.encode() : "")
        }
        return CommitBatch(completions: completions, offsets: offsets)
    }

    /// Notes that a transaction was committed.
    mutating func committed(_ batch: CommitBatch) {
        for (partition, offset) in batch.offsets { lanes[partition]?.committed = offset }
    }

    /// Puts the completions of an aborted transaction back, where the partition is still ours.
    mutating func putBack(_ batch: CommitBatch) {
        pending = batch.completions.filter { lanes[$0.run.partition]?.epoch == $0.run.epoch } + pending
    }

    // MARK: Back-pressure and figures

    /// The partitions to pause and to resume, so that each holds at most the high mark.
    mutating func flow() -> (pause: [TopicPartition], resume: [TopicPartition]) {
        var pause: [TopicPartition] = []
        var resume: [TopicPartition] = []
        for (partition, lane) in lanes where !lane.isSuspended {
            if !lane.isPaused, isDraining || lane.waiting >= highMark {
                lanes[partition]?.isPaused = true
                pause.append(partition)
            } else if lane.isPaused, !isDraining, lane.waiting <= highMark / 2 {
                lanes[partition]?.isPaused = false
                resume.append(partition)
            }
        }
        return (pause, resume)
    }

    /// Deliveries that wait for a slot or for their time.
    var waitingCount: Int { lanes.values.reduce(0) { $0 + $1.waiting } }

    /// Every run that goes on.
    var runs: [RunKey] {
        lanes.flatMap { partition, lane in
            lane.running.map { RunKey(partition: partition, epoch: lane.epoch, offset: $0) }
        }
    }
}
