import Logging
import Synchronization
import Testing

@testable import Service

@Suite("Waiting at the start")
struct StartWaitTests {
    private struct Away: Error {}
    private struct Wrong: Error {}

    private final class MemorySink: LogSink {
        private let text = Mutex("")
        func write(_ line: [UInt8]) { text.withLock { $0 += String(decoding: line, as: UTF8.self) } }
        var lines: [String] { text.withLock { $0.split(separator: "\n").map(String.init) } }
    }

    private final class Pauses: Sendable {
        private let taken = Mutex<[Duration]>([])
        func take(_ pause: Duration) { taken.withLock { $0.append(pause) } }
        var all: [Duration] { taken.withLock { $0 } }
    }

    private let sink = MemorySink()
    private let pauses = Pauses()
    private let health = HealthRegistry()

    private func wait(_ readiness: HealthIndicator) -> StartWait {
        let logger = Logger(label: "start") { [sink] label in
            LineLogHandler(
                label: label, format: .json, line: LogLine(service: "worker", instance: "host-1"), sink: sink, logLevel: .info)
        }
        return StartWait(for: "the lake", readiness: readiness, logger: logger) { [pauses] pause in
            try Task.checkCancellation()
            pauses.take(pause)
        }
    }

    @Test("what isn't there yet is tried again with growing pauses; the log says so once a minute, readiness says why")
    func patience() async throws {
        let readiness = health.indicator("lake")
        var attempts = 0
        let value = try await wait(readiness).until {
            $0 is Away ? "nobody answers" : nil
        } _: {
            attempts += 1
            guard attempts > 14 else { throw Away() }
            return health.report(.readiness).failing["lake"]
        }
        #expect(value == "waiting for the lake: nobody answers")
        #expect(pauses.all.prefix(5) == [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(15)])
        #expect(pauses.all.count == 14 && pauses.all.dropFirst(4).allSatisfy { $0 == .seconds(15) })
        // 165 s: at 0, 60 and 120 s, and the end.
        #expect(sink.lines.filter { $0.contains(#""waiting for the lake""#) && $0.contains("nobody answers") }.count == 3)
        #expect(sink.lines.count == 4)
        #expect(sink.lines.last?.contains("no longer waiting for the lake") == true)
    }

    @Test("what is there at once is neither waited for nor told")
    func atOnce() async throws {
        try await wait(health.indicator("lake")).until { _ in
            "away"
        } _: {
        }
        #expect(pauses.all.isEmpty && sink.lines.isEmpty)
    }

    @Test("what waiting doesn't mend ends the wait, also after a while")
    func hopeless() async {
        var attempts = 0
        await #expect(throws: Wrong.self) {
            try await wait(health.indicator("lake")).until {
                $0 is Away ? "away" : nil
            } _: {
                attempts += 1
                if attempts > 2 { throw Wrong() } else { throw Away() }
            }
        }
        #expect(pauses.all.count == 2)
    }

    @Test("cancellation ends the wait")
    func cancellation() async {
        let wait = wait(health.indicator("lake"))
        let task = Task {
            try await wait.until { _ in
                "away"
            } _: {
                withUnsafeCurrentTask { $0?.cancel() }
                throw Away()
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(pauses.all.isEmpty)
    }
}
