import Testing

@testable import Operations

@Suite("topic files")
struct TopicFileTests {
    private func problems(_ yaml: String) -> [String] {
        do {
            _ = try TopicFile.parse(yaml: yaml, file: "t.yaml")
            return []
        } catch {
            return error.lines
        }
    }

    /// A good topic with one line changed: `key: value` replaces or adds, a bare key removes.
    private func topic(_ change: String) -> String {
        let good = [
            "topic: jobs.x", "owner: team", "about: what", "key: job id", "message: Job", "partitions: 12", "replication: 3",
            "retention: 7d", "config: { min.insync.replicas: 2, max.message.bytes: 2MiB, segment.ms: 1h }",
            "retry: { delays: [1m, 10m, 1h], partitions: 3 }", "dead: { retention: 30d }",
            "environments: { development: { partitions: 2, replication: 1, retry: 1, config: { min.insync.replicas: 1 } } }",
        ]
        let key = change.split(separator: ":").first.map(String.init) ?? change
        return (good.filter { !$0.hasPrefix("\(key):") } + (change.contains(":") ? [change] : [])).joined(separator: "\n")
    }

    @Test("a full topic is read, durations and sizes in Kafka's spelling")
    func full() throws {
        let definition = try TopicFile.parse(yaml: topic("about: what it is"), file: "t.yaml")
        #expect(
            definition.shape
                == TopicShape(
                    partitions: 12, replication: 3,
                    settings: [
                        "cleanup.policy": "delete", "retention.ms": "604800000", "min.insync.replicas": "2",
                        "max.message.bytes": "2097152", "segment.ms": "3600000",
                    ]))
        #expect(definition.retry == TopicDefinition.Retry(delays: [.seconds(60), .seconds(600), .seconds(3_600)], partitions: 3))
        #expect(definition.dead == TopicDefinition.Dead(retention: "2592000000", partitions: 1))
        #expect(
            definition.environments["development"]?.retryPartitions == 1
                && definition.environments["development"]?.replication == 1)
    }

    @Test(
        "each problem is one line that names the file, the key, the value and what is allowed",
        arguments: [
            ("topic", ["topic is missing"]), ("topic: Jobs.X", ["topic", "\"Jobs.X\"", "lower-case"]),
            ("topic: jobs..x", ["topic"]),
            ("topic: events", ["begins with jobs."]), ("owner", ["owner is missing"]),
            ("about: \"a\\nb\"", ["about", "one line"]),
            ("partitions: 0", ["partitions", "\"0\"", "1 to 1000"]), ("partitions: many", ["\"many\""]),
            ("replication", ["replication is missing"]),
            ("retention", ["retention is missing"]), ("retention: 7 days", ["retention", "\"7 days\"", "7d"]),
            ("retention: 30m", ["retention", "longest retry delay (1h)"]), ("cleanup: compress", ["cleanup", "compact"]),
            ("cleanup: compact", ["cleanup", "delete, because"]), ("config: { min.isr: 2 }", ["unknown key \"min.isr\""]),
            ("config: { min.insync.replica: 2 }", ["did you mean \"min.insync.replicas\"?"]),
            ("config: { max.message.bytes: big }", ["max.message.bytes", "512KiB"]),
            ("config: { min.insync.replicas: 4 }", ["at most the replication (3)"]),
            ("config: { min.cleanable.dirty.ratio: 1.5 }", ["0 to 1"]),
            ("config: { retention.ms: 5 }", ["unknown key \"retention.ms\""]),
            ("retry: { delays: [1h, 1m] }", ["delays", "ascending"]), ("retry: { delays: [] }", ["delays"]),
            ("retry: { delays: [soon] }", ["delays"]),
            ("retry: { delay: [1m] }", ["did you mean \"delays\"?"]), ("dead: { retention: 1d }", ["dead", "not below"]),
            ("dead: {}", ["retention is missing"]),
            ("environments: { development: { replication: 1 } }", ["environments: development", "at most the replication (1)"]),
            ("environments: { development: { replicas: 1 } }", ["unknown key \"replicas\""]),
            ("environments: { Dev: {} }", ["name is not allowed"]),
            ("colour: red", ["unknown key \"colour\""]), ("partition: 1", ["did you mean \"partitions\"?"]),
        ])
    func problem(change: String, mentions: [String]) {
        let problems = problems(topic(change))
        for mention in mentions {
            #expect(problems.contains { $0.contains(mention) }, "\(problems)")
        }
        #expect(problems.allSatisfy { $0.hasPrefix("t.yaml") && !$0.contains { $0.isNewline } })
    }

    @Test("a compacted topic needs no retention, an overlay for what it lacks is refused")
    func compacted() throws {
        let base = "topic: state\nowner: t\nabout: a\nkey: k\nmessage: m\npartitions: 1\nreplication: 1\ncleanup: compact\n"
        #expect(try TopicFile.parse(yaml: base, file: "t").shape.settings == ["cleanup.policy": "compact"])
        #expect(problems(base + "environments: { development: { dead: 2 } }").first?.contains("no dead") == true)
        #expect(try TopicFile.parse(yaml: base + "retention: forever", file: "t").shape.settings["retention.ms"] == "-1")
    }
}
