public import Logging

/// How to reach a cluster, for every kind of client.
public struct KafkaConfiguration: Sendable {
    /// The first brokers to ask, `host:port` separated by commas.
    public var bootstrapServers: String
    /// The name by which brokers' logs and quotas know this client.
    public var clientID: String
    /// Further librdkafka properties by their own names, such as `security.protocol`; they win over this module's defaults.
    public var properties: [String: String]
    /// Where librdkafka's log lines go.
    public var logger: Logger

    /// A configuration with librdkafka's defaults for everything that isn't named.
    public init(
        bootstrapServers: String, clientID: String = "switchboard", properties: [String: String] = [:],
        logger: Logger = Logger(label: "kafka")
    ) {
        self.bootstrapServers = bootstrapServers
        self.clientID = clientID
        self.properties = properties
        self.logger = logger
    }
}
