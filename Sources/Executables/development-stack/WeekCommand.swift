import ArgumentParser
import DevelopmentStack
import Foundation

/// `development-stack week`.
struct WeekCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "week",
        abstract: "Extracts a week of all data sets from a vendor that does everything wrong, while workers are killed.",
        discussion: """
            Starts a broker, a simulated vendor and several workers of each kind as processes. Each simulated morning the day \
            before is extracted; meanwhile processes are killed with -9. The vendor throttles, fails, cuts connections, lets \
            tokens expire, tells wrong totals, moves rows while they are read, times out on wide questions, and loses its own \
            jobs. Then its clock moves on, the sweeps run and each day is settled. In the end the lake must equal the vendor's \
            truth, record for record: latest version, exactly once.

            BROKER=host:port uses a broker that runs already instead of starting one.

            After a failure the directory stays, and the command that repeats the run is printed.

            Exit codes: 0 all promises were kept, 1 one was broken or something failed, 64 wrong usage, 130 interrupted.

            EXAMPLES
              make week
              make week SEED=7 DAYS=2 CONVERSATIONS=2000 EVALUATIONS=200 USERS=50 KILLS=10
            """)

    @Option(help: "Everything that is chosen at random follows from it.")
    var seed: UInt64?

    @Option(help: "Business days, 1 to 31.")
    var days = 7

    @Option(help: "Conversations that start on each day, 10 to 200000.")
    var conversations = 30_000

    @Option(help: "Evaluations in all, about.")
    var evaluations = 2_000

    @Option(help: "Users, 17 to 20000.")
    var users = 500

    @Option(help: "Processes of each kind of worker, 1 to 8.")
    var workers = 4

    @Option(help: "Processes to kill, 0 to 10000.")
    var kills = 120

    @Option(help: "The most memory of one of our processes, MB.")
    var memory = 192

    @Option(help: "The working directory. What a former run left in it is deleted. (default: .week/seed-… in the checkout)")
    var directory: String?

    func validate() throws {
        for (name, value, range) in [
            ("days", days, 1...31), ("conversations", conversations, 10...200_000), ("evaluations", evaluations, 1...1_000_000),
            ("users", users, 17...20_000), ("workers", workers, 1...8), ("kills", kills, 0...10_000),
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
            var options = WeekOptions(directory: path ?? "\(installation.repository)/.week/seed-\(seed)")
            options.seed = seed
            options.days = days
            options.conversationsPerDay = conversations
            options.evaluations = evaluations
            options.users = users
            options.workers = workers
            options.kills = kills
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

    private func run(_ options: WeekOptions, _ installation: Installation) async throws -> Bool {
        let screen = ProgressScreen()
        screen.line("a hostile week, seed \(options.seed)")
        do {
            let verdict = try await Interruption.cancelling {
                try await WeekRun(options, installation: installation).run { screen.show($0, isFleeting: $1) }
            }
            screen.line("")
            for line in verdict.lines { screen.line(line) }
            screen.line("")
            guard !verdict.isGood else {
                screen.line("The lake is what the vendor has (seed \(options.seed)).")
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
