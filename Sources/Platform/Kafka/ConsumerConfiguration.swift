/// How a consumer joins its group and reads.
public struct ConsumerConfiguration: Sendable {
    /// How to reach the cluster.
    public var kafka: KafkaConfiguration
    /// The consumer group; nil for a reader without one, which only `assign`s.
    public var group: String?
    /// A name that survives restarts (static membership): a restart within the session moves no partition.
    public var groupInstance: String?
    /// How long the group waits for a silent member before it gives its partitions away.
    public var sessionTimeout: Duration
    /// Whether records of aborted and open transactions are hidden. On, because all promises of the product need it.
    public var readsCommittedOnly: Bool
    /// Whether `reachedEnd` is reported.
    public var reportsEnds: Bool
    /// What is fetched ahead for each partition, records; small for jobs, large for streams.
    public var prefetchedRecords: Int
    /// What is fetched ahead for all partitions, bytes.
    public var prefetchedBytes: Int
    /// How often librdkafka's statistics become metrics; zero switches them off.
    public var statisticsInterval: Duration

    /// A consumer of a stream, with prefetching.
    public init(_ kafka: KafkaConfiguration, group: String? = nil) {
        self.kafka = kafka
        self.group = group
        groupInstance = nil
        sessionTimeout = .seconds(45)
        readsCommittedOnly = true
        reportsEnds = false
        prefetchedRecords = 10_000
        prefetchedBytes = 16 << 20
        statisticsInterval = .seconds(15)
    }

    /// The strategy that suits the librdkafka in this process: cooperative from 2.10, eager below, where a commit during
    /// a cooperative rebalance may lose the assignment.
    public static var assignor: String {
        LibraryVersion.current >= .cooperativeRebalances ? "cooperative-sticky" : "range"
    }

    var properties: [String: String] {
        var sessionTimeout = sessionTimeout
        // Without a group there is no session, but librdkafka still refuses one that is longer than a poll interval.
        if group == nil, let limit = kafka.properties["max.poll.interval.ms"].flatMap({ Int64($0) }) {
            sessionTimeout = min(sessionTimeout, .milliseconds(limit))
        }
        var properties = [
            "enable.auto.commit": "false",
            "enable.auto.offset.store": "false",
            "auto.offset.reset": "earliest",
            "isolation.level": readsCommittedOnly ? "read_committed" : "read_uncommitted",
            "enable.partition.eof": reportsEnds ? "true" : "false",
            "session.timeout.ms": "\(sessionTimeout.wholeMilliseconds)",
            "heartbeat.interval.ms": "\(max(100, min(3000, sessionTimeout.wholeMilliseconds / 4)))",
            "max.poll.interval.ms": "\(max(300_000, sessionTimeout.wholeMilliseconds))",
            "queued.min.messages": "\(prefetchedRecords)",
            "queued.max.messages.kbytes": "\(max(1, prefetchedBytes / 1024))",
            "fetch.wait.max.ms": "100",
            "partition.assignment.strategy": Self.assignor,
            "statistics.interval.ms": "\(statisticsInterval.wholeMilliseconds)",
            "allow.auto.create.topics": "false",
        ]
        // librdkafka waits a whole second before it looks again whether a full queue drained.
        if LibraryVersion.current >= LibraryVersion(number: 0x0202_00ff) { properties["fetch.queue.backoff.ms"] = "10" }
        properties["group.id"] = group ?? "switchboard-reader"
        if let groupInstance { properties["group.instance.id"] = groupInstance }
        return properties
    }
}

extension Duration {
    /// Whole milliseconds, as Kafka's properties want them.
    var wholeMilliseconds: Int64 { Int64(self / .milliseconds(1)) }
}
