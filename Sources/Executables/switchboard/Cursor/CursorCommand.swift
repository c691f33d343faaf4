import ArgumentParser

/// `switchboard cursor`: how far schedules have come.
struct CursorCommand: AsyncParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "cursor",
        abstract: "Shows how far schedules have come, and moves them.",
        subcommands: [Show.self, Set.self])

    static let examples = """
        switchboard cursor show --schedules config/schedules.yaml
        # publishes the intervals since the first of March again: shows which
        switchboard cursor set conversations --to 2026-03-01 --schedules config/schedules.yaml
        """
}
