public import Contracts
public import Kafka
internal import Messaging
public import Service

/// How the monitor runs.
public struct MonitorConfiguration: Sendable {
    /// How to reach the cluster.
    public var kafka: KafkaConfiguration
    /// What topics are called.
    public var topics: TopicNames
    /// Where things are in the lake.
    public var layout: LakeLayout
    /// Whether every object is read and hashed before `_SUCCESS`, or only its size compared.
    public var readsObjects: Bool
    /// How long a dead leader keeps its place.
    public var sessionTimeout: Duration
    /// Business days that are kept for each source and data set.
    public var keep: Int

    /// A configuration, as tests make it.
    public init(
        kafka: KafkaConfiguration, topics: TopicNames = TopicNames(), layout: LakeLayout = .standard, readsObjects: Bool = true,
        sessionTimeout: Duration = .seconds(10), keep: Int = 100
    ) {
        self.kafka = kafka
        self.topics = topics
        self.layout = layout
        self.readsObjects = readsObjects
        self.sessionTimeout = sessionTimeout
        self.keep = keep
    }

    /// Reads the sections `kafka`, `topics`, `lake` and `monitor`:
    ///
    /// - `lake.day-folder` (`genesys/{dataset}/{yyyy}/{MM}/{dd}`): the folder of a data set's business day.
    /// - `monitor.verify` (`content`): what is compared before `_SUCCESS`: `content` reads and hashes, `size` doesn't.
    /// - `monitor.session-timeout` (10s): how long a dead leader keeps its place.
    /// - `monitor.keep-days` (100): business days that are kept for each source and data set.
    public init(_ settings: Settings) {
        let monitor = settings.scoped("monitor")
        self.init(
            kafka: KafkaConfiguration(settings, client: "monitor@\(settings.instance)"), topics: TopicNames(settings),
            layout: LakeLayout(settings), readsObjects: monitor.choice("verify", default: Verification.content) == .content,
            sessionTimeout: monitor.duration("session-timeout", default: .seconds(10), in: .seconds(1) ... .seconds(300)),
            keep: monitor.int("keep-days", default: 100, in: 1...10_000))
    }

    private enum Verification: String, CaseIterable, Sendable {
        case content
        case size
    }
}
