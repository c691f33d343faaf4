internal import CLibrdkafka
internal import Glibc

/// Owns a `rd_kafka_topic_partition_list_t`.
struct TopicPartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(capacity: Int = 8) {
        pointer = rd_kafka_topic_partition_list_new(Int32(clamping: capacity))
    }

    init(_ partitions: some Collection<TopicPartition>) {
        self.init(capacity: partitions.count)
        for partition in partitions { add(partition) }
    }

    init(_ offsets: [TopicPartition: CommittedOffset]) {
        self.init(capacity: offsets.count)
        for (partition, committed) in offsets.sorted(by: { $0.key < $1.key }) {
            add(partition, offset: committed.offset, metadata: committed.metadata)
        }
    }

    init(_ starts: [TopicPartition: StartOffset]) {
        self.init(capacity: starts.count)
        for (partition, start) in starts.sorted(by: { $0.key < $1.key }) { add(partition, offset: start.native) }
    }

    /// Sets where the partitions of a list that librdkafka owns begin.
    static func set(_ starts: [TopicPartition: StartOffset], in pointer: UnsafePointer<rd_kafka_topic_partition_list_t>) {
        for (partition, start) in starts {
            guard let element = rd_kafka_topic_partition_list_find(pointer, partition.topic, partition.partition) else {
                continue
            }
            element.pointee.offset = start.native
        }
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    func add(_ partition: TopicPartition, offset: Int64? = nil, metadata: String = "") {
        let element = rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
        if let offset { element?.pointee.offset = offset }
        if !metadata.isEmpty {
            // librdkafka frees the metadata with rd_free, which is free(3).
            metadata.withCString { text in
                element?.pointee.metadata = UnsafeMutableRawPointer(strdup(text))
                element?.pointee.metadata_size = strlen(text)
            }
        }
    }

    /// The partitions of a list that librdkafka owns.
    static func partitions(of pointer: UnsafePointer<rd_kafka_topic_partition_list_t>) -> [TopicPartition] {
        (0..<Int(pointer.pointee.cnt)).compactMap { index in
            let element = pointer.pointee.elems[index]
            return element.topic.map { TopicPartition(String(cString: $0), element.partition) }
        }
    }

    /// The first error that a call left in the elements.
    var firstError: rd_kafka_resp_err_t? { Self.firstError(of: pointer) }

    /// The first error that a call left in the elements of a list that librdkafka owns.
    static func firstError(of pointer: UnsafePointer<rd_kafka_topic_partition_list_t>) -> rd_kafka_resp_err_t? {
        for index in 0..<Int(pointer.pointee.cnt) {
            let code = pointer.pointee.elems[index].err
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { return code }
        }
        return nil
    }

    /// The valid offsets with their metadata.
    var committedOffsets: [TopicPartition: CommittedOffset] { Self.committedOffsets(of: pointer) }

    /// The valid offsets, with their metadata, of a list that librdkafka owns.
    static func committedOffsets(
        of pointer: UnsafePointer<rd_kafka_topic_partition_list_t>
    ) -> [TopicPartition: CommittedOffset] {
        var result: [TopicPartition: CommittedOffset] = [:]
        for index in 0..<Int(pointer.pointee.cnt) {
            let element = pointer.pointee.elems[index]
            guard let topic = element.topic, element.err == RD_KAFKA_RESP_ERR_NO_ERROR, element.offset >= 0 else { continue }
            var text = ""
            if let metadata = element.metadata, element.metadata_size > 0 {
                let bytes = UnsafeRawBufferPointer(start: metadata, count: element.metadata_size)
                text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            result[TopicPartition(String(cString: topic), element.partition)] = CommittedOffset(element.offset, metadata: text)
        }
        return result
    }
}

extension StartOffset {
    /// The offset in librdkafka's terms.
    fileprivate var native: Int64 {
        switch self {
        case .earliest: Int64(RD_KAFKA_OFFSET_BEGINNING)
        case .latest: Int64(RD_KAFKA_OFFSET_END)
        case .committed: Int64(RD_KAFKA_OFFSET_STORED)
        case .offset(let offset): offset
        }
    }
}
