import Synchronization
import TestSupport
import Testing
import Transfer

@Suite("Rate limiter")
struct RateLimiterTests {
    private let clock = ManualClock()

    /// Starts callers one after the other, so that their order is known; `passed` gets their numbers.
    private func start(_ count: Int, from first: Int = 0, _ limiter: RateLimiter, _ passed: Order) async -> [Task<Void, Never>] {
        var tasks: [Task<Void, Never>] = []
        for number in first..<(first + count) {
            let started = passed.begin()
            tasks.append(
                Task {
                    do {
                        try await limiter.acquire()
                        passed.add(number)
                    } catch {
                        passed.cancelled(number)
                    }
                })
            // Who has left the queue and hasn't noted it yet is in neither.
            while limiter.waiting + passed.ended < started { await Task.yield() }
        }
        return tasks
    }

    /// Asserts that the next caller passes after so many milliseconds, and not one earlier.
    private func expectNext(_ limiter: RateLimiter, after milliseconds: Int) async {
        let passed = Order()
        let tasks = await start(1, limiter, passed)
        await clock.waitForSleepers()
        clock.advance(by: .milliseconds(milliseconds - 1))
        await clock.waitForSleepers()
        #expect(passed.values.isEmpty)
        clock.advance(by: .milliseconds(1))
        for task in tasks { await task.value }
        #expect(passed.values == [0])
    }

    /// Who passes in one window may note it in any order; which window it is follows from the order in which they came.
    @Test("so many pass per window, in the order in which they came")
    func windows() async {
        let limiter = RateLimiter(.init(requests: 3, per: .seconds(60)), clock: clock)
        let passed = Order()
        let tasks = await start(8, limiter, passed)
        await clock.waitForSleepers()
        #expect(passed.values.sorted() == [0, 1, 2])
        clock.advance(by: .seconds(59))
        #expect(passed.values.sorted() == [0, 1, 2])
        clock.advance(by: .seconds(1))
        await passed.wait(for: 6)
        await clock.waitForSleepers()
        #expect(passed.values.sorted() == [0, 1, 2, 3, 4, 5])
        clock.advance(by: .seconds(60))
        for task in tasks { await task.value }
        #expect(passed.values.sorted() == Array(0..<8))
    }

    @Test("a pause holds everybody, and afterwards a full window is there")
    func pause() async {
        let limiter = RateLimiter(.init(requests: 2, per: .seconds(60)), clock: clock)
        let passed = Order()
        limiter.pause(for: .seconds(10))
        limiter.pause(for: .seconds(3))
        let tasks = await start(3, limiter, passed)
        await clock.waitForSleepers()
        clock.advance(by: .seconds(9))
        #expect(passed.values.sorted() == [])
        clock.advance(by: .seconds(1))
        await passed.wait(for: 2)
        await clock.waitForSleepers()
        #expect(passed.values.sorted() == [0, 1])
        clock.advance(by: .seconds(60))
        for task in tasks { await task.value }
    }

    @Test("the server's count of the window lowers what is left, and its new window raises it")
    func update() async {
        let limiter = RateLimiter(.init(requests: 100, per: .seconds(60)), clock: clock)
        let passed = Order()
        limiter.update(counted: 298, allowed: 300, resetsIn: .seconds(20))
        let tasks = await start(5, limiter, passed)
        await clock.waitForSleepers()
        #expect(passed.values.sorted() == [0, 1])
        // The server has seen one of the two; the other counts all the same.
        limiter.update(counted: 299, allowed: 300, resetsIn: .seconds(20))
        #expect(passed.values.sorted() == [0, 1])
        clock.advance(by: .seconds(10))
        // A window that began elsewhere earlier than was known.
        limiter.update(counted: 1, allowed: 300, resetsIn: .seconds(60))
        for task in tasks { await task.value }
        #expect(passed.values.sorted() == [0, 1, 2, 3, 4])
    }

    @Test("a budget is asked before each request with what is known of the window, and obeyed")
    func budget() async {
        let budget = Recorded()
        let limiter = RateLimiter(.init(requests: 10, per: .seconds(60)), clock: clock, budget: budget)
        let passed = Order()
        let tasks = await start(4, limiter, passed)
        await clock.waitForSleepers()
        #expect(passed.values.sorted() == [0, 1])
        limiter.update(counted: 4, allowed: 10, resetsIn: .seconds(60))
        budget.allowance = 3
        clock.advance(by: .seconds(1))
        await passed.wait(for: 3)
        await clock.waitForSleepers()
        let window = budget.last
        #expect(window?.allowed == 10 && window?.left == 5 && window?.passed == 3 && window?.isCounted == true)
        #expect(window?.time == .seconds(1) && window?.length == .seconds(60))
        clock.advance(by: .seconds(60))
        for task in tasks { await task.value }
        #expect(budget.last?.passed == 0 && budget.last?.isCounted == false, "a new window")
    }

    @Test("a window is as long as the server's longest word of it, whatever is configured")
    func windowLength() async throws {
        let budget = Recorded()
        budget.allowance = 100
        let limiter = RateLimiter(.init(requests: 10, per: .seconds(60)), clock: clock, budget: budget)
        for (stated, length) in [(nil, 60), (1, 1), (5, 5), (3, 5), (1_000_000_000, 3600)] as [(Int?, Int)] {
            if let stated { limiter.update(counted: 1, allowed: 10, resetsIn: .seconds(stated)) }
            try await limiter.acquire()
            #expect(budget.last?.length == .seconds(length))
        }
    }

    @Test("a budget is told once of a pause, however many were refused")
    func refusedTogether() async {
        let budget = Recorded()
        let limiter = RateLimiter(.init(requests: 10, per: .seconds(60)), clock: clock, budget: budget)
        for _ in 0..<5 { limiter.pause(for: .seconds(10)) }
        limiter.pause(for: .seconds(20))
        #expect(budget.refusals == [.zero])
        clock.advance(by: .seconds(20))
        limiter.pause(for: .seconds(10))
        #expect(budget.refusals == [.zero, .seconds(20)])
    }

    @Test(
        "servers tell the end of a window in whole seconds, so it is waited for a little longer: a second, less where windows are short",
        arguments: [(60, 61_000), (6, 6_100)])
    func wholeSeconds(resetsIn: Int, end: Int) async {
        let limiter = RateLimiter(.init(requests: 10, per: .seconds(60)), clock: clock)
        limiter.update(counted: 10, allowed: 10, resetsIn: .seconds(resetsIn))
        await expectNext(limiter, after: end)
    }

    @Test("a window that ends within the second is one: what is left of it counts")
    func lastSecond() async {
        let limiter = RateLimiter(.init(requests: 10, per: .seconds(60)), clock: clock)
        limiter.update(counted: 1, allowed: 10, resetsIn: .seconds(60))
        limiter.update(counted: 10, allowed: 10, resetsIn: .zero)
        await expectNext(limiter, after: 1_000)
    }

    @Test("nonsense from a server changes nothing")
    func nonsense() async throws {
        let limiter = RateLimiter(.init(requests: 1, per: .seconds(60)), clock: clock)
        limiter.update(counted: 5, allowed: 0, resetsIn: .seconds(60))
        limiter.update(counted: 5, allowed: 500, resetsIn: .zero)
        limiter.update(counted: 5, allowed: -5, resetsIn: .seconds(-1))
        try await limiter.acquire()
        await expectNext(limiter, after: 60_000)
    }

    @Test("a cancelled caller takes nothing, wherever it stands in the queue", arguments: [0, 1, 3])
    func cancel(position: Int) async {
        let limiter = RateLimiter(.init(requests: 2, per: .seconds(60)), clock: clock)
        let passed = Order()
        _ = await start(2, limiter, passed)
        let tasks = await start(4, from: 10, limiter, passed)
        await clock.waitForSleepers()
        tasks[position].cancel()
        await tasks[position].value
        #expect(passed.cancelledValues == [10 + position])
        await clock.waitForSleepers()
        clock.advance(by: .seconds(60))
        await passed.wait(for: 4)
        await clock.waitForSleepers()
        clock.advance(by: .seconds(60))
        for task in tasks { await task.value }
        #expect(passed.values.sorted() == [0, 1] + [10, 11, 12, 13].filter { $0 != 10 + position })
    }

    @Test("a thousand callers at once get no more than the allowance")
    func crowd() async {
        let limiter = RateLimiter(.init(requests: 700, per: .seconds(1)), clock: clock)
        let passed = Order()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<1000 {
                group.addTask {
                    do {
                        try await limiter.acquire()
                        passed.add(number)
                    } catch {
                        passed.cancelled(number)
                    }
                }
            }
            await passed.wait(for: 700)
            await clock.waitForSleepers()
            #expect(passed.values.count == 700)
            clock.advance(by: .seconds(1))
        }
        #expect(Set(passed.values).count == 1000)
        #expect(limiter.waiting == 0)
    }
}

/// A budget that a test sets and that remembers what it was told.
private final class Recorded: RequestBudget {
    private let state = Mutex((allowance: 2, last: RequestWindow?.none, refusals: [Duration]()))

    var allowance: Int {
        get { state.withLock { $0.allowance } }
        set { state.withLock { $0.allowance = newValue } }
    }
    var last: RequestWindow? { state.withLock { $0.last } }
    var refusals: [Duration] { state.withLock { $0.refusals } }

    func allowance(in window: RequestWindow) -> Int {
        state.withLock { state in
            state.last = window
            return state.allowance
        }
    }

    func throttled(in window: RequestWindow) { state.withLock { $0.refusals.append(window.time) } }
}

/// Who passed, in order.
private final class Order: Sendable {
    private let state = Mutex(
        (started: 0, passed: [Int](), cancelled: [Int](), waiters: [(Int, CheckedContinuation<Void, Never>)]()))

    /// How many callers were started, one more included.
    func begin() -> Int {
        state.withLock { state in
            state.started += 1
            return state.started
        }
    }

    var ended: Int { state.withLock { $0.passed.count + $0.cancelled.count } }
    var values: [Int] { state.withLock { $0.passed } }
    var cancelledValues: [Int] { state.withLock { $0.cancelled } }

    func add(_ number: Int) {
        let due = state.withLock { state in
            state.passed.append(number)
            let due = state.waiters.filter { $0.0 <= state.passed.count }
            state.waiters.removeAll { $0.0 <= state.passed.count }
            return due
        }
        for (_, continuation) in due { continuation.resume() }
    }

    func cancelled(_ number: Int) { state.withLock { $0.cancelled.append(number) } }

    func wait(for count: Int) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.passed.count < count { state.waiters.append((count, continuation)) }
                return state.passed.count >= count
            }
            if isReached { continuation.resume() }
        }
    }
}
