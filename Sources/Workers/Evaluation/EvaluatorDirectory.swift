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
    }

    /// Finds them all.
    ///
    /// - Throws: `ExtractionFailure`, reason `no-such-role`, when there's no role of exactly a configured name.
    func load() async throws -> Found {
        var found = Found()
        var ids = Set(work.configuration.evaluators)
        var roles: [String] = []
        for name in work.configuration.roles { roles += try await role(named: name, &found) }
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

    /// The roles of exactly this name: the vendor's search returns others too, and not in the order of likeness.
    private func role(named name: String, _ found: inout Found) async throws -> [String] {
        var exact: [String] = []
        var near: [String] = []
        func read(_ query: ListingQuery, _ found: inout Found) async throws {
            found.figures += try await work.client.listing(query) { page in
                page.forEach { role in
                    guard let id = role.string(of: "id"), let its = role.string(of: "name") else { return }
                    if its == name {
                        exact.append(id)
                    } else if near.count < 10 {
                        near.append(its)
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
        guard !exact.isEmpty else {
            throw ExtractionFailure(
                reason: "no-such-role", message: "no role is called exactly “\(name)”; there are \(near.joined(separator: ", "))",
                advice: "correct evaluations.roles, or give the OAuth client's role authorization:role:view in every division")
        }
        return exact
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
