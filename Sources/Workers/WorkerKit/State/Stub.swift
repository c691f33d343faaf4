internal import Contracts
internal import Logging
internal import ObjectStorage
final class StartLedger: Sendable {
    init(store: any ObjectStore, kind: String, instance: String, logger: Logger) {}
    func assignmentChanged() {}
    func earlierStarts(of run: RunKey) async throws -> Int { 0 }
    func begin(_ run: RunKey, job: String) async throws -> Int { 1 }
    func end(_ run: RunKey, handedBack: Bool) {}
    func progressed(_ run: RunKey) {}
    func close() async {}
}
final class JobCheckpoint: Sendable {
    func flush() async {}
}
extension JobMemory {
    func checkpoint(of job: Job, logger: Logger, onSave: @escaping @Sendable () -> Void) async -> JobCheckpoint { JobCheckpoint() }
    func forget(_ checkpoints: [JobCheckpoint]) {}
}
