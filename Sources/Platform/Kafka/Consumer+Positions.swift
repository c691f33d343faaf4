internal import CLibrdkafka

extension Consumer {
    /// The first offset of each partition whose record is at or after an instant (ms since 1970); a partition without such a
    /// record is absent. Asks the brokers.
    public func offsets(
        atOrAfter times: [TopicPartition: Int64], timeout: Duration = .seconds(10)
    ) throws(KafkaError) -> [TopicPartition: Int64] {
        guard !times.isEmpty else { return [:] }
        let list = TopicPartitionList(capacity: times.count)
        for (partition, time) in times.sorted(by: { $0.key < $1.key }) { list.add(partition, offset: time) }
        try check(
            rd_kafka_offsets_for_times(
                try native("find offsets of times"), list.pointer, Int32(clamping: timeout.wholeMilliseconds)),
            "find offsets of times")
        if let code = list.firstError { throw KafkaError(code: code, operation: "find offsets of times") }
        return list.committedOffsets.mapValues(\.offset)
    }

    /// The oldest kept offset of each partition and the one after the newest record that is shown to this consumer: where only
    /// committed records are read, what an open transaction holds back lies behind the end. Asks the brokers.
    public func watermarks(
        of partitions: some Collection<TopicPartition>, timeout: Duration = .seconds(10)
    ) throws(KafkaError) -> [TopicPartition: Range<Int64>] {
        var found: [TopicPartition: Range<Int64>] = [:]
        for partition in partitions { found[partition] = try watermarks(of: partition, timeout: timeout) }
        return found
    }

    /// Assigns, and calls `body` before anything of the new assignment is delivered: nothing else of this thread comes between.
    func assign(_ starts: [TopicPartition: StartOffset], then body: @Sendable () -> Void) throws(KafkaError) {
        try assign(starts)
        body()
    }

    /// The end of a partition as the last answer to a fetch told it; nil before there was one. Asks nobody.
    func fetchedEnd(of partition: TopicPartition) -> Int64? {
        guard let handle = try? native("get watermarks") else { return nil }
        var low: Int64 = 0
        var high: Int64 = 0
        let code = rd_kafka_get_watermark_offsets(handle, partition.topic, partition.partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
    }
}
