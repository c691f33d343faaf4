import ArgumentParser
import Contracts
import Foundation
import Kafka
import Logging
import Messaging
import Service
import Transfer

/// How to reach the cluster: a configuration file, the environment, and options over both.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp(
            """
            YAML file with the sections kafka and topics, and lake for commands that look into it; SWITCHBOARD_… variables are laid over it. Without it: \
            SWITCHBOARD_CONFIG, ./switchboard.yaml, ~/.config/switchboard/switchboard.yaml, /etc/switchboard/switchboard.yaml.
            """, valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(
        help: ArgumentHelp("The first brokers to ask, host:port,host:port (kafka.bootstrap-servers).", valueName: "host:port"))
    var bootstrapServers: String?

    @Option(help: "What stands before every topic's name (topics.prefix).")
    var prefix: String?

    @Flag(help: "Log what the Kafka client does to standard error.")
    var verbose = false

    /// Reads the configuration; everything that is wrong with it is one line each on standard error.
    func connect() async throws -> (kafka: KafkaConfiguration, topics: TopicNames) {
        let read = try await load { settings in
            // What only some commands use is in the same file; its secrets needn't be there for the others.
            _ = settings.stringMap("lake")
            _ = settings.stringMap("http")
        }
        return (read.kafka, read.topics)
    }

    /// Reads the configuration with its sections `lake` and `http`, for commands that look into the lake.
    func connectLake() async throws -> LakeConnection {
        let read = try await load { settings in
            (LakeSettings(settings), LakeLayout(settings), HTTPClientConfiguration(settings))
        }
        return LakeConnection(kafka: read.kafka, topics: read.topics, lake: read.more.0, layout: read.more.1, http: read.more.2)
    }

    /// Reads what every command needs, and more.
    private func load<More>(
        _ more: (Settings) -> More
    ) async throws -> (kafka: KafkaConfiguration, topics: TopicNames, more: More) {
        let level: Logger.Level = verbose ? .debug : .critical
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        var environment = ProcessEnvironment.current
        if let bootstrapServers { environment["SWITCHBOARD_KAFKA_BOOTSTRAP_SERVERS"] = bootstrapServers }
        if let prefix { environment["SWITCHBOARD_TOPICS_PREFIX"] = prefix }
        do {
            let file = config ?? Self.standardFile(environment)
            // It names the file; as a key of the configuration nobody reads it.
            environment["SWITCHBOARD_CONFIG"] = nil
            let settings = try await Settings.load(file: file, environment: environment)
            let kafka = KafkaConfiguration(settings, client: "switchboard")
            let topics = TopicNames(settings)
            let more = more(settings)
            try settings.finish()
            // An empty option means "no prefix", which an empty variable can't say.
            return (kafka, prefix == "" ? TopicNames() : topics, more)
        } catch {
            throw Failure("\(error)")
        }
    }

    /// Runs with a client for the cluster and the installation's names, and closes the client.
    func withAdmin<Result: Sendable>(
        _ body: (Admin, KafkaConfiguration, TopicNames) async throws -> Result
    ) async throws -> Result {
        let (kafka, names) = try await connect()
        let admin = try Admin(kafka)
        do {
            let result = try await body(admin, kafka, names)
            await admin.close()
            return result
        } catch {
            await admin.close()
            throw error
        }
    }

    /// The first configuration file that there is at the places where it belongs.
    private static func standardFile(_ environment: [String: String]) -> String? {
        if let named = environment["SWITCHBOARD_CONFIG"], !named.isEmpty { return named }
        let home = environment["HOME"].map { ["\($0)/.config/switchboard/switchboard.yaml"] } ?? []
        return (["switchboard.yaml"] + home + ["/etc/switchboard/switchboard.yaml"]).first {
            FileManager.default.fileExists(atPath: $0)
        }
    }
}
