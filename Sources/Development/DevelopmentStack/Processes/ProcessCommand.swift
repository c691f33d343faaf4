/// A program to start: what, with which arguments, where its output goes.
public struct ProcessCommand: Sendable {
    /// What logs and errors call the process.
    public var name: String
    /// The path of the program.
    public var program: String
    /// What follows the program's name.
    public var arguments: [String]
    /// Environment variables that are added to those of this process, or replace them; nil takes one away.
    public var environment: [String: String?]
    /// The file that standard output and error are appended to.
    public var output: String

    /// Describes a process.
    public init(
        _ name: String, program: String, arguments: [String] = [], environment: [String: String?] = [:], output: String
    ) {
        self.name = name
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.output = output
    }
}

/// How a process ended.
public enum ProcessEnd: Sendable, Hashable, CustomStringConvertible {
    /// It ended by itself with this code.
    case exited(Int32)
    /// This signal ended it.
    case killed(signal: Int32)

    /// One phrase for people.
    public var description: String {
        switch self {
        case .exited(let code): "exited with \(code)"
        case .killed(let signal): "was killed by signal \(signal)"
        }
    }
}
