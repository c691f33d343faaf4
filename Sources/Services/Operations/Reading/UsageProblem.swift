/// A wrong use of the operator's tool: one line that says what was given and what is allowed.
public struct UsageProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The line, without a period.
    public let description: String

    /// A problem, in one line.
    public init(_ description: String) { self.description = description }

    /// A value that is not allowed.
    public init(_ option: String, given: String, allowed: String) {
        description = "\(option): \"\(TerminalText.escaped(given, limit: 100))\" is not allowed; allowed is \(allowed)"
    }
}
