import Foundation

/// A checked user details query, or the body of a job of user details.
struct UserDetailsQuery: Sendable {
    var interval: SimulatorInterval
    /// The users asked for; nil for all.
    var users: Set<String>?
    var descending = false
    var pageSize = ConversationQuery.defaultPageSize
    var pageNumber = 1

    init(interval: SimulatorInterval) { self.interval = interval }

    /// Reads and checks a body.
    ///
    /// - Parameter isJob: jobs take no paging.
    init(body: [UInt8], isJob: Bool = false) throws(QueryRejection) {
        let wire: Wire
        do {
            wire = try JSONDecoder().decode(Wire.self, from: Data(body))
        } catch {
            throw QueryRejection("The request body is not a user details query: \(QueryRejection.explain(error))")
        }
        guard let text = wire.interval, let interval = SimulatorInterval(text), interval.length > 0,
            interval.length <= ConversationQuery.maximumInterval
        else {
            throw QueryRejection(
                "You must specify a search interval as part of your query that does not exceed 31 days.", field: "interval")
        }
        self.init(interval: interval)
        switch wire.order ?? "asc" {
        case "asc", "unordered": descending = false
        case "desc": descending = true
        default: throw QueryRejection("Invalid order.", field: "order")
        }
        if isJob, wire.paging != nil { throw QueryRejection("Unrecognized field paging.", field: "paging") }
        if wire.orderBy != nil { throw QueryRejection("Unrecognized field orderBy.", field: "orderBy") }
        let size = wire.paging?.pageSize ?? ConversationQuery.defaultPageSize
        let number = wire.paging?.pageNumber ?? 1
        guard size > 0, number > 0 else {
            throw QueryRejection("Page size and page number must be positive.", field: "paging")
        }
        pageSize = min(size, ConversationQuery.maximumPageSize)
        pageNumber = number
        guard wire.presenceFilters?.isEmpty ?? true, wire.routingStatusFilters?.isEmpty ?? true else {
            throw QueryRejection("The simulator filters user details by userId only.")
        }
        for filter in wire.userFilters ?? [] {
            let predicates = (filter.predicates ?? []) + (filter.clauses ?? []).flatMap { $0.predicates ?? [] }
            guard predicates.allSatisfy({ $0.dimension == "userId" && $0.value != nil }) else {
                throw QueryRejection("The simulator filters user details by userId only.", field: "userFilters")
            }
            let named = Set(predicates.compactMap(\.value))
            users = users.map { $0.intersection(named) } ?? named
        }
    }
}

/// The body as it is sent; fields that the simulator doesn't know are ignored.
private struct Wire: Decodable {
    struct Paging: Decodable {
        var pageSize: Int?
        var pageNumber: Int?
    }
    struct Predicate: Decodable {
        var dimension: String?
        var value: String?
    }
    struct Clause: Decodable { var predicates: [Predicate]? }
    struct Filter: Decodable {
        var clauses: [Clause]?
        var predicates: [Predicate]?
    }
    struct Ignored: Decodable {
        init(from decoder: any Decoder) {}
    }

    var interval: String?
    var order: String?
    var orderBy: String?
    var paging: Paging?
    var userFilters: [Filter]?
    var presenceFilters: [Ignored]?
    var routingStatusFilters: [Ignored]?
}
