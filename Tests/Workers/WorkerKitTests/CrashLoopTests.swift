import Contracts
import Foundation
import Kafka
import Messaging
import ObjectStorage
import Synchronization
import TestSupport
import Testing

@testable import WorkerKit

/// What a process leaves that died while it ran jobs: its ledger.
private struct Wreck {
    let bench: WorkerBench

    /// Writes the ledger of an instance that died in so many starts of the jobs at these offsets.
    func leave(instance: String, offsets: [Int64: String], starts: Int) async throws {
        let topic = bench.topics.jobs("test")
        for _ in 0..<starts {
            // Each time another process of the same instance begins them and never ends.
            let ledger = StartLedger(store: bench.state, kind: "test", instance: instance, limit: 100, logger: .quiet)
            for (offset, job) in offsets {
                _ = try await ledger.begin(StartPlace(partition: TopicPartition(topic, 0), offset: offset), job: job)
            }
        }
    }
}

@Suite("Crash loops", .timeLimit(.minutes(5)))
struct CrashLoopTests {
    @Test("the third start without an end goes to the dead topic unrun, and the job after it runs")
    func thirdStart() async throws {
        let bench = try await WorkerBench(partitions: 1)
        try await bench.publish(jobs: ["killer", "after"])
        try await Wreck(bench: bench).leave(instance: "gone", offsets: [0: "killer"], starts: 2)
        let ran = Mutex<[String]>([])
        let events = try await bench.run(
            handler: Handler { job, _ in
                ran.withLock { $0.append(job.id) }
                return .done(JobResult())
            }, until: ended(2))
        #expect(ran.withLock { $0 } == ["after"])
        let failed = try #require(events.first { $0.event == .failed })
        #expect(failed.job.id == "killer")
        #expect(failed.failure?.reason == "crash-loop")
        let dead = try #require(try await bench.records(1, of: bench.topics.dead("test")).first)
        #expect(dead.headers.text(of: JobHeader.deadReason) == "crash-loop")
        #expect(try Job.decode(dead.value).id == "killer")
    }

    @Test("the second start runs: one crash may be anybody's fault")
    func secondStart() async throws {
        let bench = try await WorkerBench(partitions: 1)
        try await bench.publish(jobs: ["unlucky"])
        try await Wreck(bench: bench).leave(instance: "gone", offsets: [0: "unlucky"], starts: 1)
        let events = try await bench.run(handler: Handler { _, _ in .done(JobResult()) }, until: ended(1))
        #expect(events.contains { $0.event == .completed })
    }

    @Test("those that died together run one at a time, so that neighbours aren't counted with the culprit again")
    func suspectsAlone() async throws {
        let bench = try await WorkerBench(partitions: 1)
        var configuration = bench.configuration
        configuration.window = 8
        configuration.slots = 8
        let ids = (0..<6).map { "job-\($0)" }
        try await bench.publish(jobs: ids)
        let offsets = Dictionary(uniqueKeysWithValues: ids.enumerated().map { (Int64($0.offset), $0.element) })
        try await Wreck(bench: bench).leave(instance: "gone", offsets: offsets, starts: 1)
        let running = Mutex((now: 0, most: 0))
        _ = try await bench.run(
            configuration,
            handler: Handler { _, _ in
                running.withLock { running in
                    running.now += 1
                    running.most = max(running.most, running.now)
                }
                try await Task.sleep(for: .milliseconds(20))
                running.withLock { $0.now -= 1 }
                return .done(JobResult())
            }, until: ended(6))
        #expect(running.withLock { $0.most } == 1)
    }

    @Test("while a suspect runs, those before it are on record as ended: a process that dies of it doesn't count them")
    func endsComeFirst() async throws {
        let bench = try await WorkerBench(partitions: 1)
        var configuration = bench.configuration
        configuration.window = 64
        configuration.slots = 8
        let ids = (0..<60).map { "job-\($0)" }
        try await bench.publish(jobs: ids)
        let offsets = Dictionary(uniqueKeysWithValues: ids.enumerated().map { (Int64($0.offset), $0.element) })
        try await Wreck(bench: bench).leave(instance: "gone", offsets: offsets, starts: 1)
        let ledger = try ObjectKey(StateLayout.starts(kind: "test", instance: configuration.instance))
        let most = Mutex(0)
        _ = try await bench.run(
            configuration,
            handler: Handler { _, _ in
                let started = try StartBook.decode(try await bench.state.read(ledger, upTo: 1 << 20))
                most.withLock { $0 = max($0, started.values.count { $0.count.starts > 0 }) }
                return .done(JobResult())
            }, until: ended(60))
        #expect(most.withLock { $0 } == 1)
    }

    @Test("a job that is handed back at every stop is never taken for one that ends its process")
    func handedBack() async throws {
        let bench = try await WorkerBench(partitions: 1)
        var configuration = bench.configuration
        configuration.grace = .zero
        try await bench.publish(jobs: ["long"])
        for _ in 0..<4 {
            let starts = Mutex(0)
            await #expect(throws: (any Error).self) {
                let before = try await bench.count(.started)
                _ = try await bench.run(
                    configuration,
                    handler: Handler { _, _ in
                        starts.withLock { $0 += 1 }
                        try await Task.sleep(for: .seconds(100))
                        return .done(JobResult())
                    }, until: { $0.count { $0.event == .started } > before })
            }
            #expect(starts.withLock { $0 } == 1)
        }
        let events = try await bench.run(handler: Handler { _, _ in .done(JobResult()) }, until: ended(1))
        #expect(events.contains { $0.event == .completed })
    }
}
