import Foundation

/// A checked conversation details query.
struct ConversationQuery: Sendable {
    var interval: SimulatorInterval
    var predicate: RowPredicate = .all([])
    var descending = false
    var pageSize = ConversationQuery.defaultPageSize
    var pageNumber = 1

    /// Records a page when the query says nothing, and at most [S][C: three independent connectors].
    static let defaultPageSize = 25
    static let maximumPageSize = 100
    /// Records that paging reaches (`pageSize × pageNumber`) unless the limit is lifted [C].
    static let depthLimit = 100_000
    static let maximumInterval: Int64 = 31 * SimulatorInstant.millisecondsPerDay

    /// All conversations of an interval.
    init(interval: SimulatorInterval) {
        self.interval = interval
    }

    /// Reads and checks the body of a query.
    ///
    /// - Parameter depthLimit: the records that paging may reach; nil for any number.
    init(body: [UInt8], depthLimit: Int?) throws(QueryRejection) {
        let wire: Wire
        do {
            wire = try JSONDecoder().decode(Wire.self, from: Data(body))
        } catch {
            throw QueryRejection("The request body is not a conversation query: \(QueryRejection.explain(error))")
        }
        guard let text = wire.interval else {
            throw QueryRejection(
                "You must specify a search interval as part of your query that does not exceed 31 days.", field: "interval")
        }
        guard let interval = SimulatorInterval(text) else {
            throw QueryRejection("Invalid interval. Expected ISO-8601 start/end.", field: "interval")
        }
        guard interval.length > 0 else {
            throw QueryRejection("Invalid interval. The end must be after the start.", field: "interval")
        }
        guard interval.length <= ConversationQuery.maximumInterval else {
            throw QueryRejection(
                "You must specify a search interval as part of your query that does not exceed 31 days.", field: "interval")
        }
        self.init(interval: interval)
        switch wire.order ?? "asc" {
        case "asc", "unordered": descending = false
        case "desc": descending = true
        default: throw QueryRejection("Invalid order.", field: "order")
        }
        guard wire.orderBy ?? "conversationStart" == "conversationStart" else {
            throw QueryRejection("The simulator orders by conversationStart only.", field: "orderBy")
        }
        try readPaging(wire, depthLimit: depthLimit)
        guard wire.surveyFilters?.isEmpty ?? true, wire.resolutionFilters?.isEmpty ?? true, wire.aggregations?.isEmpty ?? true
        else {
            throw QueryRejection("The simulator has no surveys, resolutions or aggregations to filter by.")
        }
        var parts: [RowPredicate] = []
        for filter in wire.conversationFilters ?? [] { parts.append(try filter.compiled(.conversation)) }
        for filter in wire.segmentFilters ?? [] { parts.append(try filter.compiled(.segment)) }
        for filter in wire.evaluationFilters ?? [] { parts.append(try filter.compiled(.evaluation)) }
        predicate = .all(parts)
    }

    private mutating func readPaging(_ wire: Wire, depthLimit: Int?) throws(QueryRejection) {
        let size = wire.paging?.pageSize ?? ConversationQuery.defaultPageSize
        let number = wire.paging?.pageNumber ?? 1
        guard size > 0, number > 0 else {
            throw QueryRejection("Page size and page number must be positive.", field: "paging")
        }
        // A page that is asked too large is answered smaller, without a word.
        pageSize = min(size, ConversationQuery.maximumPageSize)
        pageNumber = number
        let (reach, overflow) = pageSize.multipliedReportingOverflow(by: number)
        guard !overflow, reach <= depthLimit ?? Int.max else {
            throw QueryRejection(
                "Pagination may not exceed \(depthLimit ?? Int.max) results. Use smaller intervals to reduce the results.",
                field: "paging")
        }
    }

    /// Tells the listings of different questions apart, whatever their page.
    var identity: QueryIdentity {
        QueryIdentity(interval: interval, predicate: predicate, descending: descending, pageSize: pageSize)
    }

    /// The same question without its pages.
    var selection: SelectionKey {
        SelectionKey(interval: interval, predicate: predicate)
    }
}

/// What tells one paged listing from another.
struct QueryIdentity: Hashable {
    var interval: SimulatorInterval
    var predicate: RowPredicate
    var descending: Bool
    var pageSize: Int
}

/// What tells one set of rows from another.
struct SelectionKey: Hashable {
    var interval: SimulatorInterval
    var predicate: RowPredicate
    /// Whether only what starts in the interval counts, whatever rule the API follows.
    var startsInside = false
}

/// Why the vendor refuses a query with status 400.
struct QueryRejection: Error, Equatable {
    var message: String
    var field: String?

    init(_ message: String, field: String? = nil) {
        self.message = message
        self.field = field
    }

    static func explain(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?, .keyNotFound(_, let context)?,
            .dataCorrupted(let context)?:
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
        default: return "unreadable"
        }
    }
}

/// The body of a query as it is sent; fields that the simulator doesn't know are ignored.
private struct Wire: Decodable {
    struct Paging: Decodable {
        var pageSize: Int?
        var pageNumber: Int?
    }

    struct Ignored: Decodable {
        init(from decoder: any Decoder) {}
    }

    var interval: String?
    var order: String?
    var orderBy: String?
    var paging: Paging?
    var conversationFilters: [QueryFilter]?
    var segmentFilters: [QueryFilter]?
    var evaluationFilters: [QueryFilter]?
    var surveyFilters: [Ignored]?
    var resolutionFilters: [Ignored]?
    var aggregations: [Ignored]?
}
