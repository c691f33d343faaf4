internal import Contracts
internal import Logging
internal import ObjectStorage
final class JobCheckpoint: Sendable {
    func flush() async {}
}
extension JobMemory {
    func checkpoint(
        of job: Job, logger: Logger, onSave: @escaping @Sendable () -> Void
    ) async -> JobCheckpoint { JobCheckpoint() }
    func forget(_ checkpoints: [JobCheckpoint]) {}
}
