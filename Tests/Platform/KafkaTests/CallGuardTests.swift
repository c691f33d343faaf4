import Glibc
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Kafka

@Suite("Call guard")
struct CallGuardTests {
    @Test("a call that doesn't come back is told once, by its name; one that does is not")
    func hang() async throws {
        let (hangs, told) = AsyncStream<String>.makeStream()
        let guardian = CallGuard(interval: .milliseconds(5)) { operation, _ in told.yield(operation) }
        let logger = Logger(label: "test")
        #expect(guardian.watch("quick", limit: .seconds(3600), logger: logger) { 7 } == 7)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reader, writer) = (ends[0], ends[1])
        // A thread that hangs until it is told to go on, as a call into a library would.
        let thread = PollThread(name: "hanging")
        let result = Mutex<Int?>(nil)
        async let call: Void = Hanging(thread).run {
            let count = guardian.watch("slow", limit: .milliseconds(20), logger: logger) {
                var byte: UInt8 = 0
                return read(reader, &byte, 1)
            }
            result.withLock { $0 = count }
        }
        var iterator = hangs.makeAsyncIterator()
        #expect(await iterator.next() == "slow")
        var byte: UInt8 = 1
        #expect(write(writer, &byte, 1) == 1)
        await call
        #expect(result.withLock { $0 } == 1)
        told.finish()
        #expect(await iterator.next() == nil)
        await thread.stop()
        close(reader)
        close(writer)
    }
}

/// Runs what blocks on a thread of its own.
private actor Hanging {
    private let thread: PollThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ thread: PollThread) { self.thread = thread }

    func run(_ body: @Sendable () -> Void) { body() }
}
