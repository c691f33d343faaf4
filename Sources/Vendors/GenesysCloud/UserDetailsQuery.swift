public import Records
import Transfer

/// Whose presence and routing status to ask for: `POST /api/v2/analytics/users/details/query`.
///
/// The vendor lists users, each with the records of presence and routing status that touch the interval. A record without an
/// end is still open; one that began before the interval may come with its own start. `totalHits` counts users.
public struct UserDetailsQuery: Sendable, Hashable {
    /// The largest page, in users.
    public static let maximumPageSize = 100

    /// The interval.
    public let interval: QueryInterval
    /// The order of the rows.
    public let order: DetailsOrder
    /// The number of users of a page, 1 to 100.
    public let pageSize: Int
    /// The only users to list; empty for all.
    public let users: [String]
    private let fields: RequestFields

    private static let ownFields = ["interval", "order", "paging"]

    /// Creates a query.
    ///
    /// - Parameters:
    ///   - interval: The interval; at most a day is advisable.
    ///   - pageSize: The number of users of a page; brought into 1 to 100.
    ///   - order: The order of the rows.
    ///   - users: The only users to list; empty for all.
    ///   - requestBody: A JSON object whose fields are added, such as `{"presenceFilters":[…]}`; it's sent as it is.
    /// - Throws: ``InvalidRequestFields`` when that's no JSON object, too large, or has a field that Switchboard sets itself.
    public init(
        interval: QueryInterval, pageSize: Int = UserDetailsQuery.maximumPageSize, order: DetailsOrder = .ascending,
        users: [String] = [], requestBody: String? = nil
    ) throws(InvalidRequestFields) {
        self.interval = interval
        self.pageSize = min(max(pageSize, 1), Self.maximumPageSize)
        self.order = order
        self.users = users
        let own = Self.ownFields + (users.isEmpty ? [] : ["userFilters"])
        fields = if let requestBody { try RequestFields(requestBody, own: own) } else { RequestFields() }
    }

    /// Checks additional fields of the request, to refuse a configuration at start.
    ///
    /// - Parameter requestBody: A JSON object.
    /// - Throws: ``InvalidRequestFields``.
    public static func check(requestBody: String) throws(InvalidRequestFields) {
        _ = try RequestFields(requestBody, own: ownFields)
    }

    /// The request's body for one page.
    ///
    /// - Parameter page: The page, counted from 1.
    public func body(page: Int) -> [UInt8] {
        var text = "{\"interval\":\"\(interval)\",\"order\":\"\(order.rawValue)\","
        text += "\"paging\":{\"pageSize\":\(pageSize),\"pageNumber\":\(max(page, 1))}"
        if !users.isEmpty {
            let predicates = users.map { "{\"type\":\"dimension\",\"dimension\":\"userId\",\"value\":\(Self.quoted($0))}" }
            text += ",\"userFilters\":[{\"type\":\"or\",\"predicates\":[\(predicates.joined(separator: ","))]}]"
        }
        return fields.completing(text)
    }

    /// A JSON string; ids have nothing to escape, but they come from outside.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension GenesysCloudClient {
    /// Asks for one page of user details and has its answer read while it arrives.
    ///
    /// - Parameters:
    ///   - query: What to ask for.
    ///   - number: The page, counted from 1.
    ///   - limits: How large and deep the page may be; a record is a user with everything in it.
    ///   - read: Reads the answer to its end. It's run again from the beginning when an attempt breaks off, so it must start
    ///     afresh each time; what it throws besides `TransferError` and `RecordError` ends the call.
    /// - Returns: What `read` returned.
    /// - Throws: ``GenesysCloudError``, `CancellationError`, or what `read` threw.
    public func userDetailsPage<Value: Sendable>(
        _ query: UserDetailsQuery, number: Int, limits: RecordLimits = RecordLimits(),
        read: @Sendable (RecordAnswer) async throws -> Value
    ) async throws -> Value {
        let request = GenesysCloudRequest(
            "user details query", .post, path: "/api/v2/analytics/users/details/query", body: query.body(page: number),
            isReplayable: true, permission: DetailsKind.users.permission)
        return try await call(request) { response in
            try await read(
                RecordAnswer(number: number, arrayKey: DetailsKind.users.arrayKey, body: response.body, limits: limits))
        }
    }
}
