import ArgumentParser

/// The program `switchboard`: what operators do.
@main
struct SwitchboardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchboard",
        abstract: "Operates a Switchboard installation.",
        discussion: """
            Commands that change something print what they would do and do it only with --execute.

            Exit codes: 0 nothing to do or done, 1 error, 2 there is something to do, 3 something was refused, 64 wrong usage.
            """,
        subcommands: [TopicsCommand.self])
}
