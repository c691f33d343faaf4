import ArgumentParser

/// `switchboard offsets`: how far consumer groups have come.
struct OffsetsCommand: AsyncParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "offsets",
        abstract: "Shows how far consumer groups have come, and moves them.",
        subcommands: [Show.self, Reset.self])

    static let examples = """
        switchboard offsets show
        switchboard offsets show --group conversation-worker
        # read again what was published since two hours ago: shows what would change
        switchboard offsets reset --group conversation-worker --topic jobs.conversation --to @-2h
        """
}
