import Glibc
import SystemPackage

/// Writes the ready file so that a reader sees all of it or nothing.
enum ReadyFile {
    static func write(_ text: String, to path: String) throws(Errno) {
        let temporary = path + ".\(getpid()).tmp"
        do {
            let file = try FileDescriptor.open(
                FilePath(temporary), .writeOnly, options: [.create, .truncate],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try file.closeAfter { _ = try file.writeAll(Array(text.utf8)) }
        } catch let error as Errno {
            throw error
        } catch {
            throw Errno.ioError
        }
        guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
    }
}

/// The environment variables of this process.
public enum ProcessEnvironment {
    /// All variables with their values.
    public static var current: [String: String] {
        var variables: [String: String] = [:]
        var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = environ
        while let pointer = entry?.pointee {
            let text = String(cString: pointer)
            if let separator = text.firstIndex(of: "=") {
                variables[String(text[..<separator])] = String(text[text.index(after: separator)...])
            }
            entry = entry?.successor()
        }
        return variables
    }
}

/// Writes text for people to standard output and error.
enum StandardStreams {
    static func print(_ text: String) { write(text, STDOUT_FILENO) }
    static func printError(_ text: String) { write(text, STDERR_FILENO) }

    private static func write(_ text: String, _ descriptor: Int32) {
        // Nobody is left to tell when standard output or error is closed.
        _ = try? FileDescriptor(rawValue: descriptor).writeAll(Array(text.utf8))
    }
}
