import ArgumentParser
import Contracts
import Foundation
import Kafka
import Logging
import Messaging
import Service

/// How to reach the cluster: a configuration file, the environment, and options over both.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp(
            """
            YAML file with the sections kafka and topics; SWITCHBOARD_… variables are laid over it. Without it: \
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
            try settings.finish()
            // An empty option means "no prefix", which an empty variable can't say.
            return (kafka, prefix == "" ? TopicNames() : topics)
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
