import Synchronization
import Testing

@testable import Kafka

@Suite("Throttled library logs")
struct LogThrottleTests {
    private final class Time: Sendable {
        private let elapsed = Mutex(Duration.zero)
        var now: Duration { elapsed.withLock { $0 } }
        func pass(_ time: Duration) { elapsed.withLock { $0 += time } }
    }

    private let time = Time()
    private var throttle: LogThrottle { LogThrottle(interval: .seconds(30)) { [time] in time.now } }

    @Test("lines that differ in numbers alone are told once per interval, with how many were held back")
    func outage() {
        let throttle = throttle
        var told: [Int] = []
        // Thirty seconds of an outage, a failure every three milliseconds, then a minute of silence and one more.
        for attempt in 0..<10_000 {
            let text =
                "[thrd:127.0.0.1:9\(attempt % 7)/bootstrap]: Connect to ipv4#127.0.0.1:\(attempt) failed (after \(attempt)ms)"
            if let repeated = throttle.admit(facility: "FAIL", text: text) { told.append(repeated) }
            time.pass(.milliseconds(3))
        }
        time.pass(.seconds(60))
        let last = throttle.admit(
            facility: "FAIL", text: "[thrd:127.0.0.1:93/bootstrap]: Connect to ipv4#127.0.0.1:1 failed (after 2ms)")
        #expect(told == [0])
        #expect(last == 9_999)
    }

    @Test("another facility or other words are another line")
    func others() {
        let throttle = throttle
        #expect(throttle.admit(facility: "FAIL", text: "broker 1 is down") == 0)
        #expect(throttle.admit(facility: "ERROR", text: "broker 1 is down") == 0)
        #expect(throttle.admit(facility: "FAIL", text: "broker 1 is up") == 0)
        #expect(throttle.admit(facility: "FAIL", text: "broker 22 is down") == nil)
        time.pass(.seconds(30))
        #expect(throttle.admit(facility: "FAIL", text: "broker 3 is down") == 1)
        #expect(throttle.admit(facility: "FAIL", text: "broker 3 is down") == nil)
    }

    @Test("texts that never repeat are all told, and remembered within bounds")
    func unbounded() {
        let throttle = throttle
        for index in 0..<5_000 {
            #expect(throttle.admit(facility: String(index), text: "x") == 0)
        }
        time.pass(.seconds(31))
        #expect(throttle.admit(facility: "new", text: "x") == 0)
        #expect(throttle.admit(facility: "new", text: "x") == nil)
    }
}
