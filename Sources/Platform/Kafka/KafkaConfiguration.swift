public import Logging

/// How to reach a cluster, for every kind of client.
public struct KafkaConfiguration: Sendable {
    /// The first brokers to ask, `host:port` separated by commas.
    public var bootstrapServers: String
    /// The name by which brokers' logs and quotas know this client.
    public var clientID: String
    /// Further librdkafka properties by their own names, such as `security.protocol`; they win over this module's defaults.
    public var properties: [String: String]
    private var givenLogger: Logger?

    /// Where librdkafka's log lines go; unless one was given, a logger `kafka` that carries the client's name.
    ///
    /// That one is made when it is asked for: a configuration is read before the program knows how it is to log.
    public var logger: Logger {
        get {
            if let givenLogger { return givenLogger }
            var logger = Logger(label: "kafka")
            logger[metadataKey: "client"] = "\(clientID)"
            return logger
        }
        set { givenLogger = newValue }
    }

    /// A configuration with librdkafka's defaults for everything that isn't named.
    public init(
        bootstrapServers: String, clientID: String = "switchboard", properties: [String: String] = [:],
        logger: Logger? = nil
    ) {
        self.bootstrapServers = bootstrapServers
        self.clientID = clientID
        self.properties = properties
        givenLogger = logger
    }
}
