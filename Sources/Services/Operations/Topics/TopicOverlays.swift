import Service

/// Reads what differs in environments.
enum TopicOverlays {
    private static let keys = ["partitions", "replication", "retry", "dead", "config"]

    static func read(
        _ mapping: DocumentMapping, hasRetry: Bool, hasDead: Bool, problems: inout [String]
    ) -> [String: TopicDefinition.Overlay] {
        guard let value = mapping["environments"] else { return [:] }
        let subject = "\(mapping.subject): environments"
        guard let environments = DocumentMapping(value, subject: subject, problems: &problems) else { return [:] }
        var overlays: [String: TopicDefinition.Overlay] = [:]
        for entry in environments.entries {
            guard entry.key.wholeMatch(of: /[a-z0-9][a-z0-9\-]{0,62}/) != nil,
                let overlay = DocumentMapping(entry.value, subject: "\(subject): \(entry.key)", problems: &problems)
            else {
                problems.append("\(subject): a name is not allowed; allowed are lower-case letters, digits and -")
                continue
            }
            overlay.rejectUnknownKeys(known: keys, problems: &problems)
            for (key, isThere) in [("retry", hasRetry), ("dead", hasDead)] where !isThere && overlay[key] != nil {
                overlay.reject(key, overlay[key], allowed: "nothing, because the topic has no \(key)", problems: &problems)
            }
            overlays[entry.key] = TopicDefinition.Overlay(
                partitions: overlay.integer("partitions", in: 1...1_000, problems: &problems),
                retryPartitions: overlay.integer("retry", in: 1...1_000, problems: &problems),
                deadPartitions: overlay.integer("dead", in: 1...1_000, problems: &problems),
                replication: overlay.integer("replication", in: 1...10, problems: &problems),
                settings: TopicFile.settings(overlay, problems: &problems))
        }
        return overlays
    }

    /// In every environment as many replicas must exist as have to be in sync, or nothing can be written.
    static func check(
        replication: Int, settings: [String: String], _ environments: [String: TopicDefinition.Overlay],
        _ mapping: DocumentMapping,
        problems: inout [String]
    ) {
        let key = "min.insync.replicas"
        func check(_ replication: Int, _ settings: [String: String], in place: String) {
            guard let inSync = settings[key].flatMap({ Int($0) }), inSync > replication else { return }
            problems.append(
                "\(mapping.subject): \(place)config: \(key): \"\(inSync)\" is not allowed; allowed is at most the replication (\(replication))"
            )
        }
        check(replication, settings, in: "")
        for (name, overlay) in environments.sorted(by: { $0.key < $1.key }) {
            check(
                overlay.replication ?? replication, settings.merging(overlay.settings) { _, new in new },
                in: "environments: \(name): ")
        }
    }
}
