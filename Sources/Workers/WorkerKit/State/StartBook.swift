internal import Contracts
internal import Kafka

/// Where a delivery stands: the identity under which its starts are counted.
struct StartPlace: Hashable, Sendable {
    let partition: TopicPartition
    let offset: Int64
}

/// How far a delivery's runs came; the larger one is the truer.
struct StartCount: Hashable, Sendable, Comparable {
    /// How often the count began again: at new checkpoints, and when a run ended by itself.
    var resets = 0
    /// Starts without an end since then.
    var starts = 0

    static func < (left: StartCount, right: StartCount) -> Bool {
        (left.resets, left.starts) < (right.resets, right.starts)
    }
}

/// What is known of a delivery's starts.
struct StartEntry: Hashable, Sendable {
    /// The job: another one at the same place, as after a topic was made anew, has another count.
    var job: String
    var count: StartCount
    /// When it was last started, seconds since 1970.
    var at: Int64
}

/// How often each delivery was started without an end: this worker's part of the count, and what the others' ledgers say. Pure.
///
/// 1. A start counts until its run ends by itself, is handed back, or reaches a new checkpoint.
/// 2. Of several ledgers the largest count is right. So a count never just vanishes: whoever lowers it writes that down, with
///    one reset more, wherever a ledger of somebody else may still have the higher one.
/// 3. A delivery is told by its place and its job. What is committed is never delivered again, so old entries do no harm.
struct StartBook: Sendable {
    /// How long an entry that nobody runs is kept, seconds.
    static let retention: Int64 = 7 * 86_400
    /// The most entries that nobody runs; the oldest go first.
    static let maximumKept = 1_000
    /// The most entries of others that are remembered.
    static let maximumKnown = 100_000

    /// What this worker's ledger says.
    private(set) var entries: [StartPlace: StartEntry] = [:]
    private var running: Set<StartPlace> = []
    /// What the ledgers of others said when they were last read.
    private var known: [StartPlace: StartEntry] = [:]
    private var prunedAt = Int64.min

    init() {}

    // MARK: Others

    /// Takes over what a former process of this worker left.
    mutating func adopt(_ former: [StartPlace: StartEntry]) {
        entries.merge(former) { own, _ in own }
    }

    /// Notes what the ledgers of others say now; false when there is more than can be remembered.
    mutating func learn(_ ledgers: [[StartPlace: StartEntry]]) -> Bool {
        known = [:]
        for ledger in ledgers {
            for (place, entry) in ledger {
                guard known.count < Self.maximumKnown || known[place] != nil else { return false }
                known[place] = known[place].map { Self.later($0, entry) } ?? entry
            }
        }
        return true
    }

    /// Of two different jobs at one place, the one that was started last.
    private static func later(_ left: StartEntry, _ right: StartEntry) -> StartEntry {
        guard left.job == right.job else { return left.at >= right.at ? left : right }
        return left.count >= right.count ? left : right
    }

    private func count(of place: StartPlace, job: String) -> StartCount {
        [entries[place], known[place]].compactMap { $0 }.filter { $0.job == job }.map(\.count).max() ?? StartCount()
    }

    /// Starts of a delivery without an end, whatever job it holds; 0 while it runs here for the first time.
    func starts(of place: StartPlace) -> Int {
        let count = [entries[place], known[place]].compactMap { $0?.count }.max() ?? StartCount()
        return running.contains(place) ? max(0, count.starts - 1) : count.starts
    }

    // MARK: Runs

    /// Which start the next one would be, from 1.
    func next(_ place: StartPlace, job: String) -> Int { count(of: place, job: job).starts + 1 }

    /// Counts a start and says which one it is, from 1.
    mutating func begin(_ place: StartPlace, job: String, now: Int64) -> Int {
        var count = count(of: place, job: job)
        count.starts += 1
        entries[place] = StartEntry(job: job, count: count, at: now)
        running.insert(place)
        return count.starts
    }

    /// Ends a run; false when it wasn't counted.
    ///
    /// - Parameter handedBack: somebody else, or a later start, does it: earlier starts without an end still count.
    mutating func end(_ place: StartPlace, handedBack: Bool) -> Bool {
        guard running.remove(place) != nil, var entry = entries[place] else { return false }
        if handedBack {
            entry.count.starts -= 1
        } else {
            let isUnknownToOthers = entry.count == StartCount(resets: 0, starts: 1)
            entry.count = isUnknownToOthers ? StartCount() : StartCount(resets: entry.count.resets + 1, starts: 0)
        }
        entries[place] = entry.count == StartCount() ? nil : entry
        return true
    }

    /// A running delivery reached a new checkpoint: its count begins again; false when it isn't running.
    mutating func progressed(_ place: StartPlace) -> Bool {
        guard running.contains(place), let entry = entries[place] else { return false }
        entries[place]?.count = StartCount(resets: entry.count.resets + 1, starts: 1)
        return true
    }

    // MARK: Age

    /// The partitions of entries that nobody runs here.
    var idlePartitions: Set<TopicPartition> {
        guard entries.count > running.count else { return [] }
        return Set(entries.keys.lazy.filter { !running.contains($0) }.map(\.partition))
    }

    /// Forgets what is committed and so never delivered again; false when there was none.
    mutating func committed(_ offsets: [TopicPartition: Int64]) -> Bool {
        guard entries.count > running.count else { return false }
        let done = entries.keys.filter { place in
            !running.contains(place) && offsets[place.partition].map { place.offset < $0 } ?? false
        }
        for place in done { entries[place] = nil }
        return !done.isEmpty
    }

    /// Forgets what nobody runs and what is too old or too much; looks once a minute, because it is called at each write.
    mutating func prune(now: Int64) {
        guard now >= prunedAt &+ 60 || entries.count > running.count + Self.maximumKept else { return }
        prunedAt = now
        let idle = entries.filter { !running.contains($0.key) }
        var old = idle.filter { $0.value.at < now - Self.retention }.map(\.key)
        if idle.count - old.count > Self.maximumKept {
            old = idle.sorted { $0.value.at > $1.value.at }.dropFirst(Self.maximumKept).map(\.key)
        }
        for place in old { entries[place] = nil }
    }
}
