internal import Kafka

/// Records between the reader and the actor: bounded, and taken in batches.
actor EventInbox {
    private var records: [ConsumerRecord] = []
    private var space: [CheckedContinuation<Void, Never>] = []
    private var isClosed = false
    private var ends: Set<TopicPartition> = []

    /// How many partitions were read to their ends, at least once.
    var partitionsRead: Int { ends.count }

    func reachedEnd(of partition: TopicPartition) { ends.insert(partition) }

    func add(_ record: ConsumerRecord, limit: Int) async {
        records.append(record)
        // The one reader waits here while the batch before is acted on, which pauses its partitions in turn.
        if records.count >= limit, !isClosed { await withCheckedContinuation { space.append($0) } }
    }

    /// Lets everybody go who waits; nothing is taken any more.
    func close() {
        isClosed = true
        makeRoom()
    }

    /// What there is, up to `count`; waits one tick first when there is nothing.
    func take(_ count: Int, waiting tick: Duration) async throws -> [ConsumerRecord] {
        if records.isEmpty { try await Task.sleep(for: tick) }
        let taken = Array(records.prefix(count))
        records.removeFirst(taken.count)
        makeRoom()
        return taken
    }

    private func makeRoom() {
        for continuation in space { continuation.resume() }
        space = []
    }
}
