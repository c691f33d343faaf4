import ArgumentParser

/// An error that ends the program, each of its lines on standard error.
struct Failure: Error, CustomStringConvertible {
    let description: String
    let code: ExitCode

    init(_ description: String, code: ExitCode = Ending.error) {
        self.description = description
        self.code = code
    }
}

/// How commands end.
enum Ending {
    /// Something failed.
    static let error = ExitCode(1)
    /// A plan was shown that has changes, and was not carried out.
    static let hasWork = ExitCode(2)
    /// It is not done because it would do harm.
    static let refused = ExitCode(3)
    /// The command was written wrongly (`EX_USAGE`).
    static let usage = ExitCode(64)
    /// SIGINT or SIGTERM ended it.
    static let interrupted = ExitCode(130)
}
