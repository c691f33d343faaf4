/// How a program ends, as its supervisor sees it (values of `sysexits.h`).
public enum ProgramExit: Int32, Sendable {
    /// It did what it was asked to, shutting down included.
    case clean = 0
    /// Its command line is wrong.
    case usage = 64
    /// Something is wrong that a restart is not known to cure: a bug or a refused invariant.
    case failure = 70
    /// Something it needs is unavailable at the moment, such as the broker or the storage: restart it.
    case temporary = 75
    /// Its configuration is wrong: restarting it changes nothing.
    case configuration = 78
}

/// An error that ends a program with a chosen exit code.
public struct ProgramFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The exit code.
    public let exit: ProgramExit
    /// What happened and what to do about it, one line, without secrets.
    public let message: String

    /// Creates a failure.
    ///
    /// - Parameters:
    ///   - exit: The exit code.
    ///   - message: What happened and what to do about it, one line, without secrets.
    public init(_ exit: ProgramExit, _ message: String) {
        self.exit = exit
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
