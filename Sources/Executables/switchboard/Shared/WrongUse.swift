import ArgumentParser
import Operations

/// A command whose help ends with examples.
protocol Exampled {
    /// Commands as one would type them, one a line; lines that begin with `#` say what for.
    static var examples: String { get }
}

/// The command that the arguments name, as far as they do, and what is said when the rest is wrong.
struct CommandPath {
    private(set) var command: any ParsableCommand.Type
    private(set) var words: [String]
    private var stray: String?

    init(_ root: any ParsableCommand.Type, arguments: [String]) {
        command = root
        words = [root._commandName]
        for argument in arguments.first == "help" ? arguments.dropFirst() : arguments[...] {
            if let next = command.configuration.subcommands.first(where: { $0._commandName == argument }) {
                command = next
                words.append(argument)
                continue
            }
            if !command.configuration.subcommands.isEmpty, !argument.hasPrefix("-") { stray = argument }
            return
        }
    }

    /// `switchboard offsets reset`.
    var name: String { words.joined(separator: " ") }

    /// One line: what is wrong and where the help is.
    func line(_ problem: String) -> String {
        var problem = problem
        if let stray {
            let known = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
            problem =
                "there is no command \"\(TerminalText.escaped(stray, limit: 60))\"; there are \(known.joined(separator: ", "))"
        }
        let text = problem.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix { $0 == " " } }.joined(separator: " ")
            .replacing(/\. (Did you mean .*\?)/) { " (\($0.1.lowercased()))" }
        let end = text.last == "." ? text.dropLast() : text[...]
        return "\(name): \(end.prefix(1).lowercased() + end.dropFirst()); see \(name) --help\n"
    }

    /// A command's help with its examples at the end.
    func withExamples(_ help: String) -> String {
        var text = help
        while text.last?.isNewline == true { text.removeLast() }
        text += "\n"
        if let exampled = command as? any Exampled.Type {
            let lines = exampled.examples.split(separator: "\n", omittingEmptySubsequences: false)
            text += "\nEXAMPLES:\n" + lines.map { $0.isEmpty ? "\n" : "  \($0)\n" }.joined()
        }
        return text
    }
}
