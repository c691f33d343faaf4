import ArgumentParser

/// `switchboard config`: configuration of programs.
struct ConfigCommand: AsyncParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Makes configuration of ours from that of the scripts that Switchboard replaces.",
        subcommands: [Import.self])

    static let examples = """
        switchboard config import conversations.json
        switchboard config import conversations.json --zone Asia/Manila --output config
        """
}
