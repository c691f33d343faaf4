internal import Contracts
internal import Foundation

/// A day whose pages kept shifting is read again, a number of times: `parameters.reread` says how often it was.
enum Rereading {
    /// How often a job is read again before what was found must do.
    private static let most: Int64 = 2
    private static let parameter = "reread"

    /// The next run of a job whose listing wasn't settled; nil when it was read often enough.
    ///
    /// - Parameter revision: of the manifest that it has now.
    static func next(of job: Job, after revision: Int, at now: Date) -> Job? {
        let count = job.parameters[parameter]?.integer ?? 0
        guard count < most else { return nil }
        var next = job
        var fields = fields(of: job)
        fields[parameter] = .integer(max(0, count) + 1)
        next.parameters = .object(fields)
        next.revision = revision + 1
        next.createdAt = now
        return next
    }

    /// The job as it was published at first.
    static func original(of job: Job) -> Job {
        guard job.parameters[parameter] != nil else { return job }
        var original = job
        var fields = fields(of: job)
        fields[parameter] = nil
        original.parameters = .object(fields)
        return original
    }

    private static func fields(of job: Job) -> [String: JSONValue] {
        if case .object(let fields) = job.parameters { fields } else { [:] }
    }
}
