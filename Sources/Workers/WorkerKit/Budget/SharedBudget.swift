internal import Metrics
public import Service
internal import Synchronization
public import Transfer

/// A worker's part of what a vendor allows all workers together, without any server that deals it out.
///
/// One for each vendor account that a program calls: give it to the vendor client's limiter, which obeys it, and to the
/// `JobWorker`, which tells it about partitions, jobs and operators' limits. `BudgetPolicy` says what follows from that.
public final class SharedBudget: RequestBudget {
    private struct State {
        var policy = BudgetPolicy()
        var limits: [String: Int] = [:]
        var sources: Set<String> = []

        /// All sources of a worker are called by one client: the least of their limits counts.
        mutating func apply() { policy.limit = limits.filter { sources.contains($0.key) }.values.min() }
    }

    /// The most accounts that one worker's jobs are about.
    private static let maximumSources = 1000

    private let state: Mutex<State>

    /// A budget.
    ///
    /// - Parameters:
    ///   - percent: the part of the account's allowance that this kind of workers may use, 1 to 100.
    ///   - lends: whether what other workers don't use may be used here; only right where the server counts the calls of all
    ///     workers together, not those of each token for itself.
    public init(percent: Int = 100, lends: Bool = false) {
        var policy = BudgetPolicy()
        policy.part = Double(min(max(percent, 1), 100)) / 100
        policy.lends = lends
        state = Mutex(State(policy: policy))
    }

    /// Reads the section `budget`:
    ///
    /// - `budget.percent` (100): the part of the vendor's allowance that this kind of workers may use; where several kinds use
    ///   one OAuth client, give each its part.
    /// - `budget.lend` (false): lets a worker use what the others leave of a window; only where the vendor counts the calls of
    ///   all workers together.
    public convenience init(_ settings: Settings) {
        let own = settings.scoped("budget")
        self.init(percent: own.int("percent", default: 100, in: 1...100), lends: own.bool("lend", default: false))
    }

    /// Notes how many of the partitions of the kind's job topic are this worker's.
    public func setShare(owned: Int, of total: Int) {
        let share = state.withLock { state in
            state.policy.setShare(owned: owned, of: total)
            return state.policy.share
        }
        Gauge(label: "worker_budget_share_ratio").record(share)
    }

    /// Notes an operator's limit for the calls of all workers to a source; nil takes it back.
    ///
    /// It counts from the first job about that source on.
    public func setLimit(requestsPerMinute: Int?, source: String) {
        state.withLock { state in
            guard state.limits[source] != nil || state.limits.count < Self.maximumSources else { return }
            state.limits[source] = requestsPerMinute.map { max(1, $0) }
            state.apply()
        }
    }

    /// Notes that this worker runs jobs about a source, so that calls to it are counted here.
    public func uses(source: String) {
        state.withLock { state in
            guard state.sources.count < Self.maximumSources, state.sources.insert(source).inserted else { return }
            state.apply()
        }
    }

    /// How many requests may have passed here in the window so far.
    public func allowance(in window: RequestWindow) -> Int { state.withLock { $0.policy.allowance(in: window) } }

    /// Halves what this worker takes; it grows back slowly.
    public func throttled(in window: RequestWindow) {
        state.withLock { $0.policy.refused(in: window) }
        Counter(label: "worker_budget_refusals_total").increment()
    }
}
