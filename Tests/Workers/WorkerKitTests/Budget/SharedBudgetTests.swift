import Synchronization
import TestSupport
import Testing
import Transfer

@testable import WorkerKit

@Suite("Shared budget in a limiter", .timeLimit(.minutes(5)))
struct SharedBudgetTests {
    private let clock = ManualClock()

    /// Callers without end; counts who passed.
    private final class Callers: Sendable {
        private let passed = Mutex(0)
        private let limiter: RateLimiter
        private let clock: ManualClock
        private let tasks = Mutex([Task<Void, Never>]())

        init(_ limiter: RateLimiter, _ clock: ManualClock) {
            self.limiter = limiter
            self.clock = clock
        }

        var count: Int { passed.withLock { $0 } }

        func add(_ count: Int) {
            for _ in 0..<count {
                let task = Task {
                    do { try await limiter.acquire() } catch { return }
                    passed.withLock { $0 += 1 }
                }
                tasks.withLock { $0.append(task) }
            }
        }

        /// Waits until nobody can go on before the clock is moved.
        func settle(_ expected: Int) async {
            while count < expected { await Task.yield() }
            await clock.waitForSleepers()
        }

        func stop() async {
            let all = tasks.withLock { $0 }
            for task in all { task.cancel() }
            for task in all { await task.value }
        }
    }

    @Test("a worker with a quarter of the partitions sends a quarter; a rebalance counts within a second")
    func rebalance() async {
        let budget = SharedBudget()
        budget.setShare(owned: 3, of: 12)
        let limiter = RateLimiter(.init(requests: 40, per: .seconds(60)), clock: clock, budget: budget)
        let callers = Callers(limiter, clock)
        callers.add(100)
        await callers.settle(10)
        clock.advance(by: .seconds(2))
        await callers.settle(10)
        #expect(callers.count == 10)
        budget.setShare(owned: 6, of: 12)
        clock.advance(by: .seconds(1))
        await callers.settle(20)
        #expect(callers.count == 20)
        clock.advance(by: .seconds(57))
        await callers.settle(40)
        #expect(callers.count == 40, "a new window")
        await callers.stop()
    }

    @Test("an operator's limit counts for the sources that this worker has jobs of")
    func limit() async {
        let budget = SharedBudget()
        budget.setShare(owned: 1, of: 2)
        budget.setLimit(requestsPerMinute: 8, source: "genesys/main")
        budget.setLimit(requestsPerMinute: 2, source: "other/main")
        let window = RequestWindow(
            allowed: 300, left: 300, passed: 0, isCounted: false, length: .seconds(60), elapsed: 0, time: .zero)
        #expect(budget.allowance(in: window) == 150)
        budget.uses(source: "genesys/main")
        #expect(budget.allowance(in: window) == 4)
        budget.setLimit(requestsPerMinute: nil, source: "genesys/main")
        #expect(budget.allowance(in: window) == 150)
        budget.uses(source: "other/main")
        #expect(budget.allowance(in: window) == 1)
    }

    @Test("requests that are refused together count as one refusal; after the pause half of the share passes")
    func refusals() async {
        let budget = SharedBudget()
        budget.setShare(owned: 1, of: 1)
        let limiter = RateLimiter(.init(requests: 40, per: .seconds(60)), clock: clock, budget: budget)
        for _ in 0..<10 { limiter.pause(for: .seconds(30)) }
        limiter.pause(for: .seconds(31))
        let callers = Callers(limiter, clock)
        callers.add(100)
        await callers.settle(0)
        #expect(callers.count == 0)
        clock.advance(by: .seconds(31))
        await callers.settle(22)
        #expect(callers.count == 22, "half of the share, and what half a minute gave back")
        await callers.stop()
    }

    @Test("what the server counted from elsewhere is not taken again, whatever the share is")
    func counted() async {
        let budget = SharedBudget()
        budget.setShare(owned: 1, of: 2)
        let limiter = RateLimiter(.init(requests: 40, per: .seconds(60)), clock: clock, budget: budget)
        limiter.update(counted: 35, allowed: 40, resetsIn: .seconds(60))
        let callers = Callers(limiter, clock)
        callers.add(100)
        await callers.settle(5)
        #expect(callers.count == 5)
        await callers.stop()
    }
}
