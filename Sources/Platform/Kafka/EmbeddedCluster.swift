internal import CLibrdkafka
public import Logging

/// librdkafka's mock brokers in this process: for tests of error paths, with faults on request.
///
/// It keeps 5 MB per partition, knows no topic administration, ignores offsets that are sent in transactions, fences no
/// stale generation and shows aborted records: it proves nothing about transactions.
public actor EmbeddedCluster {
    /// Runs this actor on a thread that may block.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    /// The brokers' addresses.
    public nonisolated let bootstrapServers: String

    private let thread: PollThread
    private let handle: NativeHandle
    private var cluster: OpaquePointer?

    /// Kafka's numbers of the requests that faults are injected into.
    public enum Request: Int16, Sendable {
        /// Sending records.
        case produce = 0
        /// Reading records.
        case fetch = 1
        /// Cluster metadata.
        case metadata = 3
        /// Committing offsets.
        case offsetCommit = 8
        /// Finding a coordinator.
        case findCoordinator = 10
        /// Joining a group.
        case joinGroup = 11
        /// Registering a producer.
        case initProducerID = 22
        /// Adding partitions to a transaction.
        case addPartitionsToTransaction = 24
        /// Ending a transaction.
        case endTransaction = 26
    }

    /// The answers that can be injected.
    public enum Fault: Sendable {
        /// The connection is cut.
        case transport
        /// The broker asks for another leader to be found.
        case notLeader
        /// The broker's own time ran out.
        case requestTimedOut
        /// There is no coordinator at the moment.
        case coordinatorNotAvailable
        /// The coordinator is loading.
        case coordinatorLoading
        /// The coordinator moved.
        case notCoordinator
        /// A newer producer has taken over.
        case producerFenced
        /// Too few replicas are in sync.
        case notEnoughReplicas
        /// The record is too large.
        case messageTooLarge

        var code: rd_kafka_resp_err_t {
            switch self {
            case .transport: RD_KAFKA_RESP_ERR__TRANSPORT
            case .notLeader: RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION
            case .requestTimedOut: RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT
            case .coordinatorNotAvailable: RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE
            case .coordinatorLoading: RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS
            case .notCoordinator: RD_KAFKA_RESP_ERR_NOT_COORDINATOR
            case .producerFenced: RD_KAFKA_RESP_ERR_PRODUCER_FENCED
            case .notEnoughReplicas: RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS
            case .messageTooLarge: RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
            }
        }
    }

    /// Starts `brokers` mock brokers.
    public init(brokers: Int = 1, logger: Logger = Logger(label: "kafka.embedded")) throws(KafkaError) {
        let callbacks = HandleCallbacks(logger: logger, client: "embedded-cluster")
        let configuration = KafkaConfiguration(bootstrapServers: "", clientID: "embedded-cluster", logger: logger)
        let native = try NativeConfiguration(configuration, defaults: [:], callbacks: callbacks)
        let pointer = try native.makeHandle(RD_KAFKA_PRODUCER)
        handle = NativeHandle(pointer, callbacks: callbacks)
        guard let cluster = rd_kafka_mock_cluster_new(pointer, Int32(clamping: brokers)) else {
            rd_kafka_destroy(pointer)
            throw KafkaError(
                kind: .other, code: "_FAIL", operation: "start embedded cluster", message: "librdkafka could not start it")
        }
        self.cluster = cluster
        bootstrapServers = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
        thread = PollThread(name: "embedded")
    }

    /// Makes a topic.
    public func createTopic(_ name: String, partitions: Int, replication: Int = 1) throws(KafkaError) {
        guard let cluster else { throw .closed("create topic") }
        let code = rd_kafka_mock_topic_create(cluster, name, Int32(clamping: partitions), Int32(clamping: replication))
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code: code, operation: "create topic \(name)") }
    }

    /// Lets the next requests of a kind fail, one for each fault.
    public func inject(_ faults: [Fault], into request: Request) {
        guard let cluster else { return }
        let codes = faults.map(\.code)
        switchboard_rd_kafka_mock_push_errors(cluster, request.rawValue, codes, codes.count)
    }

    /// Takes a broker off the network, or brings it back; brokers count from 1.
    public func setBroker(_ number: Int, isUp: Bool) {
        guard let cluster else { return }
        if isUp {
            rd_kafka_mock_broker_set_up(cluster, Int32(clamping: number))
        } else {
            rd_kafka_mock_broker_set_down(cluster, Int32(clamping: number))
        }
    }

    /// Adds a delay to every answer of a broker.
    public func setRoundTrip(_ delay: Duration, ofBroker number: Int) {
        guard let cluster else { return }
        rd_kafka_mock_broker_set_rtt(cluster, Int32(clamping: number), Int32(clamping: delay.wholeMilliseconds))
    }

    /// Moves a group's coordinator to a broker.
    public func setCoordinator(ofGroup group: String, toBroker number: Int) {
        guard let cluster else { return }
        rd_kafka_mock_coordinator_set(cluster, "group", group, Int32(clamping: number))
    }

    /// Moves a partition's leader to a broker.
    public func setLeader(of partition: TopicPartition, toBroker number: Int) {
        guard let cluster else { return }
        rd_kafka_mock_partition_set_leader(cluster, partition.topic, partition.partition, Int32(clamping: number))
    }

    /// Stops the brokers. Idempotent.
    public func close() async {
        if let cluster {
            self.cluster = nil
            rd_kafka_mock_cluster_destroy(cluster)
            handle.destroy()
        }
        await thread.stop()
    }
}
