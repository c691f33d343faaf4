/// Which details a job shall collect: `POST /api/v2/analytics/conversations|users/details/jobs`.
///
/// Without ``startOfDayIntervalMatching`` a job of conversations returns every conversation with activity in the interval;
/// with it, only those that started after the start of the interval's first UTC day, as the query does. Jobs know no result cap.
/// They succeed while leaving out what is newer than the vendor's availability date, so ask for that first
/// (``GenesysCloudClient/dataAvailability(of:)``) and look at each page's own (``RecordPage/dataAvailability``).
public struct DetailsJobQuery: Sendable, Hashable {
    /// What kind of details.
    public let kind: DetailsKind
    /// The interval.
    public let interval: QueryInterval
    /// The order of the rows.
    public let order: DetailsOrder
    /// Whether conversations count that started before the interval's first UTC day; nil leaves the field out.
    public let startOfDayIntervalMatching: Bool?
    /// The number of results; nil for all.
    public let limit: Int?
    private let fields: RequestFields

    private static let ownFields = ["interval", "order", "orderBy", "limit", "startOfDayIntervalMatching"]

    /// Creates a query.
    ///
    /// - Parameters:
    ///   - kind: What kind of details.
    ///   - interval: The interval; a day or a week at a time is advisable.
    ///   - order: The order of the rows.
    ///   - startOfDayIntervalMatching: Whether only conversations count that started on a day of the interval; none but jobs of
    ///     conversations take it.
    ///   - limit: The number of results; nil for all.
    ///   - requestBody: A JSON object whose fields are added, such as `{"segmentFilters":[…]}`; it's sent as it is.
    /// - Throws: ``InvalidRequestFields`` when that's no JSON object, too large, or has a field that Switchboard sets itself or
    ///   that jobs don't take.
    public init(
        _ kind: DetailsKind, interval: QueryInterval, order: DetailsOrder = .ascending, startOfDayIntervalMatching: Bool? = nil,
        limit: Int? = nil, requestBody: String? = nil
    ) throws(InvalidRequestFields) {
        self.kind = kind
        self.interval = interval
        self.order = order
        self.startOfDayIntervalMatching = kind == .conversations ? startOfDayIntervalMatching : nil
        self.limit = limit
        fields =
            if let requestBody {
                try RequestFields(requestBody, own: Self.ownFields, foreign: RequestFields.queryFields)
            } else {
                RequestFields()
            }
    }

    /// Checks additional fields of the request, to refuse a configuration at start.
    ///
    /// - Parameter requestBody: A JSON object.
    /// - Throws: ``InvalidRequestFields``.
    public static func check(requestBody: String) throws(InvalidRequestFields) {
        _ = try RequestFields(requestBody, own: ownFields, foreign: RequestFields.queryFields)
    }

    /// The request's body.
    public var body: [UInt8] {
        var text = "{\"interval\":\"\(interval)\",\"order\":\"\(order.rawValue)\""
        if kind == .conversations { text += ",\"orderBy\":\"conversationStart\"" }
        if let startOfDayIntervalMatching { text += ",\"startOfDayIntervalMatching\":\(startOfDayIntervalMatching)" }
        if let limit { text += ",\"limit\":\(limit)" }
        return fields.completing(text)
    }
}
