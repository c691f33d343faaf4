internal import GenesysCloud

/// The lookups that decode ids. To add one, add a line.
enum LookupTable {
    /// One lookup: its data set's name and its listing.
    struct Lookup: Sendable {
        let dataset: String
        let path: String
        var parameters: [ListingQuery.Parameter] = []
        var paging: ListingQuery.Paging = .pages
        var permission: String?

        /// The listing to read, with what the vendor adds to an entity only when it is asked to.
        func query(_ configuration: UserDetailsConfiguration) -> ListingQuery {
            let expansions = configuration.expansions[dataset, default: []].map { ListingQuery.Parameter("expand", $0) }
            return ListingQuery(
                "lookup \(dataset)", path: path, parameters: parameters + expansions, pageSize: configuration.lookupPageSize,
                paging: paging, permission: permission)
        }
    }

    static let all: [Lookup] = [
        // Without `state=any` those who left, whose ids old records carry, would be missing.
        Lookup(dataset: "users", path: "/api/v2/users", parameters: [.init("state", "any")]),
        Lookup(dataset: "queues", path: "/api/v2/routing/queues", permission: "routing:queue:view"),
        Lookup(dataset: "wrapup_codes", path: "/api/v2/routing/wrapupcodes", permission: "routing:wrapupCode:view"),
        Lookup(dataset: "skills", path: "/api/v2/routing/skills"),
        Lookup(dataset: "presence_definitions", path: "/api/v2/presence/definitions", paging: .single),
        Lookup(dataset: "divisions", path: "/api/v2/authorization/divisions"),
        Lookup(dataset: "groups", path: "/api/v2/groups"),
        Lookup(dataset: "teams", path: "/api/v2/teams", paging: .cursor("after")),
        Lookup(dataset: "flows", path: "/api/v2/flows", permission: "architect:flow:view"),
    ]

    /// The lookup of a data set; nil when it is none.
    static func named(_ dataset: String) -> Lookup? { all.first { $0.dataset == dataset } }
}
