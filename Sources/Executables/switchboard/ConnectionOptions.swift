import ArgumentParser
import Contracts
import Kafka
import Logging
import Messaging
import Service

/// How to reach the cluster: a configuration file, the environment, and options over both.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .long],
        help: "YAML file with the sections kafka and topics; SWITCHBOARD_… variables are laid over it.")
    var config: String?

    @Option(help: "The first brokers to ask, host:port,host:port (kafka.bootstrap-servers).")
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
            let settings = try await Settings.load(file: config, environment: environment)
            let kafka = KafkaConfiguration(settings, client: "switchboard")
            let topics = TopicNames(settings)
            try settings.finish()
            // An empty option means "no prefix", which an empty variable can't say.
            return (kafka, prefix == "" ? TopicNames() : topics)
        } catch {
            throw Failure("\(error)")
        }
    }
}
