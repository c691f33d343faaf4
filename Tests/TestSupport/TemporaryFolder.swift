public import Foundation
import Glibc
import Synchronization

/// Folders of tests that are gone when the test process has ended, whatever the tests did.
public enum TemporaryFolder {
    private static let removals = Mutex<[URL]>([])

    /// Makes an empty folder.
    ///
    /// - Parameter name: What it begins with, for those who find it while the tests run.
    public static func make(_ name: String) throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "\(name)-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        removeAtExit([folder])
        return folder
    }

    /// Removes files and folders when the process ends.
    public static func removeAtExit(_ items: [URL]) {
        let isFirst = removals.withLock { removals in
            defer { removals += items }
            return removals.isEmpty
        }
        guard isFirst else { return }
        atexit {
            for item in TemporaryFolder.removals.withLock({ $0 }) { try? FileManager.default.removeItem(at: item) }
        }
    }
}
