import ArgumentParser
import Operations

/// `switchboard completion`.
struct CompletionCommand: ParsableCommand, Exampled {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Prints a script with which a shell completes switchboard's commands and options.")

    static let examples = """
        # bash: for this shell, or for all to come
        source <(switchboard completion bash)
        switchboard completion bash > ~/.local/share/bash-completion/completions/switchboard

        # zsh: into a folder of $fpath
        switchboard completion zsh > ~/.zfunc/_switchboard

        # fish
        switchboard completion fish > ~/.config/fish/completions/switchboard.fish
        """

    @Argument(help: "bash, zsh or fish.")
    var shell: String

    func run() throws {
        guard let shell = CompletionShell(rawValue: shell) else {
            throw UsageProblem("shell", given: shell, allowed: "bash, zsh or fish")
        }
        Output.result(SwitchboardCommand.completionScript(for: shell) + "\n")
    }
}
