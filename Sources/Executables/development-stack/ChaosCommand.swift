public import ArgumentParser
public import DevelopmentStack
import Foundation
import Synchronization

extension ChaosOptions.Lake: ExpressibleByArgument {}

/// `development-stack chaos`.
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Runs thousands of jobs while everything around them breaks, and proves that nothing was lost.",
        discussion: """
            Starts a broker, a simulated vendor, object storage and several of each program as processes, publishes jobs whose \
            results follow from the seed, and meanwhile kills processes with -9, makes them stand still until their group gives \
            them up, cuts, holds, delays and slows the connections to broker, vendor and storage, and lets the storage answer \
            500, 503, nothing, or that it has no space. When everything has ended it compares what happened with what the seed \
            says, and the lake with that of an undisturbed run.

            BROKER=host:port uses an Apache Kafka that runs already. It then claims, and checks, that every result was \
            published exactly once, which Tansu can't promise. There is no proxy before it, because clients are told its own \
            address; BROKER_RESTART='command' is run now and then to restart it instead.

            The storage runs out of space by the proxy's answer (507): a disk that is really full would need root.

            After a failure the directory stays, and the command that repeats the run is printed.

            Exit codes: 0 all promises were kept, 1 one was broken or something failed, 64 wrong usage, 130 interrupted.

            EXAMPLES
              make chaos
              make chaos SEED=7 JOBS=2000 KILLS=40
              make chaos SEED=7 WINDOW=16 BROKER=127.0.0.1:9092 BROKER_RESTART='systemctl restart kafka'
            """)

    @Option(help: "Everything that is chosen at random follows from it.")
    var seed: UInt64?

    @Option(help: "Rehearsal jobs, 50 to 100000, children too.")
    var jobs = 10_000

    @Option(help: "Processes to kill, 0 to 10000.")
    var kills = 200

    @Option(help: "The mean time between two kills, 200 to 60000 ms.")
    var pace = 2_000

    @Option(help: "Offsets of a partition that may be running or done beyond its base, 1 to 600.")
    var window = 1

    @Option(help: "Where objects are kept: s3 (SeaweedFS behind a proxy) or file (a directory, without storage faults).")
    var lake = ChaosOptions.Lake.s3

    @Option(help: "The most memory of one of our processes, MB.")
    var memory = 128

    @Option(help: "The working directory. What a former run left in it is deleted. (default: .chaos/seed-… in the checkout)")
    var directory: String?

    func validate() throws {
        for (name, value, range) in [
            ("jobs", jobs, 50...100_000), ("kills", kills, 0...10_000), ("pace", pace, 200...60_000), ("window", window, 1...600),
            ("memory", memory, 16...65_536),
        ] where !range.contains(value) {
            throw ValidationError("--\(name) must be \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let isGood: Bool
        do {
            let installation = try Installation.current()
            let seed = seed ?? UInt64.random(in: 1...999_999)
            let path = directory.map {
                URL(filePath: $0, directoryHint: .notDirectory).standardizedFileURL.path(percentEncoded: false)
            }
            var options = ChaosOptions(directory: path ?? "\(installation.repository)/.chaos/seed-\(seed)")
            options.seed = seed
            options.jobs = jobs
            options.kills = kills
            options.pace = .milliseconds(pace)
            options.window = window
            options.lake = lake
            options.memoryLimit = memory * 1_000_000
            isGood = try await run(options, installation)
        } catch is Interruption {
            FileHandle.standardError.write(Data("everything is stopped\n".utf8))
            throw ExitCode(130)
        } catch {
            FileHandle.standardError.write(Data("development-stack: \(error)\n".utf8))
            throw ExitCode.failure
        }
        if !isGood { throw ExitCode.failure }
    }

    private func run(_ options: ChaosOptions, _ installation: Installation) async throws -> Bool {
        let screen = ProgressScreen()
        screen.line("chaos, seed \(options.seed)")
        do {
            let verdict = try await Interruption.cancelling {
                try await ChaosRun(options, installation: installation).run { screen.show($0, isFleeting: $1) }
            }
            screen.line("")
            for line in verdict.lines { screen.line(line) }
            screen.line("")
            guard !verdict.isGood else {
                screen.line("All promises were kept (seed \(options.seed)).")
                return true
            }
        } catch let error where !(error is Interruption) {
            screen.line("the run failed: \(error)")
        }
        screen.line("Logs and data are in \(options.directory). The same again:")
        screen.line("  \(options.command)")
        return false
    }
}
