import Synchronization
import TestSupport
import Testing
import Transfer

@Suite("Retry policy")
struct RetryPolicyTests {
    private let policy = RetryPolicy(
        maximumAttempts: 5, firstDelay: .milliseconds(100), multiplier: 2, maximumDelay: .milliseconds(500), jitter: 0.5,
        maximumRetryAfter: .seconds(30))

    @Test("delays double up to their maximum, and the attempts are counted")
    func backoff() {
        let delays = (1...6).map { policy.decide(afterAttempt: $0, .transient(), random: 0) }
        let expected = [100, 200, 400, 500].map { RetryPolicy.Decision.retry(after: .milliseconds($0)) }
        #expect(delays == expected + [.giveUp, .giveUp])
    }

    @Test("jitter shortens a delay by its share at most", arguments: [0, 0.25, 0.5, 0.999, 1, 7, -1])
    func jitter(random: Double) {
        guard case .retry(let delay) = policy.decide(afterAttempt: 1, .transient(), random: random) else {
            Issue.record("no retry")
            return
        }
        #expect(delay >= .milliseconds(50) && delay <= .milliseconds(100))
    }

    @Test("Retry-After is a lower bound, and one that is too long ends the attempts")
    func retryAfter() {
        #expect(policy.decide(afterAttempt: 1, .transient(after: .seconds(7)), random: 0) == .retry(after: .seconds(7)))
        guard case .retry(let delay) = policy.decide(afterAttempt: 1, .transient(after: .seconds(7)), random: 0.9) else {
            Issue.record("no retry")
            return
        }
        #expect(delay >= .seconds(7) && delay < .milliseconds(7100))
        #expect(policy.decide(afterAttempt: 1, .transient(after: .seconds(31)), random: 0) == .giveUp)
        #expect(policy.decide(afterAttempt: 5, .transient(after: .seconds(1)), random: 0) == .giveUp)
    }

    @Test("a permanent failure is never repeated, whatever came before")
    func permanent() { #expect(policy.decide(afterAttempt: 1, .permanent, random: 0) == .giveUp) }

    @Test("an enormous number of attempts doesn't overflow the delay")
    func overflow() {
        let patient = RetryPolicy(maximumAttempts: .max, multiplier: 1000, maximumDelay: .seconds(60), jitter: 0)
        #expect(patient.decide(afterAttempt: 100_000, .transient(), random: 0) == .retry(after: .seconds(60)))
    }

    @Test(
        "statuses that pass are told from those that stay",
        arguments: [
            (408, true), (425, true), (429, true), (500, true), (502, true), (503, true), (504, true), (501, false), (400, false),
            (401, false), (404, false), (409, false),
        ])
    func statuses(status: Int, isTransient: Bool) {
        let verdict = RetryPolicy.Verdict(status: status, headers: ["retry-after": "3"], now: 0)
        #expect(verdict == (isTransient ? .transient(after: .seconds(3)) : .permanent))
    }

    @Test("running repeats with the policy's delays and throws the last error")
    func run() async {
        struct Failure: Error, Equatable { let attempt: Int }
        let clock = ManualClock()
        let attempts = SendableCounter()
        let policy = policy
        let task = Task { () async -> Failure? in
            do throws(Failure) {
                try await policy.run(clock: clock, random: { 0 }, judge: { (_: Failure) in .transient() }) {
                    (attempt) throws(Failure) in
                    attempts.add(1)
                    throw Failure(attempt: attempt)
                }
                return nil
            } catch {
                return error
            }
        }
        for (attempt, delay) in [100, 200, 400, 500].enumerated() {
            await clock.waitForSleepers()
            #expect(attempts.value == attempt + 1)
            clock.advance(by: .milliseconds(delay - 1))
            #expect(clock.sleeping == 1)
            clock.advance(by: .milliseconds(1))
        }
        #expect(await task.value == Failure(attempt: 5))
    }

    @Test("cancelling while it waits ends it with the last error")
    func cancel() async {
        struct Failure: Error {}
        let clock = ManualClock()
        let policy = policy
        let task = Task { () async -> Bool in
            do throws(Failure) {
                try await policy.run(clock: clock, judge: { (_: Failure) in .transient() }) { (_) throws(Failure) in
                    throw Failure()
                }
                return false
            } catch {
                return true
            }
        }
        await clock.waitForSleepers()
        task.cancel()
        #expect(await task.value)
    }
}

@Suite("Retry-After")
struct RetryAfterTests {
    @Test(
        "seconds and dates are read, anything else isn't",
        arguments: [
            ("0", 0), (" 120 ", 120), ("Sun, 06 Nov 1994 08:49:37 GMT", 37), ("Sun, 06 Nov 1994 08:48:00 GMT", 0),
            ("999999999", 999_999_999), ("", nil), ("-1", nil), ("1.5", nil), ("9999999999999999999999", nil), ("soon", nil),
            ("Sun, 06 Nov 1994 08:49:37 CET", nil), ("Sun, 06 Foo 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 25:49:37 GMT", nil),
            ("٣", nil),
        ] as [(String, Int?)])
    func parse(value: String, seconds: Int?) {
        // 1994-11-06 08:49:00 UTC
        #expect(RetryAfter.parse(value, now: 784_111_740) == seconds.map { .seconds($0) })
    }

    @Test("leap days count")
    func leapDay() {
        #expect(HTTPDate.parse("Thu, 29 Feb 2024 00:00:00 GMT") == 1_709_164_800)
        #expect(HTTPDate.parse("Fri, 01 Mar 2024 00:00:00 GMT") == 1_709_251_200)
        #expect(HTTPDate.parse("Thu, 01 Jan 1970 00:00:00 GMT") == 0)
    }
}
