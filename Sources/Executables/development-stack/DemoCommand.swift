import ArgumentParser
import DevelopmentStack
import Foundation

/// `development-stack demo`.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Three business days of all data sets from a simulated vendor to a lake in a directory.",
        discussion: """
            Starts broker, simulator, scheduler, conversation-worker, evaluation-worker, \
            user-details-worker and monitor as processes on free ports, shows what happens, \
            compares the lake with what the simulated vendor has, and stops everything. Ctrl-C stops everything at any time.

            BROKER=host:port uses a broker that runs already instead of starting one.

            Exit codes: 0 all days are there and equal to the vendor's, 1 they are not or something failed, 64 wrong usage, \
            130 interrupted.
            """)

    @Flag(help: "Leave everything running at the end, until Ctrl-C, and say where it listens.")
    var keep = false

    @Option(help: "The working directory. What a former demo left in it is deleted. (default: .demo in the checkout)")
    var directory: String?

    @Option(help: "Conversations that start on each day, 1 to 20000.")
    var conversations = 1_500

    @Option(
        help: ArgumentHelp("What goes wrong at the vendor: none, hostile, or a JSON file with a fault plan.", valueName: "plan"))
    var faults = "none"

    func validate() throws {
        guard (1...20_000).contains(conversations) else {
            throw ValidationError("--conversations must be 1 to 20000, not \(conversations)")
        }
    }

    func run() async throws {
        // A reader that goes away is no reason to die before everything is stopped.
        signal(SIGPIPE, SIG_IGN)
        let isGood: Bool
        do {
            let installation = try Installation.current()
            let path = directory.map {
                URL(filePath: $0, directoryHint: .notDirectory).standardizedFileURL.path(percentEncoded: false)
            }
            var options = Demo.Options(directory: path ?? "\(installation.repository)/.demo")
            options.keepsRunning = keep
            options.conversationsPerDay = conversations
            options.faults = faults
            let demo = Demo(options, installation: installation)
            isGood = try await Interruption.cancelling { try await demo.run() }
        } catch is Interruption {
            FileHandle.standardError.write(Data("everything is stopped\n".utf8))
            throw ExitCode(130)
        } catch {
            FileHandle.standardError.write(Data("development-stack: \(error)\n".utf8))
            throw ExitCode.failure
        }
        if !isGood { throw ExitCode.failure }
    }
}
