/// The quality part of the API: evaluations and their forms.
struct QualityService: Sendable {
    let book: EvaluationBook
    /// Pages are never larger, whatever the endpoint allows.
    let pageLimit: Int
    /// Whether `total` and `pageCount` are wrong, as they may be for large sets [S].
    let wrongTotals: Bool
    /// A longer window of the evaluations query answers 504; nil for any.
    let longestWindow: Duration?

    private static let base = "/api/v2/quality/"
    private static let maximumPageSize = 100

    private var forms: FormBook { book.renderer.forms }

    /// The answer to a GET; nil when the path is none of this part.
    func answer(_ question: Question, _ contextID: String) throws(QueryRejection) -> Answer? {
        guard question.path.hasPrefix(QualityService.base) else { return nil }
        let parts = question.path.dropFirst(QualityService.base.count).split(separator: "/").map(String.init)
        let parameters = FormBody.parse(question.query)
        switch (parts.count, parts.first) {
        case (2, "evaluations") where parts[1] == "query": return try evaluations(question, parameters, contextID)
        case (4, "conversations") where parts[2] == "evaluations":
            // Both forms of a list are accepted: the repeated parameter and the comma-joined one.
            let expanded = FormBody.fields(question.query).filter { $0.0 == "expand" }.flatMap { $0.1.split(separator: ",") }
            return evaluation(parts[1], parts[3], expandsForm: expanded.contains("evaluationForm"), contextID)
        case (2, "forms") where parts[1] == "evaluations":
            return try formListing(question, parameters, forms.all, isWhole: false)
        case (3, "forms") where parts[1] == "evaluations": return form(forms.version(parts[2]), contextID)
        case (4, "forms") where parts[1] == "evaluations" && parts[3] == "versions":
            guard let revisions = forms.revisions(of: parts[2]) else { return missing(contextID) }
            return try formListing(question, parameters, revisions, isWhole: true)
        case (2, "publishedforms") where parts[1] == "evaluations":
            let onlyLatest = parameters["onlyLatestPerContext"] == "true"
            return try formListing(question, parameters, forms.published(onlyLatest: onlyLatest), isWhole: true)
        case (3, "publishedforms") where parts[1] == "evaluations":
            return form(forms.revisions(of: parts[2])?.last { $0.isPublished }, contextID)
        default: return missing(contextID)
        }
    }

    // MARK: Evaluations

    private func evaluations(
        _ question: Question, _ parameters: [String: String], _ contextID: String
    ) throws(QueryRejection) -> Answer {
        let who = ["conversationId", "evaluatorUserId", "agentUserId", "assigneeUserId"].filter { parameters[$0] != nil }
        guard !who.isEmpty else {
            throw QueryRejection(
                "One of conversationId, evaluatorUserId, agentUserId, assigneeUserId is required.", field: "evaluatorUserId")
        }
        let includesDeleted = parameters["includeDeletedUsers"] == "true"
        let organisation = book.renderer.organisation
        for name in who where name != "conversationId" {
            let state = organisation.state(ofUser: parameters[name] ?? "")
            guard let state, includesDeleted || state != "deleted" else {
                return failure(400, "quality.query.invalid.user", "The user is not valid.", contextID)
            }
        }
        let start = try instant("startTime", parameters) ?? SimulatorInstant(milliseconds: 0)
        let end = try instant("endTime", parameters) ?? book.store.clock.now
        if let longestWindow, end.milliseconds - start.milliseconds > longestWindow.milliseconds,
            parameters["conversationId"] == nil
        {
            return failure(504, "quality.backend.service.timeout", "The request timed out.", contextID)
        }
        let isByRelease = who == ["agentUserId"]
        var found = candidates(parameters, start, end)
        found = found.filter { entry in
            guard !includesDeleted else { return true }
            return [entry.evaluator, entry.agent].allSatisfy { id in
                id.map { organisation.state(ofUser: $0) != "deleted" } ?? true
            }
        }
        if isByRelease {
            let now = book.store.clock.now
            let released = found.compactMap { entry in
                entry.plan.neverReleased ? nil : entry.plan.state(at: now)?.released.map { (entry, $0) }
            }
            found = released.sorted { ($0.1, $0.0.id) < ($1.1, $1.0.id) }.map(\.0)
        }
        let answers = parameters["expandAnswerTotalScores"] == "true"
        return try listing(question, parameters, count: found.count) { position, bytes in
            book.append(found[position], as: .listing(answers: answers), to: &bytes)
        }
    }

    private func candidates(
        _ parameters: [String: String], _ start: SimulatorInstant, _ end: SimulatorInstant
    ) -> [EvaluationBook.Entry] {
        let now = book.store.clock.now
        let states = parameters["evaluationState"].map { $0.uppercased().split(separator: ",").map(String.init) }
        func isWanted(_ entry: EvaluationBook.Entry) -> Bool {
            if let evaluator = parameters["evaluatorUserId"], entry.evaluator != evaluator { return false }
            // Nobody else is ever assigned to an evaluation here.
            if let assignee = parameters["assigneeUserId"], entry.evaluator != assignee { return false }
            if let agent = parameters["agentUserId"], entry.agent != agent { return false }
            if let states, let state = entry.plan.state(at: now), !states.contains(state.status.rawValue) { return false }
            if let isReleased = parameters["isReleased"] {
                let state = entry.plan.state(at: now)
                if (state?.released != nil) != (isReleased == "true") { return false }
            }
            return true
        }
        if let conversation = parameters["conversationId"] {
            return book.evaluations(ofConversation: conversation)
                .filter { start <= $0.assigned && $0.assigned <= end && isWanted($0) }
        }
        return book.assigned(from: start, to: end, where: isWanted)
    }

    private func evaluation(_ conversation: String, _ id: String, expandsForm: Bool, _ contextID: String) -> Answer {
        guard let entry = book.evaluations(ofConversation: conversation).first(where: { $0.id == id }) else {
            return missing(contextID)
        }
        var bytes = RecordBytes(capacity: 8_192)
        book.append(entry, as: .point(form: expandsForm), to: &bytes)
        return Answer(body: bytes.buffer)
    }

    // MARK: Forms

    private func form(_ version: FormBook.Version?, _ contextID: String) -> Answer {
        guard let version else { return missing(contextID) }
        return Answer(json: forms.json(version, isWhole: true))
    }

    /// - Parameter isWhole: whether a form says that it is published; none of a listing has its questions.
    private func formListing(
        _ question: Question, _ parameters: [String: String], _ versions: [FormBook.Version], isWhole: Bool
    ) throws(QueryRejection) -> Answer {
        let name = parameters["name"]?.lowercased() ?? ""
        let shown = versions.filter { name.isEmpty || $0.name.lowercased().contains(name) }
        return try listing(question, parameters, count: shown.count) { position, bytes in
            bytes.append(Array(forms.json(shown[position], isWhole: isWhole).utf8))
        }
    }

    // MARK: Envelope

    private func listing(
        _ question: Question, _ parameters: [String: String], count: Int,
        entity: (Int, inout RecordBytes) -> Void
    ) throws(QueryRejection) -> Answer {
        let size = min(try number("pageSize", parameters) ?? 25, pageLimit, QualityService.maximumPageSize)
        let page = try number("pageNumber", parameters) ?? 1
        let pages = (count + size - 1) / size
        let (start, overflow) = (page - 1).multipliedReportingOverflow(by: size)
        let first = overflow ? count : min(start, count)
        let last = min(first + size, count)
        var bytes = RecordBytes(capacity: (last - first) * 2_000 + 500)
        bytes.append("{\"entities\":[")
        for position in first..<last {
            if position > first { bytes.append(",") }
            entity(position, &bytes)
        }
        let total = wrongTotals ? max(last - first, count / 2) : count
        let pageCount = wrongTotals ? max(1, pages / 2) : pages
        var rest = #"],"pageSize":\#(size),"pageNumber":\#(page),"total":\#(total),"pageCount":\#(pageCount)"#
        let kept = FormBody.fields(question.query).filter { !["pageSize", "pageNumber"].contains($0.0) }
            .map { "&\(PercentText.encoded($0.0))=\(PercentText.encoded($0.1))" }.joined()
        func uri(_ number: Int) -> String {
            JSONText.quoted("\(question.path)?pageSize=\(size)&pageNumber=\(number)\(kept)")
        }
        rest += #","firstUri":\#(uri(1)),"selfUri":\#(uri(page)),"lastUri":\#(uri(max(pages, 1)))"#
        if page < pages { rest += #","nextUri":\#(uri(page + 1))"# }
        if page > 1 { rest += #","previousUri":\#(uri(page - 1))"# }
        bytes.append(Array((rest + "}").utf8))
        return Answer(body: bytes.buffer)
    }

    private func number(_ name: String, _ parameters: [String: String]) throws(QueryRejection) -> Int? {
        guard let text = parameters[name] else { return nil }
        guard let value = Int(text), value > 0 else { throw QueryRejection("\(name) must be a positive number.", field: name) }
        return value
    }

    private func instant(_ name: String, _ parameters: [String: String]) throws(QueryRejection) -> SimulatorInstant? {
        guard let text = parameters[name] else { return nil }
        guard let instant = SimulatorInstant(text) else { throw QueryRejection("\(name) must be ISO-8601.", field: name) }
        return instant
    }

    private func missing(_ contextID: String) -> Answer {
        failure(404, "not.found", "The requested resource was not found.", contextID)
    }

    private func failure(_ status: Int, _ code: String, _ message: String, _ contextID: String) -> Answer {
        Answer(status: status, body: PlatformError.body(status: status, code: code, message: message, contextID: contextID))
    }
}
