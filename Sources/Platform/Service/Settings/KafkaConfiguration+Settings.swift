public import Kafka

extension KafkaConfiguration {
    /// Reads the section `kafka`:
    ///
    /// - `bootstrap-servers` (required): the first brokers to ask, `host:port,host:port`.
    /// - `properties`: librdkafka properties by their own names, such as `security.protocol: SASL_SSL`.
    /// - `password` (secret reference): `sasl.password`, so that it isn't written in the file.
    ///
    /// - Parameter client: what brokers' logs call this program.
    public init(_ settings: Settings, client: String) {
        let settings = settings.scoped("kafka")
        var properties = settings.stringMap("properties")
        if let password = settings.optionalSecret("password") { properties["sasl.password"] = password.reveal() }
        self.init(bootstrapServers: settings.string("bootstrap-servers"), clientID: client, properties: properties)
    }
}
