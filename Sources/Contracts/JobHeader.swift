/// The names of the headers that workers add to jobs which move between topics; values are text in UTF-8.
public enum JobHeader {
    /// Attempts that were spent.
    public static let attempt = "job-attempt"
    /// When the job may run, ms since 1970.
    public static let notBefore = "job-not-before"
    /// Until when a snoozed job hops, ms since 1970.
    public static let snoozedUntil = "job-snoozed-until"
    /// The topic where the job was first read.
    public static let firstTopic = "job-first-topic"
    /// The partition where the job was first read.
    public static let firstPartition = "job-first-partition"
    /// The offset where the job was first read.
    public static let firstOffset = "job-first-offset"
    /// The timestamp of the record that was first read, ms since 1970.
    public static let firstTimestamp = "job-first-timestamp"
    /// The class of the last failure, such as `vendor-unavailable`.
    public static let lastErrorClass = "job-last-error-class"
    /// The last failure, one line.
    public static let lastError = "job-last-error"

    /// The class of the failure that killed the job.
    public static let deadReason = "dlq-reason"
    /// The failure that killed the job, one line of at most 1 KiB.
    public static let deadMessage = "dlq-message"
    /// What to do about it.
    public static let deadAdvice = "dlq-advice"
    /// The consumer group of the worker that gave up.
    public static let deadGroup = "dlq-group"
    /// The worker that gave up, `name@instance`.
    public static let deadWorker = "dlq-worker"
    /// When it gave up, ISO 8601 in UTC.
    public static let deadAt = "dlq-at"
    /// Attempts that were spent.
    public static let deadAttempts = "dlq-attempts"
    /// The size of a value that no topic took, bytes; where it was read from it still is.
    public static let deadTruncated = "dlq-truncated"
    /// How often an operator sent the job back to work.
    public static let redrives = "dlq-redrives"
}
