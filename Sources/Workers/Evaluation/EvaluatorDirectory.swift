internal import Contracts
internal import Extraction
internal import GenesysCloud
internal import Logging
internal import ObjectStorage
internal import Records

/// Whose evaluations are asked for.
///
/// The members of a role are those of today: who has lost it since, or was deleted, is missing. So whoever was seen to evaluate is
/// remembered beside the lake, and deleted users are asked for their roles.
struct EvaluatorDirectory: Sendable {
    let work: EvaluationWork

    struct Found: Sendable {
        /// Their ids, in order.
        var evaluators: [String] = []
        var figures = ListingFigures()
        /// Those that were remembered alone.
        var remembered = 0
        /// Roles of the configuration that the vendor doesn't have.
        var missingRoles = 0
    }

    /// Finds them all.
    ///
    /// A role that isn't there is told and counted; what its members did is found by conversations, as far as they mention it.
    ///
    /// - Throws: `ExtractionFailure`, reason `no-such-role`, when a configured role isn't there, nobody else is known, and
    ///   conversations aren't asked either: then nothing would be found.
    func load() async throws -> Found {
        var found = Found()
        var ids = Set(work.configuration.evaluators)
        var roles: [String] = []
        var failure: ExtractionFailure?
        for name in work.configuration.roles {
            switch try await role(named: name, &found) {
            case .ids(let ids): roles += ids
            case .missing(let near):
                found.missingRoles += 1
                let names = near.isEmpty ? "none at all" : near.map { "“\($0)”" }.joined(separator: ", ")
                let reason = ExtractionFailure(
                    reason: "no-such-role", message: "no role is called exactly “\(name)”; there are \(names)",
                    advice:
                        "correct evaluations.roles (near are \(names)), or give the OAuth client's role authorization:role:view in every division"
                )
                failure = failure ?? reason
                work.logger.error("a role of evaluations.roles isn't there", metadata: ["error": "\(reason)"])
            }
        }
        for role in roles {
            found.figures += try await work.client.listing(Quality.members(ofRole: role)) { page in
                page.forEach { if let id = $0.string(of: "id") { ids.insert(id) } }
            }
        }
        if work.configuration.asksDeletedUsers, !roles.isEmpty {
            found.figures += try await work.client.listing(Quality.users(state: "deleted")) { page in
                page.forEach { if let id = Self.member(of: Set(roles), $0) { ids.insert(id) } }
            }
        }
        for try await object in work.store.list(prefix: "\(memory)/") {
            let id = String(object.key.text.dropFirst(memory.count + 1))
            if Job.isIdentifier(id), ids.insert(id).inserted { found.remembered += 1 }
        }
        if let failure, ids.isEmpty, !work.configuration.discovery.contains(.conversations) { throw failure }
        found.evaluators = ids.sorted()
        return found
    }

    /// Remembers users who were seen to evaluate.
    func remember(_ evaluators: Set<String>) async throws(ObjectStorageError) {
        for id in evaluators.sorted() where Job.isIdentifier(id) {
            let key = try ObjectKey("\(memory)/\(id)")
            guard try await work.store.head(key) == nil else { continue }
            _ = try await work.store.putOnce(key, bytes: Array("\(id)\n".utf8), contentType: "text/plain")
        }
    }

    /// The folder of those who are remembered.
    private var memory: String {
        "\(StateLayout.root)/\(work.job.kind)/evaluators/\(work.job.source.replacing("/", with: "_"))"
    }

    private enum Role {
        case ids([String])
        /// There's none of this name; those that are like it, the most like first.
        case missing([String])
    }

    /// The roles of exactly this name: the vendor's search returns others too, and not in the order of likeness.
    private func role(named name: String, _ found: inout Found) async throws -> Role {
        var exact: [String] = []
        var others: Set<String> = []
        func read(_ query: ListingQuery, _ found: inout Found) async throws {
            found.figures += try await work.client.listing(query) { page in
                page.forEach { role in
                    guard let id = role.string(of: "id"), let its = role.string(of: "name") else { return }
                    if its == name {
                        exact.append(id)
                    } else if others.count < Self.namesKept {
                        others.insert(String(its.prefix(80)))
                    }
                }
            }
        }
        let search = Quality.roles(named: name)
        try await read(search, &found)
        if exact.isEmpty {
            // How the vendor compares names isn't documented: without a name it returns all.
            var all = search
            all.parameters.removeAll { $0.name == "name" }
            try await read(all, &found)
        }
        return exact.isEmpty ? .missing(Self.near(name, others)) : .ids(exact)
    }

    private static let namesKept = 1000

    /// The ten names that are most like a name: the same in other letters, one within the other, words in common.
    static func near(_ name: String, _ others: Set<String>) -> [String] {
        func words(_ text: String) -> Set<Substring> { Set(text.lowercased().split { !$0.isLetter && !$0.isNumber }) }
        let wanted = words(name)
        func likeness(_ other: String) -> Int {
            let (left, right) = (name.lowercased(), other.lowercased())
            if left == right { return 1000 }
            let isPart = !left.isEmpty && !right.isEmpty && (left.contains(right) || right.contains(left))
            return (isPart ? 100 : 0) + words(other).intersection(wanted).count
        }
        let ranked = others.map { (likeness($0), $0) }.sorted { ($1.0, $0.1) < ($0.0, $1.1) }
        return ranked.prefix(10).map(\.1)
    }

    /// A user's id, if the vendor says that the user has one of the roles.
    static func member(of roles: Set<String>, _ user: RawRecord) -> String? {
        guard let authorization = user.rawValue(of: "authorization"),
            let list = RawRecord(bytes: authorization).rawValue(of: "roles")
        else { return nil }
        var isMember = false
        RecordScanner.forEachElement(of: list) { role in
            if let id = RawRecord(bytes: role).string(of: "id"), roles.contains(id) { isMember = true }
        }
        return isMember ? user.string(of: "id") : nil
    }
}
