internal import Contracts
internal import Foundation
internal import Kafka

extension JobHeader {
    /// Header text is bounded, so that a dead letter is never much larger than what died.
    static func bounded(_ text: String) -> String {
        let single = text.map { $0.isNewline ? " " : $0 }
        return String(decoding: String(single).utf8.prefix(1024), as: UTF8.self)
    }

    /// The record's headers with some replaced.
    static func replacing(_ headers: [RecordHeader], with new: [(String, String)]) -> [RecordHeader] {
        let names = Set(new.map(\.0))
        return headers.filter { !names.contains($0.name) } + new.map { RecordHeader($0.0, $0.1) }
    }

    /// Where the job was first seen; kept through all hops.
    static func first(of record: ConsumerRecord) -> [(String, String)] {
        guard record.headers.text(of: firstTopic) == nil else { return [] }
        return [
            (firstTopic, record.topic), (firstPartition, "\(record.partition)"), (firstOffset, "\(record.offset)"),
            (firstTimestamp, "\(record.timestamp)"),
        ]
    }
}

/// Where a job waits for its next attempt. Pure.
struct RetryPlan: Sendable {
    let kind: String
    let topics: TopicNames
    /// The delays for which retry topics exist, ascending; the last is used again and again.
    let delays: [Duration]
    let maximumAttempts: Int

    /// Whether another attempt is left after this one.
    func hasAttempts(after attempt: Int, job: Job?, now: Date) -> Bool {
        if let deadline = job?.deadline, deadline <= now { return false }
        return !delays.isEmpty && attempt < (job?.maximumAttempts ?? maximumAttempts)
    }

    /// The record for the next attempt, and when it is due.
    ///
    /// - Parameters:
    ///   - wish: the least delay that the error asks for.
    ///   - jitter: from 0 to 1; spreads what failed together over a fifth of the delay.
    func retry(
        _ record: ConsumerRecord, attempt: Int, wish: Duration?, failure: JobEvent.Failure, now: Date, jitter: Double
    ) -> (record: ProducerRecord, due: Date) {
        let hop: Duration =
            if let wish { delays.first { $0 >= wish } ?? delays[delays.count - 1] } else {
                delays[min(attempt, delays.count) - 1]
            }
        let due = now.addingTimeInterval(hop / .seconds(1) * (1 + 0.2 * jitter))
        var headers = JobHeader.first(of: record)
        headers += [
            (JobHeader.attempt, "\(attempt)"), (JobHeader.notBefore, "\(Int64(due.timeIntervalSince1970 * 1000))"),
            (JobHeader.lastErrorClass, JobHeader.bounded(failure.reason)),
            (JobHeader.lastError, JobHeader.bounded(failure.message)),
        ]
        return (hopRecord(record, after: hop, headers), due)
    }

    /// The record that waits until an instant without spending an attempt: it hops until then.
    func snooze(
        _ record: ConsumerRecord, attempt: Int, until: Date, failure: JobEvent.Failure, now: Date
    ) -> (record: ProducerRecord, due: Date) {
        // The instant may come from a header that anybody could write: a month ahead is as good as never.
        let wait = min(max(0, until.timeIntervalSince(now)), 30 * 86_400)
        let remaining = Duration.seconds(wait)
        let hop = delays.last { $0 <= remaining } ?? delays[0]
        let due = now.addingTimeInterval(hop / .seconds(1))
        var headers = JobHeader.first(of: record)
        headers += [
            (JobHeader.attempt, "\(attempt - 1)"), (JobHeader.notBefore, "\(Int64(due.timeIntervalSince1970 * 1000))"),
            (JobHeader.snoozedUntil, "\(Int64((now.timeIntervalSince1970 + wait) * 1000))"),
            (JobHeader.lastErrorClass, JobHeader.bounded(failure.reason)),
            (JobHeader.lastError, JobHeader.bounded(failure.message)),
        ]
        return (hopRecord(record, after: hop, headers), due)
    }

    private func hopRecord(_ record: ConsumerRecord, after hop: Duration, _ headers: [(String, String)]) -> ProducerRecord {
        ProducerRecord(
            topic: topics.retry(kind, after: hop), key: record.key, value: record.value,
            headers: JobHeader.replacing(record.headers, with: headers))
    }

    /// The record that goes to the dead topic: key and value untouched, everything else in headers.
    func dead(
        _ record: ConsumerRecord, attempt: Int, failure: JobEvent.Failure, group: String, worker: String, now: Date
    ) -> ProducerRecord {
        var headers = JobHeader.first(of: record)
        headers += [
            (JobHeader.deadReason, JobHeader.bounded(failure.reason)),
            (JobHeader.deadMessage, JobHeader.bounded(failure.message)),
            (JobHeader.deadAdvice, JobHeader.bounded(failure.advice ?? "")), (JobHeader.deadGroup, group),
            (JobHeader.deadWorker, worker), (JobHeader.deadAt, Timestamp.string(now)), (JobHeader.deadAttempts, "\(attempt)"),
        ]
        return ProducerRecord(
            topic: topics.dead(kind), key: record.key, value: record.value,
            // Only whoever takes a value out may say that it was.
            headers: JobHeader.replacing(record.headers.filter { $0.name != JobHeader.deadTruncated }, with: headers))
    }
}
