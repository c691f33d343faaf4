internal import GenesysCloud
public import WorkerKit

extension Outcome {
    /// Does a piece of work and adds to its figures what its calls met: `vendor-throttled`, `vendor-failures` and so on.
    public static func countingCalls(_ work: () async throws -> Outcome) async throws -> Outcome {
        let tally = CallTally()
        return try await CallTally.$current.withValue(tally) { try await work() }.adding(tally.figures)
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
