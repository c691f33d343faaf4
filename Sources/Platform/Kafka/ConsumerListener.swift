/// What a consumer tells its owner, on the consumer's own thread.
///
/// Every call is synchronous and isolated to the consumer: while `revoked` runs, the partitions still belong to this
/// member, and what it commits there counts. Calls must not wait for anything that takes long.
public protocol ConsumerListener: AnyObject, Sendable {
    /// Partitions are about to be added.
    ///
    /// - Returns: where they begin; those that are left out begin at the group's committed offset, and without one at the oldest
    ///   record.
    func starts(of partitions: [TopicPartition], in consumer: isolated Consumer) -> [TopicPartition: StartOffset]
    /// Partitions were added. They are not paused; reading starts after this returns.
    func assigned(_ partitions: [TopicPartition], to consumer: isolated Consumer)
    /// Partitions are about to leave, or, if `lost`, belong to somebody else already: then nothing may be committed.
    func revoked(_ partitions: [TopicPartition], lost: Bool, from consumer: isolated Consumer)
    /// A record arrived.
    func received(_ record: ConsumerRecord, by consumer: isolated Consumer)
    /// Everything that the partition held was delivered; `offset` is the next one (`enable.partition.eof`).
    func reachedEnd(of partition: TopicPartition, offset: Int64, by consumer: isolated Consumer)
    /// Something failed. A fatal error means that the process should end.
    func failed(_ error: KafkaError, in consumer: isolated Consumer)
    /// A round of polling ended: the moment for timers and commits. Happens at least every 100 ms.
    func polled(by consumer: isolated Consumer)
}

extension ConsumerListener {
    /// Leaves it to what is committed.
    public func starts(of partitions: [TopicPartition], in consumer: isolated Consumer) -> [TopicPartition: StartOffset] { [:] }
    /// Does nothing.
    public func reachedEnd(of partition: TopicPartition, offset: Int64, by consumer: isolated Consumer) {}
    /// Does nothing.
    public func polled(by consumer: isolated Consumer) {}
}
