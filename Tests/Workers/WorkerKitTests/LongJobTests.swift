import Contracts
import Foundation
import Kafka
import Synchronization
import TestSupport
import Testing

@testable import WorkerKit

@Suite("Jobs that take longer than Kafka lets a consumer be silent")
struct LongJobTests {
    /// `LONG_JOB_SECONDS=1200` makes it the job of 20 minutes with `max.poll.interval.ms` at 60 s.
    private static let seconds = ProcessInfo.processInfo.environment["LONG_JOB_SECONDS"].flatMap { Int($0) } ?? 20

    @Test("a job several times longer than max.poll.interval.ms runs once and completes once", .timeLimit(.minutes(30)))
    func longerThanPollInterval() async throws {
        let bench = try await WorkerBench()
        var configuration = bench.configuration
        configuration.kafka.properties["max.poll.interval.ms"] = "\(max(6, Self.seconds / 20) * 1000)"
        configuration.stallTimeout = .seconds(Self.seconds * 2)
        try await bench.publish(jobs: ["long"] + (0..<10).map { "short-\($0)" })
        let starts = Mutex<[String]>([])
        let handler = Handler { job, _ in
            starts.withLock { $0.append(job.id) }
            if job.id == "long" { try await Task.sleep(for: .seconds(Self.seconds)) }
            return .done(JobResult())
        }
        let events = try await bench.run(configuration, handler: handler, until: ended(11))
        #expect(events.count { $0.event == .completed && $0.job.id == "long" } == 1)
        #expect(starts.withLock { $0.count { $0 == "long" } } == 1)
        #expect(events.allSatisfy { $0.attempt == 1 && !($0.event == .retrying || $0.event == .failed) })
    }
}
