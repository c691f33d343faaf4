/// The lookups that page otherwise than by number: one answer with everything, or cursors.
struct DirectoryListings: Sendable {
    private let organisation: Organisation
    private let pageLimit: Int

    init(organisation: Organisation, pageLimit: Int) {
        self.organisation = organisation
        self.pageLimit = pageLimit
    }

    /// The answer to a listing; nil when the path is none of these.
    func answer(path: String, query: String) throws(QueryRejection) -> Answer? {
        switch path {
        case "/api/v2/presence/definitions": return definitions()
        case "/api/v2/teams": return try teams(FormBody.parse(query))
        default: return nil
        }
    }

    private func entity(_ member: Organisation.Member, _ path: String, _ more: String = "") -> String {
        #"{"id":"\#(member.id)","name":\#(JSONText.quoted(member.name))\#(more),"selfUri":"\#(path)/\#(member.id)"}"#
    }

    /// Everything at once, with `total`, `entities` and `selfUri` alone.
    private func definitions() -> Answer {
        let path = "/api/v2/presence/definitions"
        let entities = organisation.presences.map { presence in
            #"{"id":"\#(presence.id)","languageLabels":{"en_US":\#(JSONText.quoted(presence.name))},"systemPresence":"#
                + #""\#(presence.name.filter { $0 != " " })","deactivated":false,"selfUri":"\#(path)/\#(presence.id)"}"#
        }
        return Answer(
            json: #"{"total":\#(entities.count),"entities":[\#(entities.joined(separator: ","))],"selfUri":"\#(path)"}"#)
    }

    /// By cursors `after` and `before`, without totals.
    private func teams(_ parameters: [String: String]) throws(QueryRejection) -> Answer {
        let path = "/api/v2/teams"
        let size = parameters["pageSize"].map { Int($0) } ?? 25
        guard let size, size > 0 else { throw QueryRejection("pageSize must be a positive number.", field: "pageSize") }
        let teams = organisation.teams
        func place(_ name: String) throws(QueryRejection) -> Int? {
            guard let cursor = parameters[name], !cursor.isEmpty else { return nil }
            guard let place = Int(cursor.filter(\.isNumber)), place <= teams.count, cursor == Self.cursor(place) else {
                throw QueryRejection("Invalid cursor.", field: name)
            }
            return place
        }
        let first = try place("after") ?? 0
        let last = try min(first + min(size, pageLimit), place("before") ?? teams.count)
        let entities = teams[min(first, last)..<last].map { entity($0, path, #","memberCount":\#($0.name.utf8.count)"#) }
        var text = #"{"entities":[\#(entities.joined(separator: ","))]"#
        if last < teams.count {
            let cursor = Self.cursor(last)
            text += #","nextUri":\#(JSONText.quoted("\(path)?pageSize=\(size)&after=\(PercentText.encoded(cursor))"))"#
            text += #","cursors":{"after":\#(JSONText.quoted(cursor))}"#
        }
        return Answer(json: text + #","selfUri":"\#(path)"}"#)
    }

    private static func cursor(_ place: Int) -> String { "t+\(place)==" }
}
