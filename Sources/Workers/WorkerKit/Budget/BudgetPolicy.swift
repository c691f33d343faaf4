internal import Transfer

/// What of an account's allowance a worker may use. Pure.
///
/// 1. The account's budget is what the server allows, or an operator's limit if that is less; a kind of workers may have a part
///    of it only.
/// 2. A worker's share of the budget is its share of the partitions of the job topic, so that shares add up to the whole whoever
///    comes and goes. A worker without a partition, which may still have a retry topic's, has the share of one.
/// 3. A refusal halves what this worker takes; it grows back by a tenth of its share each window. Where the server's own count
///    says that most of the window is left, something else than the count refused: then no less than a quarter is taken.
/// 4. Near the end of what the account has left, everybody takes only its share of the rest.
struct BudgetPolicy: Sendable {
    /// The part of the account's allowance that this kind of workers may use, 0 to 1.
    var part: Double = 1
    /// Whether what others don't use may be used here; only right where the server counts the calls of all together.
    var lends = false
    /// An operator's limit for all workers together, requests a minute.
    var limit: Int?
    private(set) var owned = 0
    private(set) var total = 1
    private var refusal: (at: Duration, window: Duration, factor: Double)?

    /// What is given back of a share each window after a refusal.
    static let recovery = 0.1
    /// What refusals leave of a share.
    static let leastFactor = 1.0 / 16
    /// What they leave of it where the server has counted less than half of what it allows.
    static let leastFactorBelowLimit = 1.0 / 4
    /// The part of the account's allowance below which only shares of the rest are taken.
    static let nearEnd = 0.1

    /// Notes how many of the job topic's partitions are this worker's.
    mutating func setShare(owned: Int, of total: Int) {
        self.total = max(1, total)
        self.owned = min(max(0, owned), self.total)
    }

    /// This worker's share of the budget, 0 to 1.
    var share: Double { Double(max(1, owned)) / Double(total) }

    /// What refusals have left of the share, 0 to 1.
    func factor(at time: Duration) -> Double {
        guard let refusal, refusal.window > .zero else { return 1 }
        return min(1, refusal.factor + Self.recovery * ((time - refusal.at) / refusal.window))
    }

    /// Halves what is taken.
    mutating func refused(in window: RequestWindow) {
        let isBelowLimit = window.isCounted && window.left > window.allowed / 2
        let least = isBelowLimit ? Self.leastFactorBelowLimit : Self.leastFactor
        let factor = factor(at: window.time)
        refusal = (window.time, window.length, min(factor, max(least, factor / 2)))
    }

    /// How many requests may have passed here in the window so far; at least one, if the account has any left.
    func allowance(in window: RequestWindow) -> Int {
        var account = Double(window.allowed)
        if let limit { account = min(account, Double(limit) * (window.length / .seconds(60))) }
        let used = window.isCounted ? Double(window.allowed - window.left) : Double(window.passed)
        let left = account - used
        guard left > 0 else { return window.passed }
        let budget = account * min(max(part, 0), 1)
        var quota = budget * share
        if lends, window.isCounted {
            // What was others' until now and wasn't used. What is theirs in the rest of the window stays theirs.
            let others = max(0, used - Double(window.passed))
            quota += max(0, window.elapsed * (budget - quota) - others)
        }
        quota *= factor(at: window.time)
        if window.isCounted, left < account * Self.nearEnd {
            quota = min(quota, Double(window.passed) + (left * share).rounded(.up))
        }
        // A share may be less than one request: somebody must be able to go on.
        return max(1, Int(min(quota, Double(window.passed) + left)))
    }
}
