internal import Contracts
internal import Kafka

/// What becomes of records that a broker refuses for their size.
enum OversizedRecords {
    /// Smaller than any topic's limit that makes sense.
    private static let keptBytes = 64 << 10

    /// The batch with the values of its large records taken out: a dead letter keeps its key, its reason and, in the
    /// `job-first-…` headers, the place where its bytes still are.
    static func replaced(in batch: CommitBatch) -> CommitBatch {
        let completions = batch.completions.map { completion in
            var completion = completion
            completion.result.records = completion.result.records.map(replaced)
            return completion
        }
        return CommitBatch(completions: completions, offsets: batch.offsets)
    }

    private static func replaced(_ record: ProducerRecord) -> ProducerRecord {
        guard let value = record.value, value.count > keptBytes, record.headers.text(of: JobHeader.deadReason) != nil else {
            return record
        }
        var record = record
        record.value = nil
        record.headers.append(RecordHeader(JobHeader.deadTruncated, "\(value.count)"))
        return record
    }
}
