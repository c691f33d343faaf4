internal import Contracts
internal import Foundation
internal import Logging
internal import ObjectStorage

/// Removes checkpoints that nobody will read: of jobs that were given up unrun, or written after the job was done.
enum CheckpointHousekeeping {
    /// Longer than any job waits between its attempts: snoozes end after 30 days.
    static let retention: TimeInterval = 35 * 86_400

    /// Removes the checkpoints of a kind that weren't written for `retention`; returns how many there were.
    ///
    /// - Throws: an `ObjectStorageError` when they can't be listed; what can't be removed is left for the next time.
    @discardableResult
    static func sweep(
        _ store: any ObjectStore, kind: String, now: Date, logger: Logger
    ) async throws(ObjectStorageError) -> Int {
        var removed = 0
        let old = now.addingTimeInterval(-retention)
        for try await object in store.list(prefix: StateLayout.checkpoints(of: kind) + "/") {
            guard let modified = object.modified, modified < old else { continue }
            do throws(ObjectStorageError) {
                try await store.delete(object.key)
                removed += 1
            } catch {
                logger.debug("old checkpoint not removed", metadata: ["key": "\(object.key)", "error": "\(error)"])
            }
        }
        if removed > 0 { logger.info("old checkpoints removed", metadata: ["count": "\(removed)"]) }
        return removed
    }
}
