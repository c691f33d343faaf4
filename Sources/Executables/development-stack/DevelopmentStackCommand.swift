import ArgumentParser

/// The program `development-stack`.
@main
struct DevelopmentStackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "development-stack",
        abstract: "Runs Switchboard on one machine, on a broker and a simulated vendor of its own.",
        subcommands: [DemoCommand.self, ChaosCommand.self, WeekCommand.self])
}
