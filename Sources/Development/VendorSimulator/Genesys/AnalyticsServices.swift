import Foundation

/// User details by query, and details of both kinds by job.
extension GenesysServices {
    static let userQueryPath = "/api/v2/analytics/users/details/query"
    private static let conversationJobs = "/api/v2/analytics/conversations/details/jobs"
    private static let userJobs = "/api/v2/analytics/users/details/jobs"

    /// The answer to a question of these endpoints; nil when it is none.
    func analytics(_ question: Question, _ contextID: String) throws(QueryRejection) -> Answer? {
        if question.path == Self.userQueryPath, question.method == "POST" { return try userDetails(question, contextID) }
        for (root, isOfUsers) in [(Self.conversationJobs, false), (Self.userJobs, true)] where question.path.hasPrefix(root) {
            let rest = question.path.dropFirst(root.count).split(separator: "/").map(String.init)
            switch (question.method, rest.count) {
            case ("POST", 0): return try submission(question, contextID, isOfUsers)
            case ("GET", 1) where rest[0] == "availability":
                return Answer(json: #"{"dataAvailabilityDate":"\#(jobs.availability)"}"#)
            case ("GET", 1): return standing(rest[0], contextID, isOfUsers)
            case ("DELETE", 1):
                guard jobs.delete(rest[0], users: isOfUsers) else { return unknownJob(contextID) }
                return Answer(status: 204, json: "")
            case ("GET", 2) where rest[1] == "results": return try results(rest[0], question, contextID, isOfUsers)
            default: return nil
            }
        }
        return nil
    }

    // MARK: User details

    private func userDetails(_ question: Question, _ contextID: String) throws(QueryRejection) -> Answer {
        guard let type = question.contentType, type.lowercased().hasPrefix("application/json") else {
            return failure(415, "unsupported.media.type", "The content type must be application/json.", contextID)
        }
        let query = try UserDetailsQuery(body: question.body)
        let days = users.timeline.data.longestQueryDays
        guard query.interval.length <= Int64(days) * SimulatorInstant.millisecondsPerDay else {
            throw QueryRejection(
                "You must specify a search interval as part of your query that does not exceed \(days) days.", field: "interval")
        }
        let page = users.page(query)
        var bytes = RecordBytes(capacity: page.users.count * 4_000 + 100)
        bytes.append("{")
        if !page.users.isEmpty {
            append(page.users, query.interval, now: page.now, to: &bytes)
            bytes.append(",")
        }
        bytes.append("\"aggregations\":[],\"totalHits\":")
        bytes.append(number: Int64(page.totalHits))
        bytes.append("}")
        var answer = Answer(body: bytes.buffer)
        answer.page = query.pageNumber
        return answer
    }

    private func append(_ list: [Int], _ interval: SimulatorInterval, now: SimulatorInstant, to bytes: inout RecordBytes) {
        bytes.append("\"userDetails\":[")
        if users.timeline.data.hasStrangers { bytes.append("null,") }
        for (position, user) in list.enumerated() {
            if position > 0 { bytes.append(",") }
            users.append(user, interval, now: now, to: &bytes)
        }
        bytes.append("]")
    }

    // MARK: Jobs

    private struct JobFields: Decodable {
        var startOfDayIntervalMatching: Bool?
        var limit: Int?
    }

    private func submission(_ question: Question, _ contextID: String, _ isOfUsers: Bool) throws(QueryRejection) -> Answer {
        guard let type = question.contentType, type.lowercased().hasPrefix("application/json") else {
            return failure(415, "unsupported.media.type", "The content type must be application/json.", contextID)
        }
        let id: String
        if isOfUsers {
            id = jobs.submit(.users(try UserDetailsQuery(body: question.body, isJob: true)))
        } else {
            let query = try ConversationQuery(body: question.body, depthLimit: nil)
            let fields: JobFields
            do {
                fields = try JSONDecoder().decode(JobFields.self, from: Data(question.body))
            } catch {
                throw QueryRejection("The request body is not a job: \(QueryRejection.explain(error))")
            }
            id = jobs.submit(.conversations(query, startOfDay: fields.startOfDayIntervalMatching ?? false))
        }
        return Answer(status: 202, json: #"{"jobId":"\#(id)"}"#)
    }

    private func standing(_ id: String, _ contextID: String, _ isOfUsers: Bool) -> Answer {
        guard let standing = jobs.look(id, users: isOfUsers) else { return unknownJob(contextID) }
        var text = #"{"state":"\#(standing.state)","submissionDate":"\#(standing.submitted)""#
        if let message = standing.message { text += #","errorMessage":\#(JSONText.quoted(message))"# }
        if let completed = standing.completed { text += #","completionDate":"\#(completed)""# }
        if let expires = standing.expires { text += #","expirationDate":"\#(expires)""# }
        let isRunning = standing.state == "QUEUED" || standing.state == "PENDING"
        return Answer(status: isRunning && jobs.behaviour.answersAccepted ? 202 : 200, json: text + "}")
    }

    private func results(
        _ id: String, _ question: Question, _ contextID: String, _ isOfUsers: Bool
    ) throws(QueryRejection) -> Answer {
        let parameters = FormBody.parse(question.query)
        let size = parameters["pageSize"].flatMap { Int($0) } ?? 100
        guard size > 0 else { throw QueryRejection("pageSize must be positive.", field: "pageSize") }
        let page: DetailsJobStore.Page
        do throws(DetailsJobStore.PageFailure) {
            page = try jobs.page(id, users: isOfUsers, cursor: parameters["cursor"], size: size)
        } catch {
            switch error {
            case .notFound: return unknownJob(contextID)
            case .badCursor: throw QueryRejection("Invalid cursor.", field: "cursor")
            }
        }
        var bytes = RecordBytes(capacity: page.range.count * 3_500 + 300)
        bytes.append("{")
        if !page.range.isEmpty {
            switch page.results {
            case .users(let list, let query, let now): append(Array(list[page.range]), query.interval, now: now, to: &bytes)
            case .conversations(let rows, let now):
                append(
                    rows[page.range].map { row in
                        var version = store.version(of: row, now: now)
                        version.hasAttributes = true
                        return version
                    }, to: &bytes)
            }
            bytes.append(",")
        }
        if let cursor = page.cursor { bytes.append(Array("\"cursor\":\(JSONText.quoted(cursor)),".utf8)) }
        bytes.append(Array("\"dataAvailabilityDate\":\"\(page.availability)\"}".utf8))
        return Answer(body: bytes.buffer)
    }

    private func unknownJob(_ contextID: String) -> Answer {
        failure(404, "not.found", "The requested job was not found.", contextID)
    }
}
