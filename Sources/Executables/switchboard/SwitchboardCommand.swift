import ArgumentParser
import Foundation
import Operations

/// The program `switchboard`: what operators do.
@main
struct SwitchboardCommand: AsyncParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "switchboard",
        abstract: "Operates a Switchboard installation.",
        discussion: """
            Commands that change something print what they would do and do it only with --execute. Tables are for people; --json \
            prints the same for programs. Topics may be named without the prefix of the installation. Times are given as \
            2026-03-01T16:00:00Z, @-2h, @<ms since 1970>, or as 2026-03-01 and 2026-03-01T08:30 with --zone.

            The cluster is found by --bootstrap-servers, by SWITCHBOARD_KAFKA_BOOTSTRAP_SERVERS, or in a configuration file: the \
            one of --config or of SWITCHBOARD_CONFIG, or the first that there is of ./switchboard.yaml, \
            ~/.config/switchboard/switchboard.yaml and /etc/switchboard/switchboard.yaml.

            Exit codes: 0 nothing to do or done, 1 error, 2 there is something to do (shown, not done), 3 refused, 64 wrong \
            usage, 130 interrupted.
            """,
        subcommands: [
            TopicsCommand.self, JobsCommand.self, DeadCommand.self, OffsetsCommand.self, CursorCommand.self, ReplayCommand.self,
            TailCommand.self, PrivacyCommand.self, ConfigCommand.self,
            CompletionCommand.self,
        ])

    static let examples = """
        switchboard topics plan --config switchboard.yaml
        switchboard help topics apply
        """

    /// Runs what the arguments say. Everything that ends a command otherwise than well comes through here.
    static func main() async {
        // A reader that goes away must not end a command in the middle of a change.
        signal(SIGPIPE, SIG_IGN)
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            var command = try await asyncParseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            ProgressLine.shared.clear()
            end(with: error, CommandPath(self, arguments: arguments))
        }
    }

    private static func end(with error: any Error, _ path: CommandPath) -> Never {
        switch error {
        case let code as ExitCode: Foundation.exit(code.rawValue)
        case let failure as Failure:
            Output.note(failure.description)
            Foundation.exit(failure.code.rawValue)
        case let problem as UsageProblem:
            FileHandle.standardError.write(Data(path.line(problem.description).utf8))
            Foundation.exit(Ending.usage.rawValue)
        case is CancellationError:
            Foundation.exit(Ending.interrupted.rawValue)
        default: break
        }
        let code = exitCode(for: error)
        switch code {
        case .success:
            // Help, or what else was asked for.
            let text = fullMessage(for: error)
            Output.result(text.contains("USAGE: ") ? path.withExamples(text) : text + "\n")
        case .validationFailure:
            FileHandle.standardError.write(Data(path.line(message(for: error)).utf8))
        default:
            Output.note("\(error)")
        }
        Foundation.exit(code == .success || code == .validationFailure ? code.rawValue : Ending.error.rawValue)
    }
}
