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
    var result: RunResult
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
    struct Lane {
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
        /// Whether the committed offset is known; nothing is started before, because it may be done.
        var isReady = true
        /// One past the highest offset that was delivered or is known to hold no record; nil before the first.
        var delivered: Int64?

        var waiting: Int { queue.count - head }

        /// The deliveries that wait, in order.
        var waitingDeliveries: ArraySlice<Delivery> { queue[head...] }

        /// Where the committed offset says that the lane begins; nothing beyond a base of -1 is known.
        mutating func begin(at start: CommittedOffset) {
            committed = start
            window = AckWindow(base: max(0, start.offset), metadata: start.metadata)
            isReady = true
        }
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
    static let pendingLimit = 1_000

    private(set) var lanes: [TopicPartition: Lane] = [:]
    private var order: [TopicPartition] = []
    private var turn = 0
    private var epoch = 0
    /// The runs that haven't ended, those of lost assignments included, with the record keys that they keep busy.
    private var runningKeys: [RunKey: [UInt8]] = [:]
    private var busyKeys: Set<[UInt8]> = []
    private(set) var pending: [Completion] = []
    /// Nothing new is started: the worker drains.
    var isDraining = false
    /// Runs at a time that operators or an open circuit allow; nil for as many as there are slots.
    var startLimit: Int?

    /// Runs that haven't ended.
    var runningCount: Int { runningKeys.count }

    init(slots: Int, window: Int, highMark: Int = 64) {
        self.slots = max(1, slots)
        self.window = max(1, min(window, Int(AckWindow.reach) / 2))
        self.highMark = max(2, highMark)
    }

    // MARK: Ownership

    /// Adds partitions; runs of suspended lanes that come back are adopted. Returns the runs to cancel.
    ///
    /// - Parameter committed: what the group has committed; nil when that isn't known yet: `learn` says it later.
    mutating func assign(_ partitions: [TopicPartition], committed: [TopicPartition: CommittedOffset]?) -> [RunKey] {
        epoch += 1
        var replaced: [RunKey] = []
        for partition in partitions {
            let start = committed.map { $0[partition] ?? CommittedOffset(-1) }
            if var lane = lanes[partition], lane.isSuspended {
                lane.isSuspended = false
                lane.isPaused = false
                lane.isReady = false
                lanes[partition] = lane
                if let start { replaced += settle(partition, start) }
                continue
            }
            var lane = Lane(
                epoch: epoch, window: AckWindow(base: max(0, start?.offset ?? 0), metadata: start?.metadata ?? ""),
                committed: start ?? CommittedOffset(-1))
            lane.isReady = start != nil
            lanes[partition] = lane
        }
        // An eager assignment names everything that is ours: what is still suspended went to somebody else.
        let gone = lanes.filter { $0.value.isSuspended }.map(\.key)
        return replaced + remove(gone)
    }

    /// The partitions whose committed offset isn't known yet.
    var unready: [TopicPartition] { lanes.filter { !$0.value.isReady && !$0.value.isSuspended }.map(\.key) }

    /// Takes in what the group has committed for partitions that were assigned without. Returns the runs to cancel.
    mutating func learn(_ committed: [TopicPartition: CommittedOffset], of partitions: [TopicPartition]) -> [RunKey] {
        var replaced: [RunKey] = []
        for partition in partitions where lanes[partition]?.isReady == false {
            replaced += settle(partition, committed[partition] ?? CommittedOffset(-1))
        }
        return replaced
    }

    private mutating func settle(_ partition: TopicPartition, _ start: CommittedOffset) -> [RunKey] {
        guard var lane = lanes[partition] else { return [] }
        // The same member got it back and nobody moved its offset: its runs go on under their old epoch.
        let isOurs = lane.committed.offset >= 0 || !lane.running.isEmpty
        if isOurs && (start.offset < 0 || start.offset == lane.committed.offset) {
            lanes[partition]?.isReady = true
            return []
        }
        // Somebody moved its offset in between: what still runs would be done twice.
        let replaced = lane.running.map { RunKey(partition: partition, epoch: lane.epoch, offset: $0) }
        if isOurs {
            pending.removeAll { $0.run.partition == partition }
            lane = Lane(epoch: epoch, window: lane.window, queue: Array(lane.waitingDeliveries), committed: start)
        }
        // What was delivered meanwhile is looked at again: it may be done.
        let waiting = Array(lane.waitingDeliveries)
        lane.begin(at: start)
        if start.offset < 0, let first = waiting.first { lane.window = AckWindow(base: first.record.offset) }
        lane.queue = waiting.filter { lane.window.start($0.record.offset) }
        lane.head = 0
        lanes[partition] = lane
        return replaced
    }

    /// Takes partitions away and returns the runs to cancel.
    mutating func revoke(_ partitions: [TopicPartition]) -> [RunKey] { remove(partitions) }

    /// Takes partitions away for the moment, as an eager assignor does at every rebalance; their runs go on.
    mutating func suspend(_ partitions: [TopicPartition]) {
        for partition in partitions {
            guard var lane = lanes[partition] else { continue }
            lane.isSuspended = true
            for delivery in lane.waitingDeliveries { lane.window.forget(delivery.record.offset) }
            lane.queue = []
            lane.head = 0
            lane.delivered = nil
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
        lane.delivered = record.offset + 1
        lanes[record.topicPartition] = lane
        if order.count != lanes.count { order = lanes.keys.sorted() }
    }

    /// Notes that everything before an offset was delivered, transaction markers included.
    mutating func reachedEnd(of partition: TopicPartition, offset: Int64) {
        guard let lane = lanes[partition], !lane.isSuspended, offset > (lane.delivered ?? 0) else { return }
        lanes[partition]?.delivered = offset
        // Before the first commit the base isn't known well enough to move it over what was never delivered.
        guard lane.isReady, lane.committed.offset >= 0 || lane.waiting + lane.running.count > 0 else { return }
        lanes[partition]?.window.reach(offset)
    }

    /// The runs that may begin now: partitions take turns.
    mutating func start(now: Int64) -> [Start] {
        guard !isDraining, pending.count < Self.pendingLimit else { return [] }
        let slots = min(slots, startLimit ?? slots)
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
        guard let lane = lanes[partition], lane.isReady, !lane.isSuspended, lane.head < lane.queue.count else { return nil }
        let delivery = lane.queue[lane.head]
        guard delivery.due <= now, lane.running.count + lane.window.doneBeyondBase < window else { return nil }
        // Beyond its reach the bitmap couldn't say what is done: transaction markers stretch offsets.
        guard delivery.record.offset - lane.window.base < AckWindow.reach || lane.running.isEmpty else { return nil }
        // Two records of one key are the same job, or share what must be used by one at a time.
        let key = delivery.record.key ?? []
        guard !busyKeys.contains(key) else { return nil }
        let run = RunKey(partition: partition, epoch: lane.epoch, offset: delivery.record.offset)
        lanes[partition]?.head += 1
        lanes[partition]?.running.insert(run.offset)
        runningKeys[run] = key
        if !key.isEmpty { busyKeys.insert(key) }
        if let head = lanes[partition]?.head, head >= 64 || head == lane.queue.count {
            lanes[partition]?.queue.removeFirst(head)
            lanes[partition]?.head = 0
        }
        return Start(run: run, record: delivery.record)
    }

    // MARK: Completions

    /// Ends a run; no result means that it was cancelled and its offset stays open. False when it counts for nothing.
    mutating func finish(_ run: RunKey, _ result: RunResult?) -> Bool {
        if let key = runningKeys.removeValue(forKey: run), !key.isEmpty { busyKeys.remove(key) }
        guard let lane = lanes[run.partition], lane.epoch == run.epoch, lane.running.contains(run.offset) else { return false }
        lanes[run.partition]?.running.remove(run.offset)
        guard let result else { return false }
        lanes[run.partition]?.window.finish(run.offset)
        pending.append(Completion(run: run, result: result))
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

    // MARK: Back-pressure

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
}
