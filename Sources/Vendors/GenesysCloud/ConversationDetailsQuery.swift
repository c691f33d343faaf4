/// Which conversations to ask for: `POST /api/v2/analytics/conversations/details/query`.
///
/// The vendor returns conversations that started on a UTC day touched by the interval and have activity inside it, so
/// neighbouring intervals can both yield the same conversation. `totalHits` is approximate and moves; rows shift between
/// pages while an interval receives traffic. Read pages until one is empty.
public struct ConversationDetailsQuery: Sendable, Hashable {
    /// The order of the rows.
    public typealias Order = DetailsOrder

    /// What the rows are ordered by.
    public enum OrderBy: String, Sendable, CaseIterable {
        /// The conversation's start, the vendor's default.
        case conversationStart
        /// The conversation's end.
        case conversationEnd
        /// A segment's start.
        case segmentStart
        /// A segment's end.
        case segmentEnd
    }

    /// Why additional fields of the request are refused.
    public typealias InvalidFields = InvalidRequestFields

    /// The largest page, in records.
    public static let maximumPageSize = 100
    /// The number of results beyond which the vendor refuses pages.
    public static let maximumResults = 100_000
    /// The longest interval that the vendor accepts, in days; a day or less is advisable.
    public static let maximumDays = 31
    /// The largest request, in bytes (`request.bytes.max`).
    public static let maximumRequestBytes = RequestFields.maximumRequestBytes

    /// The interval.
    public let interval: QueryInterval
    /// The order of the rows.
    public let order: Order
    /// What the rows are ordered by.
    public let orderBy: OrderBy
    /// The number of records of a page, 1 to 100.
    public let pageSize: Int
    /// Additional fields of the request.
    private let fields: RequestFields

    private static let ownFields = ["interval", "order", "orderBy", "paging"]

    /// Creates a query without filters.
    ///
    /// - Parameters:
    ///   - interval: The interval; at most 31 days.
    ///   - pageSize: The number of records of a page; brought into 1 to 100.
    ///   - order: The order of the rows.
    ///   - orderBy: What the rows are ordered by.
    public init(
        interval: QueryInterval, pageSize: Int = ConversationDetailsQuery.maximumPageSize, order: Order = .ascending,
        orderBy: OrderBy = .conversationStart
    ) {
        self.interval = interval
        self.pageSize = min(max(pageSize, 1), Self.maximumPageSize)
        self.order = order
        self.orderBy = orderBy
        fields = RequestFields()
    }

    /// Creates a query with additional fields of the request, such as filters.
    ///
    /// - Parameters:
    ///   - interval: The interval; at most 31 days.
    ///   - pageSize: The number of records of a page; brought into 1 to 100.
    ///   - order: The order of the rows.
    ///   - orderBy: What the rows are ordered by.
    ///   - requestBody: A JSON object whose fields are added, such as `{"segmentFilters":[…]}`; it's sent as it is.
    /// - Throws: ``InvalidFields`` when it's no JSON object, too large, or sets a field that the query sets itself.
    public init(
        interval: QueryInterval, pageSize: Int = ConversationDetailsQuery.maximumPageSize, order: Order = .ascending,
        orderBy: OrderBy = .conversationStart, requestBody: String
    ) throws(InvalidFields) {
        self.interval = interval
        self.pageSize = min(max(pageSize, 1), Self.maximumPageSize)
        self.order = order
        self.orderBy = orderBy
        fields = try RequestFields(requestBody, own: Self.ownFields)
    }

    /// Checks additional fields of the request, to refuse a configuration at start.
    ///
    /// - Parameter requestBody: A JSON object.
    /// - Throws: ``InvalidFields``.
    public static func check(requestBody: String) throws(InvalidFields) {
        _ = try RequestFields(requestBody, own: ownFields)
    }

    /// The request's body for one page.
    ///
    /// - Parameter page: The page, counted from 1.
    public func body(page: Int) -> [UInt8] {
        var text = "{\"interval\":\"\(interval)\",\"order\":\"\(order.rawValue)\",\"orderBy\":\"\(orderBy.rawValue)\","
        text += "\"paging\":{\"pageSize\":\(pageSize),\"pageNumber\":\(max(page, 1))}"
        return fields.completing(text)
    }
}
