import Contracts
import Service

/// Reads one topic file, strictly and with all its problems at once.
///
/// ```yaml
/// topic: jobs.conversation
/// owner: data-platform                 # the team that is called
/// about: Conversation extracts to run, one job per source and interval.
/// key: job id
/// message: Job
/// partitions: 12
/// replication: 3
/// retention: 7d                        # a duration, or forever
/// cleanup: delete                      # delete, compact, or compact,delete
/// config: { min.insync.replicas: 2 }   # Kafka's names; durations and sizes as people write them
/// retry: { delays: [1m, 10m, 1h], partitions: 3 }   # derives jobs.conversation.retry-1m and so on
/// dead: { retention: 30d }             # derives jobs.conversation.dead
/// environments:
///   development: { partitions: 4, replication: 1, retry: 1, config: { min.insync.replicas: 1 } }
/// ```
public enum TopicFile {
    /// Every problem of topic files, one line each.
    public struct Problems: Error, Sendable, Equatable, CustomStringConvertible {
        /// The problems: each names the topic or file, the key, the value and what is allowed.
        public let lines: [String]

        /// The problems, one a line.
        public var description: String { lines.joined(separator: "\n") }
    }

    private static let keys = [
        "topic", "owner", "about", "key", "message", "partitions", "replication", "retention", "cleanup", "config", "retry",
        "dead",
        "environments",
    ]

    /// Reads one topic.
    ///
    /// - Parameters:
    ///   - yaml: The file's text.
    ///   - file: The file's name in problems.
    public static func parse(yaml: String, file: String) throws(Problems) -> TopicDefinition {
        var problems: [String] = []
        var definition: TopicDefinition?
        do {
            definition = read(try DocumentValue.parse(yaml: yaml), file: file, problems: &problems)
        } catch {
            throw Problems(lines: ["\(file): \(error)"])
        }
        guard problems.isEmpty, let definition else { throw Problems(lines: problems) }
        return definition
    }

    private static func read(_ value: DocumentValue, file: String, problems: inout [String]) -> TopicDefinition? {
        guard let mapping = DocumentMapping(value, subject: file, problems: &problems) else { return nil }
        mapping.rejectUnknownKeys(known: keys, problems: &problems)
        let topic = mapping.value(
            "topic", required: true, allowed: "a name of lower-case letters, digits, - and ., at most 150 characters",
            problems: &problems
        ) { $0.utf8.count <= 150 && $0.wholeMatch(of: /[a-z0-9][a-z0-9\-]*(\.[a-z0-9][a-z0-9\-]*)*/) != nil ? $0 : nil }
        let owner = line("owner", mapping, problems: &problems)
        let about = line("about", mapping, problems: &problems)
        let key = line("key", mapping, problems: &problems)
        let message = line("message", mapping, problems: &problems)
        let partitions = mapping.integer("partitions", in: 1...1_000, required: true, problems: &problems)
        let replication = mapping.integer("replication", in: 1...10, required: true, problems: &problems)
        let cleanup = cleanup(mapping, problems: &problems)
        let retention = retention(mapping, required: cleanup != "compact", problems: &problems)
        var settings = settings(mapping, problems: &problems)
        settings["cleanup.policy"] = cleanup
        settings["retention.ms"] = retention
        let retry = retry(mapping, partitions: partitions, problems: &problems)
        let dead = dead(mapping, problems: &problems)
        if retry != nil || dead != nil {
            if cleanup != "delete" {
                mapping.reject(
                    "cleanup", mapping["cleanup"], allowed: "delete, because the topic has retry or dead", problems: &problems)
            }
            if topic?.hasPrefix("jobs.") == false {
                mapping.reject(
                    "topic", mapping["topic"], allowed: "a name that begins with jobs., because the topic has retry or dead",
                    problems: &problems)
            }
        }
        checkRetention(retention, retry: retry, dead: dead, mapping, problems: &problems)
        let environments = TopicOverlays.read(mapping, hasRetry: retry != nil, hasDead: dead != nil, problems: &problems)
        if let replication {
            TopicOverlays.check(replication: replication, settings: settings, environments, mapping, problems: &problems)
        }
        guard let topic, let owner, let about, let key, let message, let partitions, let replication else { return nil }
        return TopicDefinition(
            topic: topic, owner: owner, about: about, key: key, message: message,
            shape: TopicShape(partitions: partitions, replication: replication, settings: settings), retry: retry, dead: dead,
            environments: environments)
    }

    // MARK: Single values

    private static func line(_ key: String, _ mapping: DocumentMapping, problems: inout [String]) -> String? {
        mapping.value(key, required: true, allowed: "one line of at most 300 characters", problems: &problems) {
            !$0.isEmpty && $0.count <= 300 && !$0.contains(where: \.isNewline) ? $0 : nil
        }
    }

    private static func cleanup(_ mapping: DocumentMapping, problems: inout [String]) -> String {
        mapping.value("cleanup", allowed: "delete, compact, or \"compact,delete\"", problems: &problems) {
            ["delete", "compact", "compact,delete"].contains($0) ? $0 : nil
        } ?? "delete"
    }

    private static func retention(_ mapping: DocumentMapping, required: Bool, problems: inout [String]) -> String? {
        mapping.value("retention", required: required, allowed: "a duration like 7d, or forever", problems: &problems, retention)
    }

    private static func retention(_ text: String) -> String? {
        if text == "forever" { return "-1" }
        return DurationText.parse(text).flatMap { $0 >= .seconds(60) ? TopicSetting.milliseconds($0) : nil }
    }

    static func settings(_ mapping: DocumentMapping, problems: inout [String]) -> [String: String] {
        guard let value = mapping["config"] else { return [:] }
        guard let config = DocumentMapping(value, subject: "\(mapping.subject): config", problems: &problems) else { return [:] }
        config.rejectUnknownKeys(known: TopicSetting.all.map(\.name), problems: &problems)
        var settings: [String: String] = [:]
        for setting in TopicSetting.all {
            settings[setting.name] = config.value(setting.name, allowed: setting.allowed, problems: &problems, setting.kafkaValue)
        }
        return settings
    }

    private static func retry(_ mapping: DocumentMapping, partitions: Int?, problems: inout [String]) -> TopicDefinition.Retry? {
        guard let value = mapping["retry"] else { return nil }
        guard let retry = DocumentMapping(value, subject: "\(mapping.subject): retry", problems: &problems) else { return nil }
        retry.rejectUnknownKeys(known: ["delays", "partitions"], problems: &problems)
        let own = retry.integer("partitions", in: 1...1_000, problems: &problems)
        var delays: [Duration] = []
        if case .list(let list)? = retry["delays"] {
            delays = list.compactMap { if case .scalar(let text, _) = $0 { DurationText.parse(text) } else { nil } }
            if delays.count != list.count { delays = [] }
        }
        let isAscending = zip(delays, delays.dropFirst()).allSatisfy { $0 < $1 }
        guard (1...6).contains(delays.count), isAscending, delays.allSatisfy({ (.seconds(1)...(.seconds(604_800))).contains($0) })
        else {
            retry.reject(
                "delays", retry["delays"], allowed: "a list of 1 to 6 ascending durations from 1s to 7d such as [1m, 10m, 1h]",
                problems: &problems)
            return nil
        }
        return TopicDefinition.Retry(delays: delays, partitions: own ?? partitions ?? 1)
    }

    private static func dead(_ mapping: DocumentMapping, problems: inout [String]) -> TopicDefinition.Dead? {
        guard let value = mapping["dead"] else { return nil }
        guard let dead = DocumentMapping(value, subject: "\(mapping.subject): dead", problems: &problems) else { return nil }
        dead.rejectUnknownKeys(known: ["retention", "partitions"], problems: &problems)
        let partitions = dead.integer("partitions", in: 1...1_000, problems: &problems)
        return retention(dead, required: true, problems: &problems).map {
            TopicDefinition.Dead(retention: $0, partitions: partitions ?? 1)
        }
    }

    /// Work must outlive its longest wait, and what was given up must outlive the work.
    private static func checkRetention(
        _ retention: String?, retry: TopicDefinition.Retry?, dead: TopicDefinition.Dead?, _ mapping: DocumentMapping,
        problems: inout [String]
    ) {
        guard let retention = retention.flatMap(Int64.init), retention >= 0 else {
            if let dead, retention == "-1", dead.retention != "-1" {
                mapping.reject(
                    "dead", mapping["dead"], allowed: "a retention not below the topic's own (forever)", problems: &problems)
            }
            return
        }
        if let longest = retry?.delays.last, Duration.milliseconds(retention) <= longest {
            mapping.reject(
                "retention", mapping["retention"],
                allowed: "more than the longest retry delay (\(DurationText.format(longest)))",
                problems: &problems)
        }
        if let dead = dead.flatMap({ Int64($0.retention) }), dead >= 0, dead < retention {
            mapping.reject("dead", mapping["dead"], allowed: "a retention not below the topic's own", problems: &problems)
        }
    }
}
