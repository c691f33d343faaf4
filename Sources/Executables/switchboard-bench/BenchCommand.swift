import ArgumentParser
import Foundation
import Kafka
import Logging

/// Measures what the design promises; `make bench` runs it in a release build.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchboard-bench", abstract: "Measures what the design promises.", subcommands: [JobsCommand.self])
}

/// Measures the overhead of jobs.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Empty jobs a second through one worker, exactly once, and the time from publishing to start.")

    @Option(help: "The broker, host:port.")
    var broker: String

    @Option(help: "How many empty jobs.")
    var jobs = 20_000

    @Option(help: "Partitions of the job topic.")
    var partitions = 6

    func run() async throws {
        var logger = Logger(label: "kafka")
        logger.logLevel = .error
        let kafka = KafkaConfiguration(bootstrapServers: broker, clientID: "bench", logger: logger)
        let figures = try await JobOverhead(kafka: kafka, jobs: jobs, partitions: partitions).run()
        print("empty jobs through one worker   \(Int(figures.jobsPerSecond)) jobs/s")
        print("completions seen / distinct     \(figures.completions) / \(figures.distinct) of \(jobs)")
        print(
            "published → started             p50 \(figures.startMedian.formatted(.number.precision(.fractionLength(1)))) ms, "
                + "p99 \(figures.start99.formatted(.number.precision(.fractionLength(1)))) ms")
    }
}
