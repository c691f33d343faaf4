internal import Contracts
internal import Kafka

/// What becomes of records that a broker refuses for their size.
enum OversizedRecords {
    /// Smaller than any topic's limit that makes sense.
    private static let keptBytes = 64 << 10

    /// The batch with strangers' headers and the values of dead letters taken out where they are large: a dead letter keeps its
    /// key, its reason and, in the `job-first-…` headers, the place where its bytes still are.
    static func replaced(in batch: CommitBatch) -> CommitBatch {
        let completions = batch.completions.map { completion in
            var completion = completion
            completion.result.records = completion.result.records.map(replaced)
            return completion
        }
        return CommitBatch(completions: completions, offsets: batch.offsets)
    }

    private static func replaced(_ record: ProducerRecord) -> ProducerRecord {
        var record = record
        let headerBytes = record.headers.reduce(0) { $0 + $1.name.utf8.count + ($1.value?.count ?? 0) }
        // Whoever sent it may have filled the room that our own headers need.
        if headerBytes > keptBytes { record.headers = record.headers.filter(isOurs) }
        guard let value = record.value, value.count > keptBytes, record.headers.text(of: JobHeader.deadReason) != nil else {
            return record
        }
        record.value = nil
        record.headers.append(RecordHeader(JobHeader.deadTruncated, "\(value.count)"))
        return record
    }

    private static func isOurs(_ header: RecordHeader) -> Bool {
        ["job-", "dlq-", "ce_"].contains { header.name.hasPrefix($0) } && header.name.utf8.count <= 64
            && header.value?.count ?? 0 <= 2048
    }
}
