import Synchronization

/// Decides for each request whether something goes wrong with it.
final class FaultInjector: Sendable {
    private struct State {
        var plan: FaultPlan
        var isEnabled = true
        /// Requests that each rule was for, and how many it struck.
        var seen: [Int]
        var struck: [Int]
        /// Faults in a row of the same request.
        var suffered: [UInt64: Int] = [:]
    }

    private let state: Mutex<State>
    private static let keptRequests = 100_000

    init(_ plan: FaultPlan) {
        state = Mutex(FaultInjector.fresh(plan))
    }

    private static func fresh(_ plan: FaultPlan) -> State {
        State(plan: plan, seen: plan.rules.map { _ in 0 }, struck: plan.rules.map { _ in 0 })
    }

    /// The plan in force; a new one begins to count at one.
    var plan: FaultPlan {
        get { state.withLock { $0.plan } }
        set {
            state.withLock {
                let isEnabled = $0.isEnabled
                $0 = FaultInjector.fresh(newValue)
                $0.isEnabled = isEnabled
            }
        }
    }

    /// Whether the plan is followed; requests are counted all the same.
    var isEnabled: Bool {
        get { state.withLock { $0.isEnabled } }
        set { state.withLock { $0.isEnabled = newValue } }
    }

    /// The fault that a request meets, if any.
    ///
    /// - Parameters:
    ///   - path: without the query.
    ///   - method: such as `GET`.
    ///   - fingerprint: the same for the same request made again.
    func fault(path: String, method: String = "GET", fingerprint: UInt64) -> Fault? {
        state.withLock { state in
            // Every rule counts the request, also after one has struck, so that ordinals don't depend on other rules.
            var fault: Fault?
            for (index, rule) in state.plan.rules.enumerated() where path.hasPrefix(rule.path) && rule.method ?? method == method
            {
                state.seen[index] += 1
                guard state.isEnabled, fault == nil, rule.limit.map({ state.struck[index] < $0 }) ?? true,
                    strikes(rule, index: index, ordinal: state.seen[index], seed: state.plan.seed)
                else { continue }
                fault = rule.fault
                state.struck[index] += 1
            }
            guard let fault, fault.kind.isFailure else {
                state.suffered[fingerprint] = nil
                return fault
            }
            let suffered = state.suffered[fingerprint] ?? 0
            if state.plan.mercy > 0, suffered >= state.plan.mercy {
                state.suffered[fingerprint] = nil
                return nil
            }
            if state.suffered.count >= FaultInjector.keptRequests { state.suffered.removeAll() }
            state.suffered[fingerprint] = suffered + 1
            return fault
        }
    }

    private func strikes(_ rule: FaultRule, index: Int, ordinal: Int, seed: UInt64) -> Bool {
        if let requests = rule.requests { return requests.contains(ordinal) }
        if let every = rule.every { return ordinal % every == 0 }
        guard let probability = rule.probability else { return false }
        let bits = Mixing.combine(Mixing.combine(seed, UInt64(index)), UInt64(ordinal))
        return Double(bits >> 11) * 0x1p-53 < probability
    }
}
