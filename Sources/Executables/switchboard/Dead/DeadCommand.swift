import ArgumentParser

/// `switchboard dead`: work that was given up.
struct DeadCommand: AsyncParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "dead",
        abstract: "Shows work that was given up, sends it back, or puts it away.",
        discussion: """
            Work that a worker gave up is in its kind's topic jobs.<kind>.dead, bytes untouched. Nothing is ever deleted there: \
            what was sent back or put away is marked in the topic dead.marks, and then no longer listed.
            """,
        subcommands: [List.self, Show.self, Redrive.self, Export.self, Discard.self])

    static let examples = """
        switchboard dead list conversation --by error
        switchboard dead show conversation 3:42
        switchboard dead redrive conversation --error vendor-unavailable
        switchboard dead redrive conversation --error vendor-unavailable --execute
        """
}
