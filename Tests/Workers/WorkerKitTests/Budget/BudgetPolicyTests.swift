import Testing
import Transfer

@testable import WorkerKit

@Suite("Share of a vendor's allowance")
struct BudgetPolicyTests {
    private static func window(
        allowed: Int = 300, counted: Int? = nil, passed: Int = 0, elapsed: Double = 0, at time: Duration = .zero
    ) -> RequestWindow {
        RequestWindow(
            allowed: allowed, left: allowed - (counted ?? passed), passed: passed, isCounted: counted != nil,
            length: .seconds(60), elapsed: elapsed, time: time)
    }

    private static func policy(_ owned: Int, of total: Int) -> BudgetPolicy {
        var policy = BudgetPolicy()
        policy.setShare(owned: owned, of: total)
        return policy
    }

    @Test("however partitions are dealt out, workers together take no more than the vendor allows", arguments: 0..<200)
    func sharesAddUp(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let total = Int.random(in: 1...48, using: &random)
        let allowed = Int.random(in: total...5000, using: &random)
        var owned: [Int] = []
        var rest = total
        while rest > 0 {
            let next = Int.random(in: 1...rest, using: &random)
            owned.append(next)
            rest -= next
        }
        let quotas = owned.map { Self.policy($0, of: total).allowance(in: Self.window(allowed: allowed)) }
        #expect(quotas.reduce(0, +) <= allowed && quotas.allSatisfy { $0 >= 1 })
        #expect(quotas.reduce(0, +) > allowed - owned.count - 1, "and they use it")
    }

    @Test("all partitions are the whole, a quarter of them a quarter, and none the share of one, for retries")
    func share() {
        #expect(Self.policy(12, of: 12).allowance(in: Self.window()) == 300)
        #expect(Self.policy(3, of: 12).allowance(in: Self.window()) == 75)
        #expect(Self.policy(0, of: 12).allowance(in: Self.window()) == 25)
        #expect(Self.policy(1, of: 1000).allowance(in: Self.window()) == 1, "a share may be less than one request")
        #expect(Self.policy(99, of: 0).share == 1)
        #expect(Self.policy(-5, of: 4).share == 0.25)
    }

    @Test("what the vendor says it allows is shared, not what is configured")
    func stated() {
        #expect(Self.policy(1, of: 4).allowance(in: Self.window(allowed: 1000, counted: 0)) == 250)
    }

    @Test("a kind has only its part of a client that several kinds use")
    func part() {
        var policy = Self.policy(1, of: 2)
        policy.part = 0.5
        #expect(policy.allowance(in: Self.window()) == 75)
    }

    @Test("an operator's limit counts for all workers together, and only lowers")
    func limit() {
        var policy = Self.policy(1, of: 4)
        policy.limit = 100
        #expect(policy.allowance(in: Self.window()) == 25)
        #expect(policy.allowance(in: Self.window(counted: 100, passed: 7)) == 7, "the others have used it up")
        policy.limit = 10_000
        #expect(policy.allowance(in: Self.window()) == 75)
        policy.limit = nil
        #expect(policy.allowance(in: Self.window()) == 75)
    }

    @Test("a refusal halves the share, and a tenth of it comes back each window")
    func refusal() {
        var policy = Self.policy(1, of: 1)
        policy.refused(in: Self.window(at: .seconds(100)))
        #expect(policy.allowance(in: Self.window(at: .seconds(100))) == 150)
        #expect(policy.allowance(in: Self.window(at: .seconds(160))) == 180)
        policy.refused(in: Self.window(at: .seconds(160)))
        #expect(policy.allowance(in: Self.window(at: .seconds(160))) == 90)
        #expect(policy.allowance(in: Self.window(at: .seconds(160 + 420))) == 300)
        #expect(policy.allowance(in: Self.window(at: .seconds(100_000))) == 300, "never more than the share")
        for _ in 0..<100 { policy.refused(in: Self.window(at: .seconds(200_000))) }
        #expect(policy.allowance(in: Self.window(at: .seconds(200_000))) == 18, "never nothing")
    }

    @Test("a share comes back as fast as the vendor's windows pass")
    func shortWindows() {
        var policy = Self.policy(1, of: 1)
        var window = Self.window(at: .seconds(100))
        window.length = .seconds(2)
        policy.refused(in: window)
        window.time = .seconds(106)
        #expect(policy.allowance(in: window) == 240)
        window.time = .seconds(111)
        #expect(policy.allowance(in: window) == 300)
        window.length = .zero
        policy.refused(in: window)
        #expect(policy.allowance(in: window) == 300, "a window without a length has no share to give back")
    }

    @Test("refusals far below the limit, by the vendor's own count, leave a quarter; at the limit they leave less")
    func refusedBelowLimit() {
        var policy = Self.policy(1, of: 1)
        for _ in 0..<10 { policy.refused(in: Self.window(counted: 100, at: .seconds(5))) }
        #expect(policy.allowance(in: Self.window(at: .seconds(5))) == 75)
        for _ in 0..<10 { policy.refused(in: Self.window(counted: 300, at: .seconds(5))) }
        #expect(policy.allowance(in: Self.window(at: .seconds(5))) == 18)
        policy.refused(in: Self.window(counted: 100, at: .seconds(5)))
        #expect(policy.allowance(in: Self.window(at: .seconds(5))) == 18, "a refusal never gives anything back")
    }

    @Test("near the end of what the account has left everybody takes only a share of the rest")
    func nearEnd() {
        let policy = Self.policy(1, of: 4)
        #expect(policy.allowance(in: Self.window(counted: 200, passed: 0)) == 75)
        #expect(policy.allowance(in: Self.window(counted: 280, passed: 10)) == 15)
        #expect(policy.allowance(in: Self.window(counted: 299, passed: 10)) == 11)
        #expect(policy.allowance(in: Self.window(counted: 300, passed: 10)) == 10)
        #expect(policy.allowance(in: Self.window(counted: 5000, passed: 10)) == 10)
    }

    @Test("where it is allowed, what others left of the time that is over may be used, and no more")
    func lends() {
        var policy = Self.policy(1, of: 4)
        #expect(policy.allowance(in: Self.window(counted: 75, passed: 75, elapsed: 0.5)) == 75, "only where it is allowed")
        policy.lends = true
        #expect(policy.allowance(in: Self.window(counted: 75, passed: 75, elapsed: 0)) == 75)
        #expect(policy.allowance(in: Self.window(counted: 75, passed: 75, elapsed: 0.5)) == 187)
        #expect(policy.allowance(in: Self.window(counted: 187, passed: 75, elapsed: 0.5)) == 75, "the others use theirs")
        #expect(policy.allowance(in: Self.window(passed: 75, elapsed: 0.5)) == 75, "nobody has counted")
    }

    @Test("whatever it is told, it lets through at least one request while any is left, and never more than what is left")
    func bounds() {
        var random = SeededRandom(seed: 42)
        for _ in 0..<5000 {
            var policy = Self.policy(Int.random(in: 0...20, using: &random), of: Int.random(in: 0...20, using: &random))
            policy.part = Double.random(in: -1...2, using: &random)
            policy.lends = Bool.random(using: &random)
            policy.limit = Bool.random(using: &random) ? Int.random(in: 1...1000, using: &random) : nil
            if Bool.random(using: &random) { policy.refused(in: Self.window(at: .seconds(5))) }
            let allowed = Int.random(in: 1...1_000_000_000, using: &random)
            let counted = Int.random(in: 0...allowed, using: &random)
            let passed = Int.random(in: 0...counted, using: &random)
            let window = Self.window(
                allowed: allowed, counted: counted, passed: passed, elapsed: Double.random(in: 0...1, using: &random),
                at: .seconds(6))
            let quota = policy.allowance(in: window)
            let left = min(allowed, policy.limit ?? allowed) - counted
            #expect(quota <= passed + max(0, left) || quota == passed)
            if left > 0 { #expect(quota >= 1) }
        }
    }
}
