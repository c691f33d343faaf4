internal import CLibrdkafka

/// Reads and changes what exists on a cluster: topics, partitions, topic configuration. Never deletes on its own account.
public actor Admin {
    /// Runs this actor on a thread that may block.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private let thread: PollThread
    private let handle: NativeHandle
    private var isClosed = false

    /// A topic to create.
    public struct NewTopic: Sendable, Hashable {
        /// The name, prefix included.
        public var name: String
        /// How many partitions.
        public var partitions: Int
        /// How many replicas of each.
        public var replication: Int
        /// Configuration by Kafka's own names.
        public var configuration: [String: String]

        /// A topic to create.
        public init(name: String, partitions: Int, replication: Int, configuration: [String: String] = [:]) {
            self.name = name
            self.partitions = partitions
            self.replication = replication
            self.configuration = configuration
        }
    }

    /// One entry of a topic's configuration.
    public struct ConfigurationEntry: Sendable, Hashable {
        /// The value; nil when the broker hides it.
        public let value: String?
        /// Whether it was set for this topic, not inherited from the broker.
        public let isSetForTopic: Bool
    }

    /// Makes a client; no connection is made yet.
    public init(_ configuration: KafkaConfiguration) throws(KafkaError) {
        let callbacks = HandleCallbacks(logger: configuration.logger, client: configuration.clientID)
        let native = try NativeConfiguration(configuration, defaults: [:], callbacks: callbacks)
        handle = NativeHandle(try native.makeHandle(RD_KAFKA_PRODUCER), callbacks: callbacks)
        thread = PollThread(name: "admin")
    }

    /// Destroys the handle and ends the thread. Idempotent.
    public func close() async {
        if !isClosed {
            isClosed = true
            handle.destroy()
        }
        await thread.stop()
    }

    /// The cluster's brokers and topics.
    public func metadata(timeout: Duration = .seconds(10)) throws(KafkaError) -> ClusterMetadata {
        guard !isClosed else { throw .closed("read metadata") }
        return try ClusterMetadata.fetch(
            handle: handle.pointer, topic: nil, timeoutMilliseconds: Int32(clamping: timeout.wholeMilliseconds))
    }

    /// Creates topics and returns the failures by name; a topic that exists is reported as `topicExists`.
    public func createTopics(
        _ topics: [NewTopic], timeout: Duration = .seconds(30)
    ) throws(KafkaError) -> [String: KafkaError] {
        guard !topics.isEmpty else { return [:] }
        var natives: [OpaquePointer?] = []
        defer { for native in natives { rd_kafka_NewTopic_destroy(native) } }
        for topic in topics {
            var reason = [CChar](repeating: 0, count: 512)
            guard
                let native = rd_kafka_NewTopic_new(
                    topic.name, Int32(clamping: topic.partitions), Int32(clamping: topic.replication), &reason, reason.count)
            else {
                let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                throw KafkaError(
                    kind: .configuration, code: "_INVALID_ARG", operation: "create topic \(topic.name)", message: text)
            }
            natives.append(native)
            for (name, value) in topic.configuration { rd_kafka_NewTopic_set_config(native, name, value) }
        }
        return try Self.request(try open("create topics"), "create topics", RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout) {
            handle, options, queue in
            rd_kafka_CreateTopics(handle, &natives, natives.count, options, queue)
        } read: { event in
            var count = 0
            let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
            return Self.failures(results, count, "create topic")
        }
    }

    /// Deletes topics, for tests and development stacks only; returns the failures by name.
    public func deleteTopics(_ names: [String], timeout: Duration = .seconds(30)) throws(KafkaError) -> [String: KafkaError] {
        guard !names.isEmpty else { return [:] }
        var natives: [OpaquePointer?] = names.map { rd_kafka_DeleteTopic_new($0) }
        defer { for native in natives { rd_kafka_DeleteTopic_destroy(native) } }
        return try Self.request(try open("delete topics"), "delete topics", RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout) {
            handle, options, queue in
            rd_kafka_DeleteTopics(handle, &natives, natives.count, options, queue)
        } read: { event in
            var count = 0
            let results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count)
            return Self.failures(results, count, "delete topic")
        }
    }

    /// Raises a topic's partition count, which moves keys to other partitions.
    public func createPartitions(of topic: String, total: Int, timeout: Duration = .seconds(30)) throws(KafkaError) {
        var reason = [CChar](repeating: 0, count: 512)
        var native = rd_kafka_NewPartitions_new(topic, total, &reason, reason.count)
        defer { rd_kafka_NewPartitions_destroy(native) }
        let failures = try Self.request(
            try open("create partitions"), "create partitions", RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, timeout
        ) { handle, options, queue in
            rd_kafka_CreatePartitions(handle, &native, 1, options, queue)
        } read: { event in
            var count = 0
            let results = rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &count)
            return Self.failures(results, count, "create partitions of")
        }
        if let failure = failures[topic] { throw failure }
    }

    /// A topic's configuration by Kafka's own names.
    public func configuration(
        of topic: String, timeout: Duration = .seconds(10)
    ) throws(KafkaError) -> [String: ConfigurationEntry] {
        var resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic)
        defer { rd_kafka_ConfigResource_destroy(resource) }
        let result: Result<[String: ConfigurationEntry], KafkaError> = try Self.request(
            try open("describe configuration"), "describe configuration", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout
        ) { handle, options, queue in
            rd_kafka_DescribeConfigs(handle, &resource, 1, options, queue)
        } read: { event in
            var count = 0
            let resources = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count)
            guard count > 0, let described = resources?[0] else { return .success([:]) }
            if let failure = Self.failure(of: described, "describe configuration of \(topic)") { return .failure(failure) }
            var entries: [String: ConfigurationEntry] = [:]
            var entryCount = 0
            let native = rd_kafka_ConfigResource_configs(described, &entryCount)
            for index in 0..<entryCount {
                guard let entry = native?[index], let name = rd_kafka_ConfigEntry_name(entry) else { continue }
                let source = rd_kafka_ConfigEntry_source(entry)
                entries[String(cString: name)] = ConfigurationEntry(
                    value: rd_kafka_ConfigEntry_value(entry).map { String(cString: $0) },
                    isSetForTopic: source == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
            }
            return .success(entries)
        }
        return try result.get()
    }

    /// Sets entries of a topic's configuration and keeps all others that are set for it.
    ///
    /// The incremental request needs librdkafka 2.2 at compile time; here the present entries are read and sent again with the
    /// changes, which has the same result unless somebody else changes the topic in the same moment.
    public func alterConfiguration(
        of topic: String, setting changes: [String: String], timeout: Duration = .seconds(30)
    ) throws(KafkaError) {
        var all: [String: String] = [:]
        for (name, entry) in try configuration(of: topic, timeout: timeout) where entry.isSetForTopic {
            all[name] = entry.value
        }
        all.merge(changes) { _, new in new }
        var resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic)
        defer { rd_kafka_ConfigResource_destroy(resource) }
        for (name, value) in all { rd_kafka_ConfigResource_set_config(resource, name, value) }
        let failure: KafkaError? = try Self.request(
            try open("alter configuration"), "alter configuration", RD_KAFKA_ADMIN_OP_ALTERCONFIGS, timeout
        ) { handle, options, queue in
            rd_kafka_AlterConfigs(handle, &resource, 1, options, queue)
        } read: { event in
            var count = 0
            let resources = rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count)
            guard count > 0, let altered = resources?[0] else { return nil }
            return Self.failure(of: altered, "alter configuration of \(topic)")
        }
        if let failure { throw failure }
    }

    // MARK: Requests

    func open(_ operation: String) throws(KafkaError) -> OpaquePointer {
        guard !isClosed else { throw .closed(operation) }
        return handle.pointer
    }

    static func request<Answer>(
        _ handle: OpaquePointer, _ operation: String, _ kind: rd_kafka_admin_op_t, _ timeout: Duration,
        send: (_ handle: OpaquePointer, _ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void,
        read: (_ event: OpaquePointer) -> Answer
    ) throws(KafkaError) -> Answer {
        let milliseconds = Int32(clamping: timeout.wholeMilliseconds)
        let options = rd_kafka_AdminOptions_new(handle, kind)
        defer { rd_kafka_AdminOptions_destroy(options) }
        var reason = [CChar](repeating: 0, count: 512)
        rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, &reason, reason.count)
        if kind == RD_KAFKA_ADMIN_OP_CREATETOPICS || kind == RD_KAFKA_ADMIN_OP_CREATEPARTITIONS
            || kind == RD_KAFKA_ADMIN_OP_DELETETOPICS
        {
            rd_kafka_AdminOptions_set_operation_timeout(options, milliseconds, &reason, reason.count)
        }
        let queue = rd_kafka_queue_new(handle)
        defer { rd_kafka_queue_destroy(queue) }
        send(handle, options, queue)
        // librdkafka's own timeout comes first; the margin only guards against an answer that never comes.
        guard let event = rd_kafka_queue_poll(queue, milliseconds + 5000) else {
            throw KafkaError(code: RD_KAFKA_RESP_ERR__TIMED_OUT, operation: operation)
        }
        defer { rd_kafka_event_destroy(event) }
        let code = rd_kafka_event_error(event)
        if code != RD_KAFKA_RESP_ERR_NO_ERROR {
            let text = rd_kafka_event_error_string(event).map { String(cString: $0) }
            throw KafkaError(code: code, operation: operation, message: text)
        }
        return read(event)
    }

    private static func failures(
        _ results: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int, _ operation: String
    ) -> [String: KafkaError] {
        var failures: [String: KafkaError] = [:]
        for index in 0..<count {
            guard let result = results?[index], let name = rd_kafka_topic_result_name(result) else { continue }
            let code = rd_kafka_topic_result_error(result)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            let topic = String(cString: name)
            let text = rd_kafka_topic_result_error_string(result).map { String(cString: $0) }
            failures[topic] = KafkaError(code: code, operation: "\(operation) \(topic)", message: text)
        }
        return failures
    }

    private static func failure(of resource: OpaquePointer, _ operation: String) -> KafkaError? {
        let code = rd_kafka_ConfigResource_error(resource)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        let text = rd_kafka_ConfigResource_error_string(resource).map { String(cString: $0) }
        return KafkaError(code: code, operation: operation, message: text)
    }
}
