internal import Contracts
internal import Extraction
internal import Foundation
internal import GenesysCloud

/// What a job asks for, read from its message.
struct ConversationRequest: Sendable {
    /// What is to be done; `parameters.task`.
    enum Work: String, Sendable, CaseIterable {
        /// Brings the conversations of the interval into the lake, anew if need be.
        case extract
        /// Completes those of the day that hadn't ended; asked for by `finish-open`.
        case finish
        /// Looks which conversations that hadn't ended have ended since, over all days.
        case finishOpen = "finish-open"
        /// Has the day extracted again, once the vendor's data have settled.
        case settle
        /// Lists the vendor's privacy requests.
        case privacyRequests = "gdpr-requests"
    }

    /// Which of the vendor's two ways is used; `parameters.method`.
    enum Method: String, Sendable, CaseIterable {
        /// The details query: fresh, page by page.
        case query
        /// A details job: hours late, complete and settled, with participants' attributes.
        case job
    }

    let work: Work
    let method: Method
    /// The business day, `yyyy-MM-dd`.
    let day: String
    let interval: Interval
    /// The interval as the vendor takes it.
    let range: QueryInterval
    /// Further fields of the request, a JSON object; nil for none.
    let fields: String?
    /// The data set that a sweep is about; `parameters.of`.
    let subject: String

    /// Reads a job.
    ///
    /// - Throws: `ExtractionFailure`, reason `bad-job`, for anything that no repetition mends.
    init(_ job: Job, configuration: ConversationConfiguration) throws(ExtractionFailure) {
        guard let interval = job.interval, let day = job.day, interval.start < interval.end else {
            throw Self.refused("a conversation job needs a day and an interval", "publish it with both")
        }
        guard let range = QueryInterval(start: interval.start, end: interval.end) else {
            throw Self.refused("the interval \(interval) can't be asked for", "correct the job's interval")
        }
        self.interval = interval
        self.range = range
        self.day = day
        work = try Self.choice("task", job.parameters, default: .extract)
        method = try Self.choice("method", job.parameters, default: .query)
        subject = try Self.subject(job.parameters["of"])
        fields = try Self.fields(job.parameters["request"] ?? configuration.request)
    }

    /// The details query.
    func query(pageSize: Int) throws(ExtractionFailure) -> ConversationDetailsQuery {
        guard let fields else { return ConversationDetailsQuery(interval: range, pageSize: pageSize) }
        do throws(ConversationDetailsQuery.InvalidFields) {
            return try ConversationDetailsQuery(interval: range, pageSize: pageSize, requestBody: fields)
        } catch {
            throw Self.refused("\(error)", "correct parameters.request or the interval of the schedule")
        }
    }

    private static func choice<Value: RawRepresentable & CaseIterable>(
        _ name: String, _ parameters: JSONValue, default: Value
    ) throws(ExtractionFailure) -> Value where Value.RawValue == String {
        guard let given = parameters[name], given != .null else { return `default` }
        guard let text = given.string, let value = Value(rawValue: text) else {
            let allowed = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw refused("parameters.\(name) is none of \(allowed)", "correct the parameters of the schedule")
        }
        return value
    }

    private static func subject(_ given: JSONValue?) throws(ExtractionFailure) -> String {
        guard let given, given != .null else { return "conversations" }
        guard let name = given.string, Job.isName(name) else {
            throw refused("parameters.of is no data set's name", "correct the parameters of the schedule")
        }
        return name
    }

    private static func fields(_ request: JSONValue?) throws(ExtractionFailure) -> String? {
        guard let request, request != .null else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(request), as: UTF8.self)
        } catch {
            throw refused("parameters.request can't be written as JSON", "correct the parameters of the schedule")
        }
    }

    private static func refused(_ message: String, _ advice: String) -> ExtractionFailure {
        ExtractionFailure(reason: "bad-job", message: message, advice: advice)
    }
}
