internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud

/// What a job asks for, checked.
struct UserDetailsTask: Sendable {
    /// What is to be done.
    enum Action: Sendable {
        /// A day's rows.
        case extract(UserDetailsConfiguration.Method)
        /// A snapshot of a lookup.
        case lookup(LookupTable.Lookup)
        /// A look at everything that is open, in the days of this data set.
        case complete(dataset: String)
    }

    let action: Action
    let day: String
    let interval: Interval
    let range: QueryInterval
    /// Further fields of the request, a JSON object.
    let request: String?

    /// Reads a job: `parameters.task` is `extract`, `lookup` or `complete`; without it a lookup's data set is looked up, and any
    /// other is extracted.
    init(_ job: Job, _ configuration: UserDetailsConfiguration) throws(ExtractionFailure) {
        guard let interval = job.interval, let day = job.day, interval.start < interval.end else {
            throw Self.bad("a user details job needs a day and an interval", "publish it with both")
        }
        guard let range = QueryInterval(start: interval.start, end: interval.end) else {
            throw Self.bad("the interval \(interval) can't be asked for", "correct the job's interval")
        }
        self.day = day
        self.interval = interval
        self.range = range
        action = try Self.action(job, configuration)
        if let request = job.parameters["request"] ?? configuration.request {
            guard case .object = request, let bytes = request.encoded() else {
                throw Self.bad("parameters.request is no object", "give the further fields of the request as an object")
            }
            self.request = String(decoding: bytes, as: UTF8.self)
        } else {
            request = nil
        }
    }

    private static func action(
        _ job: Job, _ configuration: UserDetailsConfiguration
    ) throws(ExtractionFailure) -> Action {
        let lookup = LookupTable.named(job.dataset)
        switch try text(job, "task") ?? (lookup == nil ? "extract" : "lookup") {
        case "extract":
            guard let name = try text(job, "method") else { return .extract(configuration.method) }
            guard let method = UserDetailsConfiguration.Method(rawValue: name) else {
                throw bad("the method \(name) is unknown", "parameters.method is query or job")
            }
            return .extract(method)
        case "lookup":
            guard let lookup else {
                let names = LookupTable.all.map(\.dataset).joined(separator: ", ")
                throw bad("\(job.dataset) is no lookup", "the data sets of lookups are \(names)")
            }
            return .lookup(lookup)
        case "complete":
            let dataset = try text(job, "dataset") ?? "user_details"
            guard Job.isName(dataset), dataset != job.dataset else {
                throw bad(
                    "\(dataset) can't be completed by a job of \(job.dataset)",
                    "name the data set in parameters.dataset, and give the sweep another one of its own")
            }
            return .complete(dataset: dataset)
        case let name: throw bad("the task \(name) is unknown", "parameters.task is extract, lookup or complete")
        }
    }

    private static func text(_ job: Job, _ key: String) throws(ExtractionFailure) -> String? {
        guard let value = job.parameters[key], value != .null else { return nil }
        guard let text = value.string else { throw bad("parameters.\(key) is no text", "correct the schedule's parameters") }
        return text
    }

    private static func bad(_ message: String, _ advice: String) -> ExtractionFailure {
        ExtractionFailure(reason: "bad-job", message: message, advice: advice)
    }

    /// Turns refused fields of a request into what becomes of the job.
    static func checked<Value>(_ make: () throws(InvalidRequestFields) -> Value) throws(ExtractionFailure) -> Value {
        do throws(InvalidRequestFields) {
            return try make()
        } catch {
            throw bad("parameters.request: \(error)", "correct the schedule's parameters")
        }
    }

    /// The vendor's data end before the interval does: the job waits for about as long as is missing.
    static func notAvailable(until available: Int64?, end: Int64, reason: String, now: Date = Date()) -> ExtractionFailure {
        let missing = Double(end - (available ?? end)) / 1000
        let wait = min(max(missing, 300), 6 * 3600)
        let known = available.map { VendorTime.format($0) } ?? "an unknown time"
        return ExtractionFailure(
            until: now.addingTimeInterval(wait), reason: reason,
            message: "the vendor's data are complete up to \(known) only, not up to \(VendorTime.format(end))",
            advice: "wait; details jobs are hours behind. For fresh data use the method query")
    }
}
