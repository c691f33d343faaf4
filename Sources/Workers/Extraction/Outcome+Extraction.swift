internal import GenesysCloud
internal import ObjectStorage
public import WorkerKit

extension Outcome {
    /// The outcome of an extraction: what its calls met is added to its figures (`vendor-throttled`, `vendor-failures` and so on,
    /// see `CallTally`), and failures of the vendor and of the lake become those of the job.
    ///
    /// - Throws: an ``ExtractionFailure``, which knows what should become of the job, `CancellationError`, or what else `work`
    ///   throws.
    public static func ofExtraction(_ work: () async throws -> Outcome) async throws -> Outcome {
        let tally = CallTally()
        do {
            return try await CallTally.$current.withValue(tally) { try await work() }.adding(tally.figures)
        } catch let error as GenesysCloudError {
            // Every call of a cancelled task fails; that says nothing about vendor or lake.
            try Task.checkCancellation()
            throw ExtractionFailure(error)
        } catch let error as ObjectStorageError {
            try Task.checkCancellation()
            throw ExtractionFailure(error)
        }
    }

    private func adding(_ more: [String: Int]) -> Outcome {
        switch self {
        case .done(var result):
            result.figures.merge(more) { own, _ in own }
            return .done(result)
        case .children(let jobs, let figures): return .children(jobs, figures: figures.merging(more) { own, _ in own })
        case .retry, .snooze, .dead, .cancelled: return self
        }
    }
}
