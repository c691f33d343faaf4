import Contracts
import Foundation
import Kafka
import Messaging
import Service
import Synchronization
import Testing

@testable import WorkerKit

@Suite("Job worker on a real broker", .timeLimit(.minutes(5)))
struct JobWorkerTests {
    @Test("every job is completed once, many in one transaction")
    func completesOnce() async throws {
        let bench = try await WorkerBench(partitions: 4)
        let ids = (0..<1000).map { "job-\($0)" }
        try await bench.publish(jobs: ids)
        let runs = Mutex<[String: Int]>([:])
        let events = try await bench.run(
            handler: Handler { job, _ in
                runs.withLock { $0[job.id, default: 0] += 1 }
                return .done(JobResult(figures: ["records": 1]))
            }, until: ended(1000))
        let completed = events.filter { $0.event == .completed }.map(\.job.id)
        #expect(completed.count == 1000)
        #expect(Set(completed) == Set(ids))
        #expect(runs.withLock { $0.values.allSatisfy { $0 == 1 } })
    }

    @Test("jobs of one partition run in the order in which they were published")
    func inOrder() async throws {
        let bench = try await WorkerBench(partitions: 1)
        let ids = (0..<50).map { "job-\($0)" }
        try await bench.publish(jobs: ids)
        let order = Mutex<[String]>([])
        _ = try await bench.run(
            handler: Handler { job, _ in
                order.withLock { $0.append(job.id) }
                return .done(JobResult())
            }, until: ended(50))
        #expect(order.withLock { $0 } == ids)
    }

    @Test(
        "what can't be read goes to the dead topic with its bytes intact and a reason, and blocks nothing",
        arguments: [
            ("not json", "malformed"), (#"{"version":99,"id":"x"}"#, "unknown-version"), ("", "empty"),
            (
                #"{"version":1,"id":"../../etc","kind":"test","source":"a","dataset":"b","createdAt":"2026-01-01T00:00:00Z"}"#,
                "malformed"
            ),
        ])
    func poison(value: String, reason: String) async throws {
        let bench = try await WorkerBench(partitions: 1)
        let topic = bench.topics.jobs("test")
        let headers = [RecordHeader("custom", "kept")]
        try await bench.publish([ProducerRecord(topic: topic, key: [0, 1], value: Array(value.utf8), headers: headers)])
        try await bench.publish(jobs: ["after"])
        let events = try await bench.run(handler: Handler { _, _ in .done(JobResult()) }, until: ended(2))
        #expect(events.contains { $0.event == .completed && $0.job.id == "after" })
        let dead = try #require(try await bench.records(1, of: bench.topics.dead("test")).first)
        #expect(dead.key == [0, 1])
        #expect(dead.value == Array(value.utf8))
        #expect(dead.headers.text(of: "custom") == "kept")
        #expect(dead.headers.text(of: "dlq-reason") == reason)
        #expect(dead.headers.text(of: "job-first-topic") == topic)
    }

    @Test("a job that fails is tried again through the retry topic, and given up after its attempts")
    func retries() async throws {
        let bench = try await WorkerBench(partitions: 1, retryDelays: [.milliseconds(100), .milliseconds(200)])
        var configuration = bench.configuration
        configuration.maximumAttempts = 3
        try await bench.publish(jobs: ["flaky", "hopeless", "fine"])
        let events = try await bench.run(
            configuration,
            handler: Handler { job, context in
                if job.id == "fine" || job.id == "flaky" && context.attempt == 2 { return .done(JobResult()) }
                return .retry(JobEvent.Failure(reason: "test", message: "no luck"))
            }, until: ended(3))
        func story(_ id: String) -> [String] {
            events.filter { $0.job.id == id && $0.event != .started }.map { "\($0.event.rawValue) \($0.attempt)" }
        }
        #expect(story("fine") == ["completed 1"])
        #expect(story("flaky") == ["retrying 1", "completed 2"])
        #expect(story("hopeless") == ["retrying 1", "retrying 2", "failed 3"])
        let dead = try #require(try await bench.records(1, of: bench.topics.dead("test")).first)
        #expect(dead.headers.text(of: "dlq-attempts") == "3")
        #expect(try Job.decode(dead.value).id == "hopeless")
    }

    @Test("a snoozed job waits without spending an attempt")
    func snooze() async throws {
        let bench = try await WorkerBench(partitions: 1, retryDelays: [.milliseconds(100)])
        try await bench.publish(jobs: ["later"])
        let due = Mutex<Date?>(nil)
        let events = try await bench.run(
            handler: Handler { _, context in
                #expect(context.attempt == 1)
                let until = due.withLock { due in
                    due = due ?? Date().addingTimeInterval(0.5)
                    return due ?? .distantPast
                }
                if Date() < until { return .snooze(until: until, JobEvent.Failure(reason: "quota", message: "used up")) }
                return .done(JobResult())
            }, until: ended(1))
        #expect(events.contains { $0.event == .completed })
        #expect(events.first { $0.event == .completed }?.attempt == 1)
        #expect(events.contains { $0.event == .snoozed })
    }

    @Test("children are published with their parent's completion and carry its id and root")
    func children() async throws {
        let bench = try await WorkerBench(partitions: 2)
        try await bench.publish(jobs: ["whole"])
        let events = try await bench.run(
            handler: Handler { job, _ in
                guard job.id == "whole" else { return .done(JobResult()) }
                return .children((0..<3).map { bench.job("part-\($0)") })
            }, until: ended(3))
        let parts = events.filter { $0.event == .completed }
        #expect(Set(parts.map(\.job.id)) == ["part-0", "part-1", "part-2"])
        #expect(parts.allSatisfy { $0.job.parent == "whole" && $0.job.root == "whole" })
        #expect(events.first { $0.event == .planned }?.children == ["part-0", "part-1", "part-2"])
    }

    @Test("successors are published with the completion, as runs of their own")
    func successors() async throws {
        let bench = try await WorkerBench()
        try await bench.publish(jobs: ["sweep"])
        let events = try await bench.run(
            handler: Handler { job, _ in
                guard job.id == "sweep" else { return .done(JobResult()) }
                var day = bench.job("day")
                day.revision = 3
                return .done(JobResult(successors: [day]))
            }, until: ended(2))
        let ends = events.filter { $0.event == .completed }
        #expect(ends.map(\.job.id) == ["sweep", "day"])
        #expect(ends.last?.job.revision == 3 && ends.last?.job.root == "day" && ends.last?.job.parent == nil)
    }

    @Test("a job far longer than the session keeps its partition and runs once")
    func longJob() async throws {
        let bench = try await WorkerBench(partitions: 1)
        try await bench.publish(jobs: ["long"])
        let runs = Mutex(0)
        let events = try await bench.run(
            handler: Handler { _, _ in
                runs.withLock { $0 += 1 }
                // Longer than the session timeout of six seconds: the poll thread must keep the membership alive.
                try await Task.sleep(for: .seconds(8))
                return .done(JobResult())
            }, until: ended(1))
        #expect(events.count { $0.event == .completed } == 1)
        #expect(runs.withLock { $0 } == 1)
    }

    @Test("an attempt without progress is cancelled and tried again")
    func stall() async throws {
        let bench = try await WorkerBench(partitions: 1, retryDelays: [.milliseconds(100)])
        var configuration = bench.configuration
        configuration.stallTimeout = .milliseconds(300)
        try await bench.publish(jobs: ["stuck"])
        let events = try await bench.run(
            configuration,
            handler: Handler { _, context in
                if context.attempt == 1 { try await Task.sleep(for: .seconds(100)) }
                return .done(JobResult())
            }, until: ended(1))
        #expect(events.first { $0.event == .retrying }?.failure?.reason == "stalled")
        #expect(events.contains { $0.event == .completed })
    }

    @Test("a stop hands a running job back: the next worker runs it, and one completion is published")
    func handBack() async throws {
        let bench = try await WorkerBench(partitions: 1)
        var configuration = bench.configuration
        configuration.grace = .zero
        try await bench.publish(jobs: ["interrupted"])
        let isCancelled = Mutex(false)
        await #expect(throws: ProgramFailure.self) {
            _ = try await bench.run(
                configuration,
                handler: Handler { _, _ in
                    do {
                        try await Task.sleep(for: .seconds(100))
                    } catch {
                        isCancelled.withLock { $0 = true }
                        throw error
                    }
                    return .done(JobResult())
                }, until: { $0.contains { $0.event == .started } })
        }
        #expect(isCancelled.withLock { $0 })
        let events = try await bench.run(handler: Handler { _, _ in .done(JobResult()) }, until: ended(1))
        #expect(events.count { $0.event == .completed } == 1)
    }
}
