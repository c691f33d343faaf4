internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud

/// What a job asks for, read from its message.
struct EvaluationRequest: Sendable {
    /// What is to be done; `parameters.task`.
    enum Work: String, Sendable, CaseIterable {
        /// Brings the evaluations of the interval into the lake, or corrects what is there.
        case extract
        /// Finds days before that have changed, and asks for their correction.
        case sweep
        /// Keeps the list of published forms.
        case forms
    }

    /// An evaluation by its address.
    struct Reference: Hashable, Sendable {
        let conversation: String
        let evaluation: String

        /// `conversation/evaluation`.
        init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, parts.allSatisfy({ Job.isIdentifier($0) }) else { return nil }
            self.init(conversation: parts[0], evaluation: parts[1])
        }

        init(conversation: String, evaluation: String) {
            self.conversation = conversation
            self.evaluation = evaluation
        }

        var text: String { "\(conversation)/\(evaluation)" }
    }

    /// References that one job carries at most: a job's message must stay below a megabyte.
    static let maximumReferences = 5000

    let work: Work
    /// The business day, `yyyy-MM-dd`.
    let day: String
    let interval: Interval
    /// The interval as the vendor takes it.
    let range: QueryInterval
    /// Evaluations that a sweep found; `parameters.evaluations`.
    let references: [Reference]
    /// The data set that a sweep is about; `parameters.of`.
    let subject: String

    /// Reads a job.
    ///
    /// - Throws: `ExtractionFailure`, reason `bad-job`, for anything that no repetition mends.
    init(_ job: Job) throws(ExtractionFailure) {
        guard let interval = job.interval, let day = job.day, interval.start < interval.end else {
            throw Self.refused("an evaluation job needs a day and an interval", "publish it with both")
        }
        guard let range = QueryInterval(start: interval.start, end: interval.end) else {
            throw Self.refused("the interval \(interval) can't be asked for", "correct the job's interval")
        }
        self.interval = interval
        self.range = range
        self.day = day
        work = try Self.work(job.parameters["task"])
        if let method = job.parameters["method"], method != .null, method != .string("query") {
            throw Self.refused("parameters.method can be query alone", "correct the parameters of the schedule")
        }
        subject = try Self.subject(job.parameters["of"])
        references = try Self.references(job.parameters["evaluations"])
    }

    private static func work(_ given: JSONValue?) throws(ExtractionFailure) -> Work {
        guard let given, given != .null else { return .extract }
        guard let text = given.string, let work = Work(rawValue: text) else {
            let allowed = Work.allCases.map(\.rawValue).joined(separator: ", ")
            throw refused("parameters.task is none of \(allowed)", "correct the parameters of the schedule")
        }
        return work
    }

    private static func subject(_ given: JSONValue?) throws(ExtractionFailure) -> String {
        guard let given, given != .null else { return "evaluations" }
        guard let name = given.string, Job.isName(name) else {
            throw refused("parameters.of is no data set's name", "correct the parameters of the schedule")
        }
        return name
    }

    private static func references(_ given: JSONValue?) throws(ExtractionFailure) -> [Reference] {
        guard let given, given != .null else { return [] }
        guard case .array(let values) = given, values.count <= maximumReferences else {
            throw refused(
                "parameters.evaluations is no list of at most \(maximumReferences)", "correct the job's parameters")
        }
        var references: [Reference] = []
        for value in values {
            guard let reference = value.string.flatMap(Reference.init) else {
                throw refused(
                    "parameters.evaluations has something that isn't conversation/evaluation", "correct the job's parameters")
            }
            references.append(reference)
        }
        return references
    }

    static func refused(_ message: String, _ advice: String) -> ExtractionFailure {
        ExtractionFailure(reason: "bad-job", message: message, advice: advice)
    }
}
