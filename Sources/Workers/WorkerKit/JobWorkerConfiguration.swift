public import Contracts
public import Kafka

/// How a worker takes and runs jobs.
public struct JobWorkerConfiguration: Sendable {
    /// The kind of jobs, such as `conversation`.
    public var kind: String
    /// The program's name, such as `conversation-worker`.
    public var name: String
    /// Tells this process from others of the same program, and survives its restart: it fences an older copy of itself.
    public var instance: String
    /// How to reach the cluster.
    public var kafka: KafkaConfiguration
    /// What topics are called.
    public var topics: TopicNames
    /// Jobs at a time.
    public var slots: Int = 4
    /// Offsets of one partition that may be running or done beyond its base; 1 runs a partition's jobs in order.
    public var window: Int = 1
    /// The delays of the kind's retry topics, ascending.
    public var retryDelays: [Duration] = [.seconds(60), .seconds(600), .seconds(3600)]
    /// Attempts before a job is given up.
    public var maximumAttempts: Int = 8
    /// How long one attempt may take.
    public var attemptTimeout: Duration = .seconds(6 * 3600)
    /// How long an attempt may go without progress.
    public var stallTimeout: Duration = .seconds(15 * 60)
    /// Starts without an end at which a job is given up unrun, because it ends its process.
    public var crashLimit: Int = 3
    /// Deaths at which no more work is taken for a while.
    public var deathBudget = DeathBudget()
    /// The least time between two writes of a job's checkpoint.
    public var checkpointInterval: Duration = .seconds(10)
    /// How long running jobs may go on after a stop signal; what then still runs is handed back.
    public var grace: Duration = .seconds(20)
    /// The least time between two `progressed` events of a job.
    public var progressInterval: Duration = .seconds(60)
    /// How long the group waits for a silent worker.
    public var sessionTimeout: Duration = .seconds(45)

    /// A configuration with defaults for everything that isn't named.
    public init(kind: String, name: String, instance: String, kafka: KafkaConfiguration, topics: TopicNames = TopicNames()) {
        self.kind = kind
        self.name = name
        self.instance = instance
        self.kafka = kafka
        self.topics = topics
    }

    /// The consumer group of all workers of the kind.
    public var group: String { "\(topics.prefix)\(kind)-worker" }

    /// The worker as events name it.
    public var worker: String { "\(name)@\(instance)" }

    /// The id that fences an older copy of this worker.
    public var transactionalID: String { "\(topics.prefix)\(name)-\(instance)" }

    /// The topics that it reads: work to do now, and work to do later.
    public var subscription: [String] { [topics.jobs(kind)] + retryDelays.map { topics.retry(kind, after: $0) } }
}
