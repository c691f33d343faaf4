import Foundation
import Kafka
import Operations
import TestSupport
import Testing

@Suite("the program switchboard")
struct SwitchboardProgramTests {
    /// The program in the repository's root, where the topic files are.
    private func switchboard(_ arguments: [String], environment: [String: String] = [:]) async throws -> SwitchboardRun {
        try await SwitchboardRun.run(arguments, environment: environment, directory: Repository.root)
    }

    @Test("plan tells 2 while there is something to do, apply does it only with --execute, then both tell 0")
    func planAndApply() async throws {
        let broker = try await TestBroker.shared.bootstrapServers()
        let prefix = "cli-\(UUID().uuidString.prefix(8).lowercased())."
        func topics(_ arguments: String...) async throws -> SwitchboardRun {
            let common = ["--bootstrap-servers", broker, "--prefix", prefix, "--environment", "development"]
            return try await switchboard(["topics"] + arguments + common)
        }
        let plan = try await topics("plan")
        #expect(plan.code == 2 && plan.output.contains("create  \(prefix)job.events"), "\(plan)")
        let shown = try await topics("apply")
        #expect(shown.code == 2 && shown.output == plan.output && shown.errors.contains("--execute"), "\(shown)")
        #expect(try await topics("plan").code == 2, "apply without --execute changed something")
        let applied = try await topics("apply", "--execute")
        #expect(applied.code == 0 && applied.errors.contains("\(prefix)alerts: created"), "\(applied)")
        for verb in ["plan", "apply"] {
            let again = try await topics(verb, "--json")
            #expect(again.code == 0, "\(again)")
            let object = try JSONSerialization.jsonObject(with: Data(again.output.utf8)) as? [String: Any]
            #expect((object?["steps"] as? [Any])?.isEmpty == true)
        }
        // Without the overlay the same topics have too few replicas: nothing that may be done, and it says 3.
        let refused = try await switchboard(["topics", "apply", "--execute", "--bootstrap-servers", broker, "--prefix", prefix])
        #expect(refused.code == 3 || refused.code == 1, "\(refused)")
        #expect(refused.output.contains("refuse  \(prefix)alerts"), "\(refused)")

        let catalogue = try TopicCatalogue.load(folder: TopicCatalogueTests.folder, prefix: prefix)
        let admin = try Admin(try await TestBroker.shared.kafka())
        _ = try await admin.deleteTopics(catalogue.topics.map(\.name))
        await admin.close()
    }

    @Test("configuration comes from a file, the environment wins over it and options over both")
    func configuration() async throws {
        let broker = try await TestBroker.shared.bootstrapServers()
        let file = FileManager.default.temporaryDirectory.appending(path: "switchboard-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("kafka:\n  bootstrap-servers: 127.0.0.1:1\ntopics:\n  prefix: file.\n".utf8).write(to: file)
        let run = try await switchboard(
            ["topics", "plan", "--config", file.path(), "--prefix", "option."],
            environment: ["SWITCHBOARD_KAFKA_BOOTSTRAP_SERVERS": broker])
        #expect(run.code == 2 && run.output.contains("create  option.alerts"), "\(run)")
    }

    @Test(
        "what is wrong is told in lines that name it, with code 1",
        arguments: [
            (["topics", "plan"], "kafka.bootstrap-servers is missing"),
            (["topics", "plan", "--bootstrap-servers", "127.0.0.1:1", "--topics", "/nowhere"], "\"/nowhere\" can't be read"),
            (["topics", "plan", "--bootstrap-servers", "127.0.0.1:1", "--environment", "prod"], "\"prod\" is not allowed"),
            (["topics", "plan", "--bootstrap-servers", "127.0.0.1:1", "--prefix", "a b"], "topics.prefix"),
            (["topics", "plan", "--config", "/nowhere.yaml"], "/nowhere.yaml"),
        ])
    func problems(arguments: [String], mention: String) async throws {
        let run = try await switchboard(arguments)
        #expect(run.code == 1 && run.output.isEmpty, "\(run)")
        #expect(run.errors.hasPrefix("switchboard: ") && run.errors.contains(mention), "\(run)")
    }

    @Test("check needs no cluster")
    func check() async throws {
        let run = try await switchboard(["topics", "check", "--prefix", "p."])
        #expect(run.code == 0 && run.output.split(separator: "\n").contains("p.jobs.conversation.retry-10m"), "\(run)")
    }

    @Test(
        "help has examples and exit codes",
        arguments: [["topics", "plan", "--help"], ["topics", "apply", "--help"], ["--help"]])
    func help(arguments: [String]) async throws {
        let run = try await switchboard(arguments)
        #expect(run.code == 0 && run.output.contains("Exit codes: 0"), "\(run)")
    }
}
