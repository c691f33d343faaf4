import Contracts
import Foundation
import Kafka
import Messaging
import ObjectStorage
import Synchronization
import TestSupport
import Testing

@testable import WorkerKit

extension WorkerBench {
    fileprivate func tell(_ control: Control) async throws {
        try await publish([ProducerRecord(try #require(control.message(to: topics)))])
    }

    fileprivate func takeBack(_ command: Control.Command, _ target: Control.Target) async throws {
        try await publish([ProducerRecord(topic: topics.control, key: Array(Control.key(command, target).utf8), value: nil)])
    }

    fileprivate func cancel(_ job: String, revision: Int = 0) -> Control {
        .cancel(job: job, revision: revision, by: "ops@host", reason: "wrong day", at: Date(), expiresAt: nil)
    }
}

/// A promise that something happens, for handlers that wait for the test and tests that wait for handlers.
private final class Happening: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func happens() { continuation.finish() }
    func wait() async { for await _ in stream {} }
}

@Suite("Control of workers on a real broker", .timeLimit(.minutes(5)))
struct JobControlTests {
    @Test("a job that was cancelled before a worker began is cancelled unrun; its rerun runs")
    func cancelledBefore() async throws {
        let bench = try await WorkerBench(partitions: 1)
        try await bench.tell(bench.cancel("unwanted"))
        var rerun = bench.job("unwanted")
        rerun.revision = 1
        try await bench.publish(jobs: ["unwanted", "wanted"])
        try await bench.publish([ProducerRecord(rerun.message(to: bench.topics))])
        let ran = Mutex<[String]>([])
        let events = try await bench.run(
            handler: Handler { job, _ in
                ran.withLock { $0.append("\(job.id).\(job.revision)") }
                return .done(JobResult())
            }, until: ended(3))
        #expect(ran.withLock { $0 } == ["wanted.0", "unwanted.1"])
        let cancelled = try #require(events.first { $0.event == .cancelled })
        #expect(cancelled.job.id == "unwanted" && cancelled.job.revision == 0)
        #expect(cancelled.failure?.message == "cancelled by ops@host: wrong day")
    }

    @Test("a running job is cancelled at once, its children with their root, and its offset is committed")
    func cancelledWhileItRuns() async throws {
        let bench = try await WorkerBench(partitions: 1)
        var child = bench.job("child")
        child.root = "root"
        child.parent = "parent"
        try await bench.publish([ProducerRecord(child.message(to: bench.topics))])
        let began = Happening()
        let isCancelled = Mutex(false)
        async let events = bench.run(
            handler: Handler { job, _ in
                guard job.id == "child" else { return .done(JobResult()) }
                began.happens()
                do {
                    try await Task.sleep(for: .seconds(100))
                } catch {
                    isCancelled.withLock { $0 = true }
                    throw error
                }
                return .done(JobResult())
            }, until: ended(2))
        await began.wait()
        try await bench.tell(bench.cancel("root"))
        try await bench.publish(jobs: ["after"])
        let seen = try await events
        #expect(isCancelled.withLock { $0 })
        #expect(seen.filter { $0.event.isTerminal }.map { "\($0.job.id) \($0.event)" } == ["child cancelled", "after completed"])
    }

    @Test("a paused kind starts nothing until it is resumed")
    func pausedKind() async throws {
        let bench = try await WorkerBench(partitions: 1)
        try await bench.tell(.pause(.kind("test"), by: "ops@host", reason: nil, at: Date(), expiresAt: nil))
        try await bench.publish(jobs: ["patient"])
        let isResumed = Mutex(false)
        async let events = bench.run(
            handler: Handler { _, _ in
                #expect(isResumed.withLock { $0 })
                return .done(JobResult())
            }, until: ended(1))
        // Time in which a worker that isn't paused would have begun long ago.
        try await Task.sleep(for: .seconds(4))
        isResumed.withLock { $0 = true }
        try await bench.takeBack(.pause, .kind("test"))
        #expect(try await events.count { $0.event == .completed } == 1)
    }

    @Test("a paused source's jobs wait without spending attempts while others run; they run after the resume")
    func pausedSource() async throws {
        let bench = try await WorkerBench(partitions: 1, retryDelays: [.milliseconds(100)])
        try await bench.tell(.pause(.source("genesys/other"), by: "ops@host", reason: "quota", at: Date(), expiresAt: nil))
        var paused = bench.job("paused")
        paused.source = "genesys/other"
        try await bench.publish([ProducerRecord(paused.message(to: bench.topics))])
        try await bench.publish(jobs: ["free"])
        let isFreeDone = Happening()
        async let events = bench.run(
            handler: Handler { job, context in
                #expect(context.attempt == 1)
                if job.id == "free" { isFreeDone.happens() }
                return .done(JobResult())
            }, until: ended(2))
        await isFreeDone.wait()
        try await bench.takeBack(.pause, .source("genesys/other"))
        let seen = try await events
        #expect(seen.filter { $0.event == .completed }.map(\.job.id) == ["free", "paused"])
        #expect(seen.contains { $0.event == .snoozed && $0.failure?.reason == "paused" })
    }

    @Test("a limit of slots holds for the jobs that begin after it")
    func limitedSlots() async throws {
        let bench = try await WorkerBench(partitions: 4)
        try await bench.tell(.limit(kind: "test", slots: 1, by: "ops@host", reason: nil, at: Date(), expiresAt: nil))
        try await bench.publish(jobs: (0..<40).map { "job-\($0)" })
        let running = Mutex((now: 0, most: 0))
        _ = try await bench.run(
            handler: Handler { _, _ in
                running.withLock { running in
                    running.now += 1
                    running.most = max(running.most, running.now)
                }
                try await Task.sleep(for: .milliseconds(5))
                running.withLock { $0.now -= 1 }
                return .done(JobResult())
            }, until: ended(40))
        #expect(running.withLock { $0.most } == 1)
    }

    @Test("a control entry that nobody can read stops nothing")
    func unreadable() async throws {
        let bench = try await WorkerBench(partitions: 1)
        try await bench.publish([
            ProducerRecord(topic: bench.topics.control, key: Array("pause/kind/test".utf8), value: [0xff, 0x00]),
            ProducerRecord(topic: bench.topics.control, key: nil, value: Array(#"{"version":1}"#.utf8)),
        ])
        try await bench.publish(jobs: ["fine"])
        let events = try await bench.run(handler: Handler { _, _ in .done(JobResult()) }, until: ended(1))
        #expect(events.contains { $0.event == .completed })
    }

    @Test("too many deaths stop the taking of work and raise an alert; after the wait one job tries and all goes on")
    func circuit() async throws {
        let bench = try await WorkerBench(partitions: 1)
        var configuration = bench.configuration
        configuration.slots = 1
        configuration.deathBudget = DeathBudget(deathsPerMinute: 2)
        configuration.deathBudget.wait = .seconds(2)
        try await bench.publish(jobs: (0..<6).map { "job-\($0)" })
        let starts = Mutex<[ContinuousClock.Instant]>([])
        let events = try await bench.run(
            configuration,
            handler: Handler { _, _ in
                let number = starts.withLock { starts in
                    starts.append(ContinuousClock.now)
                    return starts.count
                }
                if number <= 3 { return .dead(JobEvent.Failure(reason: "vendor-credentials", message: "refused")) }
                return .done(JobResult())
            }, until: ended(6))
        let ends = events.filter { $0.event.isTerminal }.map(\.event)
        #expect(ends == [.failed, .failed, .failed, .completed, .completed, .completed])
        let times = starts.withLock { $0 }
        #expect(times[2].duration(to: times[3]) >= .seconds(1.9))
        let alerts = try await bench.records(2, of: bench.topics.alerts).map { try Alert.decode($0.value) }
        #expect(alerts.map(\.state) == [.firing, .resolved])
        #expect(alerts.map(\.key) == ["circuit/test/0", "circuit/test/0"])
        #expect(alerts[0].since == alerts[1].since)
    }

    @Test("messages that can't be read open no circuit, however many they are")
    func poisonOpensNothing() async throws {
        let bench = try await WorkerBench(partitions: 1)
        var configuration = bench.configuration
        configuration.deathBudget = DeathBudget(deathsPerMinute: 2)
        let topic = bench.topics.jobs("test")
        try await bench.publish((0..<50).map { ProducerRecord(topic: topic, key: nil, value: [UInt8($0)]) })
        try await bench.publish(jobs: ["after"])
        let events = try await bench.run(configuration, handler: Handler { _, _ in .done(JobResult()) }, until: ended(51))
        #expect(events.contains { $0.event == .completed })
    }
}
