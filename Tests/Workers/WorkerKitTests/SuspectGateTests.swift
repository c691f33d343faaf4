import Kafka
import Synchronization
import Testing

@testable import WorkerKit

private final class Running: Sendable {
    private let counts = Mutex((now: 0, most: 0, all: 0))

    var most: Int { counts.withLock { $0.most } }
    var all: Int { counts.withLock { $0.all } }

    func begin() {
        counts.withLock { counts in
            counts.now += 1
            counts.most = max(counts.most, counts.now)
            counts.all += 1
        }
    }

    func end() { counts.withLock { $0.now -= 1 } }
}

private func run(_ offset: Int64) -> RunKey { RunKey(partition: TopicPartition("jobs", 0), epoch: 1, offset: offset) }

@Suite("Suspect gate", .timeLimit(.minutes(5)))
struct SuspectGateTests {
    @Test("suspects run one at a time")
    func oneAtATime() async throws {
        let gate = SuspectGate()
        let running = Running()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for offset in Int64(0)..<50 {
                group.addTask {
                    try await gate.enter(run(offset))
                    running.begin()
                    await Task.yield()
                    running.end()
                    gate.leave(run(offset))
                }
            }
            try await group.waitForAll()
        }
        #expect(running.most == 1)
        #expect(running.all == 50)
    }

    @Test("a suspect that is cancelled while it waits leaves the others their turn")
    func cancelled() async throws {
        let gate = SuspectGate()
        try await gate.enter(run(0))
        let waiting = Task { try await gate.enter(run(1)) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        gate.leave(run(0))
        try await gate.enter(run(2))
        gate.leave(run(2))
    }

    @Test("leaving twice, or without having entered, lets nobody else in too early")
    func idempotent() async throws {
        let gate = SuspectGate()
        try await gate.enter(run(0))
        gate.leave(run(7))
        let waiting = Task { try await gate.enter(run(1)) }
        await Task.yield()
        gate.leave(run(0))
        gate.leave(run(0))
        try await waiting.value
        let third = Task { try await gate.enter(run(2)) }
        gate.leave(run(0))
        gate.leave(run(1))
        try await third.value
    }
}
