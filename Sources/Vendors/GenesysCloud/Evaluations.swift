/// Which evaluations to ask for: `GET /api/v2/quality/evaluations/query`.
///
/// The vendor wants one of evaluator, agent, assignee or conversation. By evaluator the rows are sorted by assigned date, and
/// `startTime` and `endTime` most likely select on that date too, never on the last change; neither is documented, so whoever
/// needs a day looks at the records' own dates.
public struct EvaluationsQuery: Sendable, Hashable {
    /// The user who evaluates.
    public var evaluator: String
    /// The times between which evaluations are asked for.
    public var interval: QueryInterval
    /// Evaluations of a page, 1 to 100.
    public var pageSize: Int
    /// Whether finished evaluations come with the totals of their answers.
    public var expandsAnswerTotals: Bool
    /// Whether evaluations by and of deleted users come too; the vendor hides them otherwise.
    public var includesDeletedUsers: Bool

    /// The largest page that is safe everywhere.
    public static let maximumPageSize = 100

    /// A query with everything that the vendor tells.
    public init(
        evaluator: String, interval: QueryInterval, pageSize: Int = EvaluationsQuery.maximumPageSize,
        expandsAnswerTotals: Bool = true, includesDeletedUsers: Bool = true
    ) {
        self.evaluator = evaluator
        self.interval = interval
        self.pageSize = min(max(pageSize, 1), Self.maximumPageSize)
        self.expandsAnswerTotals = expandsAnswerTotals
        self.includesDeletedUsers = includesDeletedUsers
    }

    /// The listing; it's read by `nextUri` alone, because its total and page count may be wrong.
    public var listing: ListingQuery {
        var listing = ListingQuery(
            "evaluations query", path: "/api/v2/quality/evaluations/query",
            parameters: [
                .init("evaluatorUserId", evaluator), .init("startTime", VendorTime.format(interval.startMilliseconds)),
                .init("endTime", VendorTime.format(interval.endMilliseconds)),
                .init("expandAnswerTotalScores", "\(expandsAnswerTotals)"),
                .init("includeDeletedUsers", "\(includesDeletedUsers)"),
            ], pageSize: pageSize, paging: .uris, permission: Quality.evaluationPermission)
        // A wide interval takes the vendor too long again and again: the caller divides it.
        listing.maximumTimeouts = 2
        return listing
    }
}

/// Paths and permissions of the API's quality part.
public enum Quality {
    static let evaluationPermission = "quality:evaluation:view"
    static let formPermission = "quality:evaluationForm:view"

    /// The latest published version of every form, or every published version.
    public static func publishedForms(onlyLatest: Bool, pageSize: Int = 100) -> ListingQuery {
        ListingQuery(
            "published evaluation forms", path: "/api/v2/quality/publishedforms/evaluations",
            parameters: onlyLatest ? [.init("onlyLatestPerContext", "true")] : [], pageSize: pageSize, permission: formPermission)
    }

    /// The roles whose name the vendor finds near a name: it may be the beginning, a part or the whole.
    public static func roles(named name: String) -> ListingQuery {
        ListingQuery(
            "roles", path: "/api/v2/authorization/roles", parameters: [.init("name", name), .init("userCount", "false")],
            permission: "authorization:role:view")
    }

    /// The users who have a role; without addresses of pages.
    public static func members(ofRole id: String) -> ListingQuery {
        ListingQuery("role members", path: "/api/v2/authorization/roles/\(URLText.encoded(id))/users")
    }

    /// Users in a state, with their roles as far as the vendor expands them.
    public static func users(state: String) -> ListingQuery {
        ListingQuery("users", path: "/api/v2/users", parameters: [.init("state", state), .init("expand", "authorization")])
    }
}

extension GenesysCloudClient {
    /// One evaluation with the scores of its questions, exactly as the vendor sent it.
    ///
    /// - Parameters:
    ///   - id: The evaluation.
    ///   - conversation: The conversation that it is about.
    ///   - expand: Parts to expand, such as `agent`, `evaluator` and `evaluationForm`.
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    public func evaluation(id: String, conversation: String, expand: [String] = []) async throws -> [UInt8] {
        var path = "/api/v2/quality/conversations/\(URLText.encoded(conversation))/evaluations/\(URLText.encoded(id))"
        // A list is a repeated parameter, as the API's definition has it.
        if !expand.isEmpty { path += "?" + expand.map { "expand=\(URLText.encoded($0))" }.joined(separator: "&") }
        return try await object(
            GenesysCloudRequest("evaluation by id", path: path, permission: Quality.evaluationPermission))
    }

    /// One version of an evaluation form with its questions, exactly as the vendor sent it.
    ///
    /// - Throws: ``GenesysCloudError``, or `CancellationError`.
    public func evaluationForm(id: String) async throws -> [UInt8] {
        try await object(
            GenesysCloudRequest(
                "evaluation form by id", path: "/api/v2/quality/forms/evaluations/\(URLText.encoded(id))",
                permission: Quality.formPermission))
    }
}
