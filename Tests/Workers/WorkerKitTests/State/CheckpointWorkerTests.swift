import Contracts
import Foundation
import Kafka
import Messaging
import ObjectStorage
import Synchronization
import TestSupport
import Testing

@testable import WorkerKit

@Suite("Checkpoints through a worker", .timeLimit(.minutes(5)))
struct CheckpointWorkerTests {
    @Test("a job that is handed back in mid-run goes on where it stopped; once its result stands the checkpoint is gone")
    func handedBack() async throws {
        let bench = try await WorkerBench(partitions: 1)
        var configuration = bench.configuration
        configuration.grace = .zero
        try await bench.publish(jobs: ["long"])
        await #expect(throws: (any Error).self, "it stops with a job handed back") {
            _ = try await bench.run(
                configuration,
                handler: Handler { _, context in
                    #expect(await context.checkpoint.last == nil)
                    await context.checkpoint.save(step: "pages", cursor: .integer(41), figures: ["pages": 41])
                    context.progressed(["pages": 41])
                    try await Task.sleep(for: .seconds(100))
                    return .done(JobResult())
                }, until: { $0.contains { $0.event == .progressed } })
        }
        let found = Mutex<Checkpoint?>(nil)
        _ = try await bench.run(
            configuration,
            handler: Handler { _, context in
                let last = await context.checkpoint.last
                found.withLock { $0 = last }
                return .done(JobResult())
            }, until: ended(1))
        #expect(found.withLock { $0 } == Checkpoint(step: "pages", cursor: .integer(41), figures: ["pages": 41]))
        #expect(try await bench.state.list(prefix: StateLayout.checkpoints(of: "test")).collect().isEmpty)
    }

    @Test("the next attempt after a failure goes on where the one before stopped, and a rerun begins at the beginning")
    func retried() async throws {
        let bench = try await WorkerBench(partitions: 1)
        var rerun = bench.job("a")
        rerun.revision = 1
        try await bench.publish(jobs: ["a"])
        let found = Mutex<[String]>([])
        let handler = Handler { job, context in
            let last = await context.checkpoint.last
            found.withLock { $0.append("\(job.revision):\(last?.cursor.integer ?? 0)") }
            await context.checkpoint.save(step: "pages", cursor: .integer(Int64(context.attempt)))
            guard context.attempt < 3 else { return .done(JobResult()) }
            return .retry(JobEvent.Failure(reason: "test", message: "again"))
        }
        _ = try await bench.run(handler: handler, until: ended(1))
        #expect(found.withLock { $0 } == ["0:0", "0:1", "0:2"])
        found.withLock { $0 = [] }
        try await bench.publish([ProducerRecord(rerun.message(to: bench.topics))])
        _ = try await bench.run(handler: handler, until: ended(2))
        #expect(found.withLock { $0 } == ["1:0", "1:1", "1:2"])
    }
}
