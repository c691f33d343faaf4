/// How many deaths a worker takes before it stops taking work, because something is wrong around it that no single job can tell.
public struct DeathBudget: Sendable, Hashable {
    /// Deaths within a minute that open the circuit; nil for never.
    public var deathsPerMinute: Int?
    /// The share of the last twenty jobs that died, at which it opens too.
    public var share: Double = 0.5
    /// How long it stays open before one job may try.
    public var wait: Duration = .seconds(15 * 60)

    /// A budget.
    public init(deathsPerMinute: Int? = 10) { self.deathsPerMinute = deathsPerMinute }
}

/// Stops the taking of work when too many jobs die, and lets one try after a while. Pure.
///
/// Only deaths count whose cause lies in the job's surroundings: a message that can't be read says nothing about the vendor.
struct Circuit: Sendable {
    /// What a job's end says about the surroundings.
    enum Evidence: Sendable {
        /// It came through: done, or its children are published.
        case success
        /// It died of something outside of it.
        case death(reason: String)
        /// It says nothing: retried, snoozed, cancelled, or wrong in itself.
        case none
    }

    /// What somebody should be told.
    enum Change: Sendable, Hashable {
        case opened(deaths: Int, reason: String)
        case closed
    }

    private enum State {
        case closed
        case open(until: WorkerClock.Instant)
        /// One job tries.
        case halfOpen
    }

    /// Jobs that the share is taken of.
    static let sample = 20

    let budget: DeathBudget
    private var state = State.closed
    private var deaths: [WorkerClock.Instant] = []
    /// The last ends that say something; true for a death.
    private var recent: [Bool] = []

    init(_ budget: DeathBudget) { self.budget = budget }

    /// Whether it keeps work away, wholly or but for one job.
    var isOpen: Bool { if case .closed = state { false } else { true } }

    /// Jobs that may run at a time; nil for no limit.
    mutating func limit(at now: WorkerClock.Instant) -> Int? {
        switch state {
        case .closed: return nil
        case .open(let until):
            guard now >= until else { return 0 }
            state = .halfOpen
            return 1
        case .halfOpen: return 1
        }
    }

    /// Takes in how a job ended.
    mutating func note(_ evidence: Evidence, at now: WorkerClock.Instant) -> Change? {
        guard let allowed = budget.deathsPerMinute else { return nil }
        switch (evidence, state) {
        case (.none, _): return nil
        case (.success, .closed):
            remember(false)
            return nil
        case (.success, .halfOpen):
            state = .closed
            deaths = []
            recent = []
            return .closed
        case (.success, .open): return nil
        case (.death(let reason), .halfOpen):
            state = .open(until: now.advanced(by: budget.wait))
            return .opened(deaths: 1, reason: reason)
        case (.death, .open): return nil
        case (.death(let reason), .closed):
            remember(true)
            deaths.append(now)
            deaths.removeAll { $0.duration(to: now) > .seconds(60) }
            let isShare = recent.count >= Self.sample && Double(recent.count { $0 }) > budget.share * Double(recent.count)
            guard deaths.count > allowed || isShare else { return nil }
            state = .open(until: now.advanced(by: budget.wait))
            return .opened(deaths: deaths.count, reason: reason)
        }
    }

    private mutating func remember(_ isDeath: Bool) {
        recent.append(isDeath)
        if recent.count > Self.sample { recent.removeFirst() }
    }
}
