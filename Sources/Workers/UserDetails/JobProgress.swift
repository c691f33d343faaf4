internal import Contracts
internal import GenesysCloud
internal import Records
internal import WorkerKit

/// What a checkpoint keeps of a vendor's job: its id, so that another attempt needn't submit one.
///
/// The place in the results isn't kept: what was read of them is in this attempt's memory, and reading again is quick.
enum JobProgress {
    /// The step of the checkpoint.
    static let step = "job"

    /// The progress that a checkpoint holds; the beginning when it holds none, or one of another request.
    static func restored(_ checkpoint: Checkpoint?, body: [UInt8]) -> DetailsJobRun.Progress {
        guard let checkpoint, checkpoint.step == step, checkpoint.cursor["request"]?.string == digest(body) else {
            return DetailsJobRun.Progress()
        }
        var figures: [String: Int] = [:]
        if case .object(let values)? = checkpoint.cursor["figures"] {
            figures = values.compactMapValues { $0.integer.map { Int(clamping: $0) } }
        }
        return DetailsJobRun.Progress(
            job: checkpoint.cursor["job"]?.string, cursor: nil, pages: 0,
            submissions: Int(clamping: checkpoint.cursor["submissions"]?.integer ?? 0), figures: figures)
    }

    fileprivate static func digest(_ body: [UInt8]) -> String { String(ContentHash.of(body), radix: 16) }
}

extension DetailsJobRun.Progress {
    /// What the checkpoint keeps.
    func value(_ body: [UInt8]) -> JSONValue {
        var fields: [String: JSONValue] = [
            "request": .string(JobProgress.digest(body)), "submissions": .integer(Int64(submissions)),
            "figures": .object(figures.mapValues { .integer(Int64($0)) }),
        ]
        fields["job"] = job.map { .string($0) }
        return .object(fields)
    }
}
