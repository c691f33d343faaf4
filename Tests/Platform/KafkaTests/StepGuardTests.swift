import Glibc
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Kafka

@Suite("Calls that don't return", .timeLimit(.minutes(5)))
struct StepGuardTests {
    @Test("a call that returns in time is let alone, however often there is one")
    func inTime() async throws {
        let hangs = Mutex(0)
        let guarded = StepGuard(logger: .quiet) { _ in hangs.withLock { $0 += 1 } }
        for _ in 0..<100 { guarded.watch("step", timeout: .milliseconds(50), margin: .milliseconds(50)) {} }
        try await Task.sleep(for: .milliseconds(400))
        guarded.stop()
        #expect(hangs.withLock { $0 } == 0)
    }

    @Test("a call that doesn't return is named once its time is over")
    func hangs() async throws {
        let (named, name) = AsyncStream<String>.makeStream()
        let guarded = StepGuard(logger: .quiet) { name.yield($0) }
        let isOver = Mutex(false)
        // A thread of its own, as the producer's: the call blocks it.
        let thread = PollThread(name: "hanging")
        thread.setPoller {
            guarded.watch("send offsets", timeout: .milliseconds(50), margin: .milliseconds(50)) {
                while !isOver.withLock({ $0 }) { usleep(1000) }
            }
        }
        for await operation in named {
            #expect(operation == "send offsets")
            break
        }
        isOver.withLock { $0 = true }
        thread.setPoller(nil)
        await thread.stop()
        guarded.stop()
    }
}
