import ArgumentParser
import DevelopmentStack
import Foundation
import Kafka
import Logging
import ObjectStorage

/// Measures what the design promises; `make bench` runs it in a release build.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchboard-bench", abstract: "Measures what the design promises, on this machine in one run.",
        discussion: """
            Examples:
              switchboard-bench                                   everything
              switchboard-bench jobs --broker 127.0.0.1:9092      job overhead on a Kafka that runs already
              switchboard-bench conversations --conversations 1000000
              switchboard-bench evaluations                       how much of the vendor's allowance evaluations use (4 minutes)
              switchboard-bench poison --messages 1000000         messages that are no jobs
            """,
        subcommands: [
            AllCommand.self, JobsCommand.self, ConversationsCommand.self, EvaluationsCommand.self, PoisonCommand.self,
            PoisonWorker.self,
        ], defaultSubcommand: AllCommand.self)

    /// Where measurements keep their files; removed before and after.
    static func directory() throws -> String {
        let directory = "\(FileManager.default.currentDirectoryPath)/.bench"
        if FileManager.default.fileExists(atPath: directory) { try FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return directory
    }
}

/// Measures everything.
struct AllCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "all", abstract: "Everything, one after the other.")

    func run() async throws {
        var conversations = ConversationsCommand()
        conversations.conversations = 200_000
        try await conversations.run()
        print("")
        var jobs = JobsCommand()
        jobs.broker = ProcessInfo.processInfo.environment["BROKER"]
        jobs.jobs = 20_000
        jobs.partitions = 6
        try await jobs.run()
    }
}

/// Measures the overhead of jobs.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Empty jobs a second through one worker, exactly once, and the time from publishing to start.")

    @Option(help: "The broker, host:port; without it one is started.")
    var broker: String?

    @Option(help: "How many empty jobs.")
    var jobs = 20_000

    @Option(help: "Partitions of the job topic.")
    var partitions = 6

    func run() async throws {
        var logger = Logger(label: "kafka")
        logger.logLevel = .error
        let directory = try BenchCommand.directory()
        let started: TansuBroker =
            if let broker {
                try await TansuBroker.existing(broker)
            } else {
                try await TansuBroker.start(try Installation.current(), log: "\(directory)/broker.log")
            }
        let kafka = KafkaConfiguration(bootstrapServers: started.bootstrapServers, clientID: "bench", logger: logger)
        let figures: JobOverhead.Figures
        do {
            try FileManager.default.createDirectory(atPath: "\(directory)/state", withIntermediateDirectories: true)
            let state = try ObjectStorageLocation.open("file://\(directory)/state")
            figures = try await JobOverhead(kafka: kafka, jobs: jobs, partitions: partitions, state: state).run()
        } catch {
            await started.stop()
            throw error
        }
        await started.stop()
        print("Job overhead, \(jobs) empty jobs, one worker, \(partitions) partitions")
        Table.row("throughput", "\(Int(figures.jobsPerSecond)) jobs/s", bar: "≥ 1,000")
        Table.row("completions seen / different", "\(figures.completions) / \(figures.distinct)", bar: "\(jobs) / \(jobs)")
        Table.row("published → started, median", "\(Table.number(figures.startMedian)) ms", bar: "< 100 ms")
        Table.row("published → started, 99th percentile", "\(Table.number(figures.start99)) ms")
    }
}

/// Measures the conversation day.
struct ConversationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conversations",
        abstract: "One business day of conversations from the simulator, by the worker and by the script that it replaces.")

    @Option(help: "Conversations of the day.")
    var conversations = 200_000

    func run() async throws {
        let comparison = try await ConversationDay(conversations: conversations, directory: try BenchCommand.directory()).run()
        try? FileManager.default.removeItem(atPath: "\(FileManager.default.currentDirectoryPath)/.bench")
        print("One day of \(comparison.worker.records) conversations")
        Table.row("worker", "\(Int(comparison.worker.rate)) records/s")
        Table.row("worker, peak memory", "\(Table.megabytes(comparison.worker.peakBytes)) MB", bar: "< 128 MB")
        Table.row("lake equals the vendor's truth", comparison.isEqual ? "yes" : "NO", bar: "yes")
        for peer in comparison.peers {
            Table.row(
                "replaced script, page size \(peer.pageSize)",
                "\(Int(peer.figures.rate)) records/s, \(Table.megabytes(peer.figures.peakBytes)) MB")
            Table.row("  worker ÷ script", "\(Table.number(comparison.worker.rate / peer.figures.rate)) ×", bar: "≥ 5 ×")
        }
        if !comparison.isEqual { throw ExitCode(1) }
    }
}

/// Measures how much of the vendor's allowance a day of evaluations uses.
struct EvaluationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluations",
        abstract: "The listings of many evaluators against the vendor's allowance: how much of it is used.")

    @Option(help: "Evaluators.")
    var evaluators = 50

    @Option(help: "Pages of each, of a hundred evaluations.")
    var pages = 4

    @Option(help: "Calls that the vendor allows in a window; few, so that the day takes several windows.")
    var allowance = 60

    @Option(help: "Seconds of a window.")
    var window = 60

    func run() async throws {
        let figures = try await EvaluationListings(
            evaluators: evaluators, pages: pages, allowance: allowance, window: window
        ).run()
        print("Evaluations of \(evaluators) evaluators, about \(pages) pages each, \(allowance) calls in \(window) s")
        Table.row("evaluations, pages", "\(figures.evaluations), \(figures.pages)")
        Table.row("calls answered / throttled", "\(figures.calls) / \(figures.throttled)")
        Table.row("time", "\(Table.number(figures.seconds)) s, \(figures.windows) windows and a part of one")
        Table.row("allowance used", "\(Table.number(figures.used * 100)) %", bar: "≥ 95 %")
        Table.row("as many as the vendor has", figures.isTrue ? "yes" : "NO", bar: "yes")
        if figures.used < 0.95 || !figures.isTrue { throw ExitCode(1) }
    }
}

/// Measures a flood of messages that are no jobs.
struct PoisonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poison",
        abstract: "Random and mutated bytes as job messages: each is in the dead topic with its bytes intact, and how fast.")

    @Option(help: "The broker, host:port; without it one is started.")
    var broker: String?

    @Option(help: "How many messages.")
    var messages = 200_000

    @Option(help: "Partitions of the job topic.")
    var partitions = 6

    @Option(help: "What the messages follow from; printed, so that a failure can be repeated.")
    var seed = UInt64.random(in: 1...999_999)

    func run() async throws {
        let directory = try BenchCommand.directory()
        print("Poison flood, \(messages) messages, seed \(seed), one worker, \(partitions) partitions")
        let started: TansuBroker =
            if let broker {
                try await TansuBroker.existing(broker)
            } else {
                try await TansuBroker.start(try Installation.current(), log: "\(directory)/broker.log")
            }
        let figures: PoisonFlood.Figures
        do {
            figures = try await PoisonFlood(
                kafka: started.kafka(client: "bench"), messages: messages, partitions: partitions, seed: seed,
                directory: directory
            ).run()
        } catch {
            await started.stop()
            throw error
        }
        await started.stop()
        Table.row("throughput", "\(Int(figures.rate)) messages/s", bar: "≥ 5,000")
        Table.row("dead with their bytes intact", "\(figures.dead)")
        Table.row("valid jobs after all, completed", "\(figures.done)")
        Table.row("lost / twice / differing", "\(figures.lost) / \(figures.twice) / \(figures.differing)", bar: "0 / 0 / 0")
        Table.row("worker, peak memory", "\(Table.megabytes(figures.peakBytes)) MB")
        Table.row("worker, log", "\(Table.megabytes(figures.logBytes)) MB")
        Table.row("worker, end", "\(figures.end)", bar: "exited with 0")
        if !figures.isRight { throw ExitCode(1) }
    }
}

/// Prints figures beside their bars.
enum Table {
    static func row(_ name: String, _ value: String, bar: String? = nil) {
        let padded = name + String(repeating: " ", count: max(1, 40 - name.count))
        let value = value + String(repeating: " ", count: max(1, 32 - value.count))
        print("  \(padded)\(value)\(bar.map { "bar \($0)" } ?? "")")
    }

    static func number(_ value: Double) -> String { value.formatted(.number.precision(.fractionLength(1)).grouping(.never)) }

    static func megabytes(_ bytes: Int) -> String { number(Double(bytes) / 1_000_000) }
}
