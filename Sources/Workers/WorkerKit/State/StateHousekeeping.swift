internal import Contracts
internal import Foundation
internal import Logging
internal import ObjectStorage

/// Removes what nobody will read any more: checkpoints of jobs that were given up unrun, or written after the job was done, and
/// notes of runs that died while they switched a manifest.
enum StateHousekeeping {
    /// Longer than any job waits between its attempts: snoozes end after 30 days.
    static let checkpointRetention: TimeInterval = 35 * 86_400
    /// Others pass over such a note after a minute.
    static let switchRetention: TimeInterval = 86_400

    /// Removes what wasn't written for long; returns how many objects there were.
    ///
    /// - Throws: an `ObjectStorageError` when they can't be listed; what can't be removed is left for the next time.
    @discardableResult
    static func sweep(
        _ store: any ObjectStore, kind: String, now: Date, logger: Logger
    ) async throws(ObjectStorageError) -> Int {
        var removed = 0
        for (folder, retention) in [
            (StateLayout.checkpoints(of: kind), checkpointRetention), (StateLayout.switches, switchRetention),
        ] {
            let old = now.addingTimeInterval(-retention)
            for try await object in store.list(prefix: folder + "/") {
                guard let modified = object.modified, modified < old else { continue }
                do throws(ObjectStorageError) {
                    try await store.delete(object.key)
                    removed += 1
                } catch {
                    logger.debug("old state not removed", metadata: ["key": "\(object.key)", "error": "\(error)"])
                }
            }
        }
        if removed > 0 { logger.info("old state removed", metadata: ["objects": "\(removed)"]) }
        return removed
    }
}
