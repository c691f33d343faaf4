internal import CLibrdkafka

/// What a cluster says of itself and its topics.
public struct ClusterMetadata: Sendable, Hashable {
    /// One topic of the cluster.
    public struct Topic: Sendable, Hashable {
        /// The topic's name.
        public let name: String
        /// How many partitions it has.
        public let partitions: Int
        /// The smallest number of replicas among its partitions.
        public let replication: Int
        /// The broker that leads each partition, in their order; nil for one without a leader.
        public let leaders: [Int32?]
        /// How many replicas of each partition are in sync, in their order.
        public let inSync: [Int]
    }

    /// How many brokers are known.
    public let brokers: Int
    /// The topics, sorted by name, internal ones included.
    public let topics: [Topic]

    static func fetch(handle: OpaquePointer, topic: String?, timeoutMilliseconds: Int32) throws(KafkaError) -> ClusterMetadata {
        var pointer: UnsafePointer<rd_kafka_metadata>?
        let reference = topic.map { rd_kafka_topic_new(handle, $0, nil) } ?? nil
        defer { if let reference { rd_kafka_topic_destroy(reference) } }
        let code = rd_kafka_metadata(handle, reference == nil ? 1 : 0, reference, &pointer, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let pointer else {
            // Serves the error callback, where refused credentials are told; a consumer's thread polls by itself.
            if rd_kafka_type(handle) == RD_KAFKA_PRODUCER { rd_kafka_poll(handle, 0) }
            throw HandleCallbacks.of(handle)?.authenticationFailure ?? KafkaError(code: code, operation: "read metadata")
        }
        defer { rd_kafka_metadata_destroy(pointer) }
        var topics: [Topic] = []
        for index in 0..<Int(pointer.pointee.topic_cnt) {
            let found = pointer.pointee.topics[index]
            guard let name = found.topic, found.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            var replication = Int.max
            var places: [Int32: (leader: Int32?, inSync: Int)] = [:]
            for number in 0..<Int(found.partition_cnt) {
                replication = min(replication, Int(found.partitions[number].replica_cnt))
                let partition = found.partitions[number]
                places[partition.id] = (partition.leader < 0 ? nil : partition.leader, Int(partition.isr_cnt))
            }
            let order = places.keys.sorted()
            topics.append(
                Topic(
                    name: String(cString: name), partitions: Int(found.partition_cnt),
                    replication: replication == .max ? 0 : replication, leaders: order.map { places[$0]?.leader ?? nil },
                    inSync: order.map { places[$0]?.inSync ?? 0 }))
        }
        return ClusterMetadata(brokers: Int(pointer.pointee.broker_cnt), topics: topics.sorted { $0.name < $1.name })
    }
}
