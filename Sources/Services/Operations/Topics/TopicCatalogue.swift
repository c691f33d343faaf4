import Contracts
import Foundation

/// One topic that should exist on a cluster.
public struct TopicSpecification: Sendable, Hashable {
    /// The name, prefix included.
    public let name: String
    /// Partitions, replicas and managed settings.
    public let shape: TopicShape
    /// The team that is called.
    public let owner: String
    /// What it is for.
    public let about: String
}

/// All topics that should exist on one cluster: those that the files name and those derived from them.
public struct TopicCatalogue: Sendable, Hashable {
    /// The topics, sorted by name.
    public let topics: [TopicSpecification]
    /// What stands before every name.
    public let prefix: String

    /// The most topic files that are read.
    public static let maximumFiles = 1_000

    /// What derived topics take beyond `max.message.bytes` of the job topic, where its file states that, bytes.
    static let headerRoom = 64 << 10

    /// Derives a cluster's topics from definitions.
    ///
    /// - Parameters:
    ///   - definitions: The topics as their files describe them.
    ///   - prefix: What stands before every name; empty for none.
    ///   - environment: Whose overlay applies; a topic without an overlay of that name is as it is.
    /// - Throws: ``TopicFile/Problems`` when two topics have one name, a name gets too long or no topic knows the environment.
    public init(definitions: [TopicDefinition], prefix: String = "", environment: String? = nil) throws(TopicFile.Problems) {
        var problems: [String] = []
        if let environment, !definitions.contains(where: { $0.environments[environment] != nil }) {
            let known = Set(definitions.flatMap(\.environments.keys)).sorted()
            problems.append(
                "environment: \"\(environment)\" is not allowed; allowed is "
                    + (known.isEmpty
                        ? "none: no topic file names one" : "one that a topic file names: \(known.joined(separator: ", "))"))
        }
        var seen: Set<String> = []
        var topics: [TopicSpecification] = []
        for definition in definitions {
            for topic in Self.derive(definition, names: TopicNames(prefix: prefix), environment: environment) {
                if !seen.insert(topic.name).inserted {
                    problems.append("\(topic.name): the name is not allowed; allowed is one that no other topic has")
                }
                if topic.name.utf8.count > 249 {
                    problems.append("\(topic.name): the name is not allowed; allowed are at most 249 bytes with the prefix")
                }
                topics.append(topic)
            }
        }
        guard problems.isEmpty else { throw TopicFile.Problems(lines: problems) }
        self.topics = topics.sorted { $0.name < $1.name }
        self.prefix = prefix
    }

    /// Reads every `*.yaml` file of a folder and derives a cluster's topics; all problems of all files are reported together.
    public static func load(
        folder: String, prefix: String = "", environment: String? = nil
    ) throws(TopicFile.Problems) -> TopicCatalogue {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }.sorted()
        } catch {
            throw TopicFile.Problems(lines: ["topics: the folder \"\(folder)\" can't be read; allowed is a folder of topic files"]
            )
        }
        guard (1...maximumFiles).contains(names.count) else {
            throw TopicFile.Problems(
                lines: ["topics: the folder \"\(folder)\" has \(names.count) topic files; allowed are 1 to \(maximumFiles)"])
        }
        var problems: [String] = []
        var definitions: [TopicDefinition] = []
        for name in names {
            guard let text = try? String(contentsOf: URL(filePath: folder).appending(path: name), encoding: .utf8) else {
                problems.append("\(name): the file can't be read; allowed is YAML in UTF-8")
                continue
            }
            do {
                definitions.append(try TopicFile.parse(yaml: text, file: name))
            } catch {
                problems += error.lines
            }
        }
        guard problems.isEmpty else { throw TopicFile.Problems(lines: problems) }
        return try TopicCatalogue(definitions: definitions, prefix: prefix, environment: environment)
    }

    private static func derive(_ definition: TopicDefinition, names: TopicNames, environment: String?) -> [TopicSpecification] {
        let overlay = environment.flatMap { definition.environments[$0] }
        let replication = overlay?.replication ?? definition.shape.replication
        let settings = definition.shape.settings.merging(overlay?.settings ?? [:]) { _, new in new }
        func topic(_ name: String, _ partitions: Int, _ settings: [String: String], _ about: String) -> TopicSpecification {
            TopicSpecification(
                name: name, shape: TopicShape(partitions: partitions, replication: replication, settings: settings),
                owner: definition.owner, about: about)
        }
        var topics = [
            topic(names.prefix + definition.topic, overlay?.partitions ?? definition.shape.partitions, settings, definition.about)
        ]
        let kind = String(definition.topic.dropFirst("jobs.".count))
        /// What came in must go on: each hop and a death add headers to the message.
        func roomier(_ settings: [String: String], by bytes: Int) -> [String: String] {
            guard let limit = settings["max.message.bytes"].flatMap({ Int($0) }) else { return settings }
            return settings.merging(["max.message.bytes": "\(limit + bytes)"]) { _, new in new }
        }
        if let retry = definition.retry {
            for delay in retry.delays {
                topics.append(
                    topic(
                        names.retry(kind, after: delay), overlay?.retryPartitions ?? retry.partitions,
                        roomier(settings, by: Self.headerRoom),
                        "Work of \(definition.topic) that waits \(TopicNames.text(of: delay)) for its next attempt."))
            }
        }
        if let dead = definition.dead {
            let kept = roomier(settings, by: 2 * Self.headerRoom).merging(["retention.ms": dead.retention]) { _, new in new }
            topics.append(
                topic(
                    names.dead(kind), overlay?.deadPartitions ?? dead.partitions, kept,
                    "Work of \(definition.topic) that was given up: key and value untouched, the reason in headers."))
        }
        return topics
    }
}
