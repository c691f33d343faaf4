import Contracts
import Foundation
import TestSupport
import Testing

@testable import Operations

@Suite("the catalogue of topics")
struct TopicCatalogueTests {
    static let folder = Repository.root.appending(path: "topics").path()

    @Test("the topic files of this repository hold every topic that programs use, under the names that they use")
    func repository() throws {
        let names = TopicNames(prefix: "test.")
        let catalogue = try TopicCatalogue.load(folder: Self.folder, prefix: "test.")
        let declared = Set(catalogue.topics.map(\.name))
        let used = [
            names.jobs("conversation"), names.dead("conversation"), names.retry("conversation", after: .seconds(60)),
            names.retry("conversation", after: .seconds(600)), names.retry("conversation", after: .seconds(3_600)),
            names.jobEvents,
            names.alerts, names.scheduleState, names.control, names.deadMarks,
        ]
        #expect(declared.isSuperset(of: used))
    }

    @Test("every topic file fits a single broker in development, and production keeps two replicas in sync")
    func environments() throws {
        for topic in try TopicCatalogue.load(folder: Self.folder, environment: "development").topics {
            #expect(topic.shape.replication == 1 && topic.shape.settings["min.insync.replicas"] == "1", "\(topic.name)")
        }
        for topic in try TopicCatalogue.load(folder: Self.folder).topics {
            #expect(topic.shape.replication == 3 && topic.shape.settings["min.insync.replicas"] == "2", "\(topic.name)")
        }
    }

    @Test("the lease of the scheduler is one partition in every environment")
    func lease() throws {
        for environment in [nil, "development"] {
            let catalogue = try TopicCatalogue.load(folder: Self.folder, environment: environment)
            #expect(catalogue.topics.first { $0.name == TopicNames().scheduleState }?.shape.partitions == 1)
        }
    }

    private func definition(_ topic: String, _ more: String = "") throws -> TopicDefinition {
        try TopicFile.parse(
            yaml:
                "topic: \(topic)\nowner: t\nabout: a\nkey: k\nmessage: m\npartitions: 6\nreplication: 3\nretention: 7d\n\(more)",
            file: topic)
    }

    @Test("retry and dead topics are derived: settings of the topic, partitions and retention of their own")
    func derived() throws {
        let jobs = try definition(
            "jobs.x",
            """
            retry: { delays: [30s, 90s, 1d] }
            dead: { retention: forever, partitions: 2 }
            config: { compression.type: zstd }
            environments: { small: { partitions: 2, retry: 1, dead: 1, replication: 1, config: { compression.type: gzip } } }
            """)
        let topics = try TopicCatalogue(definitions: [jobs], prefix: "p.").topics
        #expect(
            topics.map(\.name) == ["p.jobs.x", "p.jobs.x.dead", "p.jobs.x.retry-24h", "p.jobs.x.retry-30s", "p.jobs.x.retry-90s"])
        #expect(topics.map(\.shape.partitions) == [6, 2, 6, 6, 6])
        #expect(
            topics.allSatisfy { $0.shape.settings["compression.type"] == "zstd" && $0.shape.replication == 3 && $0.owner == "t" })
        #expect(topics[1].shape.settings["retention.ms"] == "-1" && topics[2].shape.settings["retention.ms"] == "604800000")
        let small = try TopicCatalogue(definitions: [jobs], environment: "small").topics
        #expect(small.map(\.shape.partitions) == [2, 1, 1, 1, 1])
        #expect(small.allSatisfy { $0.shape.settings["compression.type"] == "gzip" && $0.shape.replication == 1 })
    }

    @Test("derived topics take what the job topic takes, with the headers that hops and a death add")
    func roomForHeaders() throws {
        let jobs = try definition(
            "jobs.x", "retry: { delays: [30s] }\ndead: { retention: 7d }\nconfig: { max.message.bytes: 1MiB }")
        let limits = try TopicCatalogue(definitions: [jobs]).topics.map { $0.shape.settings["max.message.bytes"] ?? "" }
        #expect(limits == ["1048576", "1179648", "1114112"])
        let silent = try TopicCatalogue(definitions: [try definition("jobs.x", "dead: { retention: 7d }")])
        #expect(silent.topics.allSatisfy { $0.shape.settings["max.message.bytes"] == nil })
    }

    @Test("two topics of one name, a name too long and an unknown environment are refused")
    func refusals() throws {
        let jobs = try definition("jobs.x", "dead: { retention: 7d }")
        let clash = try definition("jobs.x.dead")
        #expect(throws: TopicFile.Problems.self) { try TopicCatalogue(definitions: [jobs, clash]) }
        #expect(throws: TopicFile.Problems.self) {
            try TopicCatalogue(definitions: [jobs], prefix: String(repeating: "p", count: 245))
        }
        #expect(throws: TopicFile.Problems.self) { try TopicCatalogue(definitions: [jobs], environment: "developmnt") }
    }

    @Test("a folder that is missing, empty or holds bad files is told with all problems at once")
    func folders() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "topics-\(UUID().uuidString)")
        #expect(throws: TopicFile.Problems.self) { try TopicCatalogue.load(folder: folder.path()) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(throws: TopicFile.Problems.self) { try TopicCatalogue.load(folder: folder.path()) }
        try Data("topic: X".utf8).write(to: folder.appending(path: "a.yaml"))
        try Data([0xff, 0xfe]).write(to: folder.appending(path: "b.yaml"))
        let problems = #expect(throws: TopicFile.Problems.self) { try TopicCatalogue.load(folder: folder.path()) }
        #expect(
            problems?.lines.contains { $0.hasPrefix("a.yaml") } == true
                && problems?.lines.contains { $0.hasPrefix("b.yaml") } == true)
    }
}
