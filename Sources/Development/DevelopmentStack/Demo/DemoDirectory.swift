internal import Foundation
internal import Glibc

/// The working directory of a run, such as the demo's: one run at a time, each begins with an empty one.
///
/// The former run's results are moved aside whole before they are deleted, so that what is seen is never half a run's.
final class DemoDirectory: Sendable {
    /// The directory's path.
    let path: String

    private let lock: Int32

    /// Takes the directory and clears it.
    ///
    /// - Parameter program: what uses it, a word in errors.
    /// - Throws: a ``DevelopmentError`` when another run uses it, or when it holds something that no run made.
    init(_ path: String, of program: String = "demo") throws(DevelopmentError) {
        self.path = path
        let files = FileManager.default
        let lockFile = "\(path)/lock"
        let present = (try? files.contentsOfDirectory(atPath: path)) ?? []
        guard present.isEmpty || present.contains("lock") else {
            throw DevelopmentError("\(path) is not empty and no \(program) made it", advice: "name another with --directory")
        }
        do {
            try files.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw DevelopmentError(
                "cannot make the directory \(path): \(error.localizedDescription)", advice: "check its permissions")
        }
        lock = open(lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else { throw DevelopmentError("cannot open \(lockFile): \(String(cString: strerror(errno)))") }
        // The kernel gives the lock back when this process ends in whatever way.
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            let owner = (try? String(contentsOfFile: lockFile, encoding: .utf8))?.filter(\.isNumber) ?? ""
            throw DevelopmentError(
                "another \(program) uses \(path)\(owner.isEmpty ? "" : " (process \(owner))")",
                advice: "stop it, or name another --directory")
        }
        do {
            try clear()
            ftruncate(lock, 0)
            let text = "\(getpid())\n"
            _ = pwrite(lock, text, text.utf8.count, 0)
        } catch {
            throw DevelopmentError("cannot clear \(path): \(error.localizedDescription)", advice: "delete it")
        }
    }

    deinit { close(lock) }

    private func clear() throws {
        let files = FileManager.default
        let former = "\(path)/former-\(getpid())"
        let present = try files.contentsOfDirectory(atPath: path).filter { $0 != "lock" }
        let run = present.filter { !$0.hasPrefix("former-") }
        if !run.isEmpty {
            try files.createDirectory(atPath: former, withIntermediateDirectories: true)
            for name in run { try files.moveItem(atPath: "\(path)/\(name)", toPath: "\(former)/\(name)") }
        }
        for name in try files.contentsOfDirectory(atPath: path) where name.hasPrefix("former-") {
            try files.removeItem(atPath: "\(path)/\(name)")
        }
    }
}
