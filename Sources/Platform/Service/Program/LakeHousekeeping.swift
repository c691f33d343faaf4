public import Logging
public import ObjectStorage
public import ServiceLifecycle

/// Removes what killed processes left half-written in the lake, at the start and then every hour.
public struct LakeHousekeeping: ServiceLifecycle.Service {
    private let store: any ObjectStore
    private let logger: Logger

    /// Longer than any upload takes: what is older belongs to nobody.
    public static let grace: Duration = .seconds(6 * 3600)

    /// Housekeeping of one store.
    public init(_ store: any ObjectStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Runs until graceful shutdown.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    await clean()
                    try await Task.sleep(for: .seconds(3600))
                }
            }
        } catch is CancellationError {
            return
        }
    }

    private func clean() async {
        do throws(ObjectStorageError) {
            let removed = try await store.removeAbandoned(olderThan: Self.grace)
            if removed > 0 { logger.notice("abandoned uploads removed", metadata: ["count": "\(removed)"]) }
        } catch {
            logger.warning("abandoned uploads not removed; trying again in an hour", metadata: ["error": "\(error)"])
        }
    }
}
