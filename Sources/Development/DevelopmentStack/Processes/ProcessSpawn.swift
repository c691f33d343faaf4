internal import Foundation
internal import Glibc

/// Starts processes with `posix_spawn`.
enum ProcessSpawn {
    /// Sets the signal that a process gets when the thread that started it ends; part of util-linux.
    private static let setpriv = "/usr/bin/setpriv"

    /// Becomes the program unless the starter has died already, before its death could be a signal: then there is another parent.
    private static let guardScript = #"[ "$PPID" = "$0" ] && exec "$@""#

    /// Starts a process from the calling thread, whose end will be its end.
    static func spawn(_ command: ProcessCommand) throws(DevelopmentError) -> Int32 {
        for program in [command.program, setpriv] where access(program, X_OK) != 0 {
            throw DevelopmentError(
                "cannot start \(command.name): \(program) is not an executable file", advice: "run `make setup build`")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, command.output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // A descriptor that is closed by now does no harm here; one that was opened since is closed by the exec as all of ours are.
        for descriptor in openDescriptors() where descriptor > STDERR_FILENO {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        posix_spawnattr_setpgroup(&attributes, 0)
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)

        let arguments =
            [setpriv, "--pdeathsig", "KILL", "--", "/bin/sh", "-c", guardScript, "\(getpid())", command.program]
            + command.arguments
        var environment = ProcessInfo.processInfo.environment
        for (name, value) in command.environment { environment[name] = value }
        var identifier: pid_t = 0
        let code = withStrings(arguments) { arguments in
            withStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                posix_spawn(&identifier, setpriv, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else {
            throw DevelopmentError(
                "cannot start \(command.name): \(String(cString: strerror(code)))",
                advice: "check that \(command.output) can be written")
        }
        return identifier
    }

    private static func openDescriptors() -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.compactMap { Int32($0) }
    }

    /// Lends the texts as C expects them: pointers with a null one at the end.
    private static func withStrings<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { pointers[index] = strdup(text) }
        pointers[texts.count] = nil
        defer {
            for index in texts.indices { free(pointers[index]) }
            pointers.deallocate()
        }
        return body(pointers)
    }
}
