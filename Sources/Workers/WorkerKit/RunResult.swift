internal import Kafka

/// What a run leaves: what is to be published with its offset, and what its end says.
struct RunResult: Sendable {
    /// Events, children, the next attempt or the dead letter.
    var records: [ProducerRecord]
    /// What the end says about the job's surroundings.
    var evidence: Circuit.Evidence = .none
    /// The checkpoint that nobody needs once the records are committed.
    var finishedCheckpoint: JobCheckpoint?
    /// When it ended, so that it can be told how long its publication took.
    var endedAt: WorkerClock.Instant?
}
