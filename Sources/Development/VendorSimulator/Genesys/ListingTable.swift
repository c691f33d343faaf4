import NIOCore

/// The lookups of the API that are plain page-number listings.
struct ListingTable: Sendable {
    struct Entity: Sendable {
        var id: String
        var name: String
        var state = "active"
        /// Roles by id and name, which the vendor tells on request.
        var roles: [Organisation.Member] = []
        /// The entity's JSON fields after `id` and `name`, with their leading comma.
        var more = ""
    }

    struct Listing: Sendable {
        var path: String
        var entities: [Entity]
        /// Larger pages are answered smaller; the response states the size.
        var maximumPageSize = 100
        /// Whether the envelope has `nextUri` and its like.
        var hasURIs = true
        var filtersByState = false
        /// Role members come without names.
        var hasNames = true
    }

    private let listings: [String: Listing]
    /// Pages are never larger, whatever the endpoint allows.
    private let pageLimit: Int
    /// Whether `total` and `pageCount` are wrong, as they may be for large sets.
    private let wrongTotals: Bool

    init(organisation: Organisation, pageLimit: Int, wrongTotals: Bool) {
        self.pageLimit = pageLimit
        self.wrongTotals = wrongTotals
        func plain(_ members: [Organisation.Member]) -> [Entity] {
            members.map { Entity(id: $0.id, name: $0.name) }
        }
        let users = organisation.users.enumerated().map { index, user in
            Entity(
                id: user.id, name: user.name, state: Organisation.state(ofUserAt: index),
                roles: organisation.roles.filter { role in
                    role.name == Organisation.evaluatorRole && organisation.evaluators.contains { $0.id == user.id }
                },
                more: #","email":"user\#(index)@example.org","username":"user\#(index)@example.org","version":\#(1 + index % 7)"#)
        }
        var all = [
            Listing(path: "/api/v2/authorization/roles", entities: plain(organisation.roles)),
            Listing(path: "/api/v2/authorization/divisions", entities: plain(organisation.divisions)),
            Listing(path: "/api/v2/users", entities: users, maximumPageSize: 500, filtersByState: true),
            Listing(path: "/api/v2/routing/queues", entities: plain(organisation.queues), maximumPageSize: 500),
            Listing(path: "/api/v2/routing/wrapupcodes", entities: plain(organisation.wrapUpCodes)),
            Listing(path: "/api/v2/routing/skills", entities: plain(organisation.skills)),
            Listing(path: "/api/v2/flows", entities: plain(organisation.flows)),
            Listing(path: "/api/v2/groups", entities: plain(organisation.groups)),
        ]
        for (index, role) in organisation.roles.enumerated() {
            let members =
                role.name == Organisation.evaluatorRole
                ? organisation.evaluators.filter { organisation.state(ofUser: $0.id) != "deleted" }
                : organisation.users.enumerated().filter { $0.offset % 13 == index }.map(\.element)
            all.append(
                Listing(
                    path: "/api/v2/authorization/roles/\(role.id)/users", entities: plain(members), hasURIs: false,
                    hasNames: false))
        }
        listings = Dictionary(all.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The answer to a listing; nil when the path is none.
    func answer(path: String, query: String) throws(QueryRejection) -> Answer? {
        guard let listing = listings[path] else { return nil }
        let fields = FormBody.fields(query)
        let parameters = Dictionary(fields, uniquingKeysWith: { $1 })
        let asked = try number("pageSize", parameters) ?? 25
        let page = try number("pageNumber", parameters) ?? 1
        let size = min(asked, listing.maximumPageSize, pageLimit)
        // Both forms of a list are accepted: the repeated parameter and the comma-joined one.
        let ids = Set(fields.filter { $0.0 == "id" }.flatMap { $0.1.split(separator: ",").map(String.init) })
        guard ids.count <= 100 else { throw QueryRejection("At most 100 ids may be given.", field: "id") }
        var entities = listing.entities
        if !ids.isEmpty { entities = entities.filter { ids.contains($0.id) } }
        if listing.filtersByState {
            let state = parameters["state"] ?? "active"
            guard ["active", "inactive", "deleted", "any"].contains(state) else {
                throw QueryRejection("Invalid state.", field: "state")
            }
            if state != "any" { entities = entities.filter { $0.state == state } }
        }
        if let name = parameters["name"]?.lowercased().filter({ $0 != "*" }), !name.isEmpty {
            entities = entities.filter { $0.name.lowercased().contains(name) }
        }
        let (start, overflow) = (page - 1).multipliedReportingOverflow(by: size)
        let shown = overflow || start >= entities.count ? [] : entities[start..<min(start + size, entities.count)]
        let kept = fields.filter { !["pageSize", "pageNumber"].contains($0.0) }
        return Answer(json: envelope(listing, Array(shown), total: entities.count, size: size, page: page, kept: kept))
    }

    private func number(_ name: String, _ parameters: [String: String]) throws(QueryRejection) -> Int? {
        guard let text = parameters[name] else { return nil }
        guard let value = Int(text), value > 0 else { throw QueryRejection("\(name) must be a positive number.", field: name) }
        return value
    }

    private func envelope(
        _ listing: Listing, _ shown: [Entity], total: Int, size: Int, page: Int, kept: [(String, String)]
    ) -> String {
        let pages = (total + size - 1) / size
        let expandsRoles =
            listing.filtersByState && kept.contains { $0.0 == "expand" && $0.1.split(separator: ",").contains("authorization") }
        let entities = shown.map { entity in
            let name = listing.hasNames ? #","name":\#(JSONText.quoted(entity.name))"# : ""
            let state = listing.filtersByState ? #","state":"\#(entity.state)""# : ""
            let roles = entity.roles.map { #"{"id":"\#($0.id)","name":\#(JSONText.quoted($0.name))}"# }.joined(separator: ",")
            let authorization = expandsRoles ? #","authorization":{"roles":[\#(roles)],"unusedRoles":[]}"# : ""
            let home = listing.hasNames ? listing.path : "/api/v2/users"
            return #"{"id":"\#(entity.id)"\#(name)\#(state)\#(entity.more)\#(authorization),"selfUri":"\#(home)/\#(entity.id)"}"#
        }
        let shownTotal = wrongTotals ? max(shown.count, total / 2) : total
        let shownPages = wrongTotals ? max(1, pages / 2) : pages
        var text = #"{"entities":[\#(entities.joined(separator: ","))],"pageSize":\#(size),"pageNumber":\#(page)"#
        text += #","total":\#(shownTotal),"pageCount":\#(shownPages)"#
        if listing.hasURIs {
            func uri(_ number: Int) -> String {
                let rest = kept.map { "&\(PercentText.encoded($0.0))=\(PercentText.encoded($0.1))" }.joined()
                return JSONText.quoted("\(listing.path)?pageSize=\(size)&pageNumber=\(number)\(rest)")
            }
            text += #","firstUri":\#(uri(1)),"selfUri":\#(uri(page)),"lastUri":\#(uri(max(pages, 1)))"#
            if page < pages { text += #","nextUri":\#(uri(page + 1))"# }
            if page > 1 { text += #","previousUri":\#(uri(page - 1))"# }
        }
        return text + "}"
    }
}

/// Writes values into a URL's query.
enum PercentText {
    /// The text with everything but letters, digits and `-._~` escaped.
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
