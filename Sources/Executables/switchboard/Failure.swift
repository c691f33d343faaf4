import ArgumentParser
import Foundation

/// An error that ends the program with exit code 1, each of its lines on standard error.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// How commands end.
enum Ending {
    static let error = ExitCode(1)
    static let hasWork = ExitCode(2)
    static let refused = ExitCode(3)
}

/// Where commands write: results to standard output, all that is about the run itself to standard error.
enum Output {
    static func result(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

    static func note(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            FileHandle.standardError.write(Data("switchboard: \(line)\n".utf8))
        }
    }
}
