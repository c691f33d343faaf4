public import Contracts

/// What a worker does with a job.
///
/// It is called again for the same job after a crash or a rebalance, so what it writes must follow from the job alone.
/// Cancellation means that the partition went to another worker or that this one stops: leave nothing half-written and throw.
public protocol JobHandler: Sendable {
    /// Does the job.
    ///
    /// - Throws: an `OutcomeError` decides what becomes of the job; any other error is retried.
    func handle(_ job: Job, _ context: JobContext) async throws -> Outcome
}
