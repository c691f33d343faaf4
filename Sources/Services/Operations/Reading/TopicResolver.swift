public import Contracts
public import Kafka

/// Finds the topics that an operator means: by their whole name, or by the name without the prefix.
public struct TopicResolver: Sendable {
    private let names: TopicNames
    private let existing: Set<String>

    /// Knows a cluster's topics.
    public init(_ names: TopicNames, existing: some Sequence<String>) {
        self.names = names
        self.existing = Set(existing)
    }

    /// Knows the topics of the cluster that an admin client is connected to.
    public init(_ names: TopicNames, admin: Admin) async throws(KafkaError) {
        self.init(names, existing: try await admin.metadata().topics.map(\.name))
    }

    /// The topic's whole name. The name with the prefix comes first, so that a foreign topic never hides one of ours.
    ///
    /// - Throws: a ``UsageProblem`` that names topics that are alike.
    public func topic(_ given: String) throws(UsageProblem) -> String {
        if existing.contains(names.prefix + given) { return names.prefix + given }
        if existing.contains(given) { return given }
        let ours = existing.filter { $0.hasPrefix(names.prefix) && !$0.hasPrefix("__") }
        let shown = TerminalText.escaped(given, limit: 100)
        let short = ours.map { String($0.dropFirst(names.prefix.count)) }
        let alike = short.filter { $0.contains(given) || given.contains($0) }.sorted()
        let choice = alike.isEmpty ? short.sorted() : alike
        let list = choice.prefix(8).joined(separator: ", ") + (choice.count > 8 ? ", …" : "")
        throw UsageProblem("there is no topic \"\(shown)\"; " + (list.isEmpty ? "there are none here" : "there are \(list)"))
    }
}
