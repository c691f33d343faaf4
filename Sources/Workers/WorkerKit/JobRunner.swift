internal import Contracts
internal import Foundation
internal import Kafka
internal import Logging
internal import Messaging
internal import Metrics

/// Runs one attempt at one job and says what is to be published about it.
struct JobRunner: Sendable {
    let configuration: JobWorkerConfiguration
    let handler: any JobHandler
    let clock: WorkerClock
    let logger: Logger
    /// Sends an event at once, outside any transaction.
    let announce: @Sendable (JobEvent) -> Void

    private var plan: RetryPlan {
        RetryPlan(
            kind: configuration.kind, topics: configuration.topics, delays: configuration.retryDelays,
            maximumAttempts: configuration.maximumAttempts)
    }

    /// The attempt and its surroundings.
    private struct Attempt {
        let record: ConsumerRecord
        let number: Int
        let began: WorkerClock.Instant
        var job: Job?
    }

    /// Runs the record's job.
    ///
    /// - Returns: the records to publish with the offset; nil when the run was cancelled because its partition left or the
    ///   worker stops, so that the offset stays open.
    func run(_ record: ConsumerRecord, _ active: ActiveRun) async -> [ProducerRecord]? {
        let previous = record.headers.text(of: JobHeader.attempt).flatMap { Int($0) } ?? 0
        var attempt = Attempt(record: record, number: max(0, min(previous, 1_000_000)) + 1, began: clock.now())
        let outcome: Outcome
        do throws(ContractError) {
            let job = try Job.decode(record.value)
            attempt.job = job
            active.name(job.id)
            outcome = await run(job, attempt, active)
        } catch {
            outcome = .dead(
                JobEvent.Failure(
                    reason: error.reason, message: error.description,
                    advice:
                        "correct the program that wrote it; the bytes are kept in \(configuration.topics.dead(configuration.kind))"
                ))
        }
        if active.wasHandedBack { return nil }
        return publish(outcome, attempt)
    }

    private func run(_ job: Job, _ attempt: Attempt, _ active: ActiveRun) async -> Outcome {
        let now = clock.date()
        guard job.kind == configuration.kind else {
            return .dead(
                JobEvent.Failure(
                    reason: "wrong-kind", message: "a job of kind \(job.kind) in the topic of \(configuration.kind)",
                    advice: "publish it to \(configuration.topics.jobs(job.kind))"))
        }
        if let deadline = job.deadline, deadline <= now {
            return .dead(
                JobEvent.Failure(
                    reason: "deadline", message: "its deadline \(Timestamp.string(deadline)) has passed",
                    advice: "rerun it without a deadline if the data is still wanted"))
        }
        let snoozedUntil = attempt.record.headers.text(of: JobHeader.snoozedUntil).flatMap { Int64($0) }
            .map { Date(timeIntervalSince1970: Double($0) / 1000) }
        if let wait = [job.notBefore, snoozedUntil].compactMap({ $0 }).max(), wait > now, !configuration.retryDelays.isEmpty {
            return .snooze(
                until: wait, JobEvent.Failure(reason: "not-before", message: "not due before \(Timestamp.string(wait))"))
        }
        var jobLogger = logger
        jobLogger[metadataKey: "job"] = "\(job.id)"
        jobLogger[metadataKey: "attempt"] = "\(attempt.number)"
        announce(JobEvent(.started, of: job, at: now, attempt: attempt.number, worker: configuration.worker))
        let gate = ProgressGate(interval: configuration.progressInterval, clock: clock)
        let context = JobContext(
            attempt: attempt.number, worker: configuration.worker, logger: jobLogger, clock: clock
        ) { figures in
            guard gate.opens() else { return }
            announce(
                JobEvent(
                    .progressed, of: job, at: clock.date(), attempt: attempt.number, worker: configuration.worker,
                    figures: figures))
        }
        active.watch(context)
        do {
            return try await handler.handle(job, context)
        } catch let error as any OutcomeError {
            return active.timeoutOutcome ?? error.outcome
        } catch {
            if let timeout = active.timeoutOutcome { return timeout }
            let reason = error is CancellationError ? "cancelled" : "unexpected"
            return .retry(JobEvent.Failure(reason: reason, message: JobHeader.bounded("\(error)")))
        }
    }

    // MARK: Publishing

    private func publish(_ outcome: Outcome, _ attempt: Attempt) -> [ProducerRecord] {
        let now = clock.date()
        let duration = attempt.began.duration(to: clock.now())
        var records: [ProducerRecord] = []
        let event: JobEvent
        let job = attempt.job ?? Self.stranger(attempt.record, kind: configuration.kind, now: now)
        let worker = configuration.worker
        switch outcome {
        case .done(let result):
            var figures = result.figures
            figures["milliseconds"] = Int(duration / .milliseconds(1))
            event = JobEvent(
                .completed, of: job, at: now, attempt: attempt.number, worker: worker, manifest: result.manifest, figures: figures
            )
        case .children(let children, let figures):
            records = children.map { child in
                var child = child
                child.parent = job.id
                child.root = job.root
                // A rerun's children are reruns too, or whoever follows the run would take them for the old ones.
                child.revision = job.revision
                child.traceparent = child.traceparent ?? job.traceparent
                return ProducerRecord(child.message(to: configuration.topics))
            }
            event = JobEvent(
                .planned, of: job, at: now, attempt: attempt.number, worker: worker, figures: figures,
                children: children.map(\.id))
        case .retry(let wish, let failure):
            guard plan.hasAttempts(after: attempt.number, job: attempt.job, now: now) else {
                return publish(.dead(Self.exhausted(failure, attempts: attempt.number)), attempt)
            }
            let retry = plan.retry(
                attempt.record, attempt: attempt.number, wish: wish, failure: failure, now: now, jitter: Double.random(in: 0...1))
            records = [retry.record]
            event = JobEvent(
                .retrying, of: job, at: now, attempt: attempt.number, worker: worker, failure: failure, nextAttempt: retry.due)
        case .snooze(let until, let failure):
            guard !configuration.retryDelays.isEmpty else { return publish(.retry(failure), attempt) }
            let hop = plan.snooze(attempt.record, attempt: attempt.number, until: until, failure: failure, now: now)
            records = [hop.record]
            event = JobEvent(
                .snoozed, of: job, at: now, attempt: attempt.number, worker: worker, failure: failure, nextAttempt: until)
        case .dead(let failure):
            records = [
                plan.dead(
                    attempt.record, attempt: attempt.number, failure: failure, group: configuration.group, worker: worker,
                    now: now)
            ]
            event = JobEvent(.failed, of: job, at: now, attempt: attempt.number, worker: worker, failure: failure)
        case .cancelled(let failure):
            event = JobEvent(.cancelled, of: job, at: now, attempt: attempt.number, worker: worker, failure: failure)
        }
        records.append(ProducerRecord(event.message(to: configuration.topics, traceparent: job.traceparent)))
        note(event, duration)
        return records
    }

    private func note(_ event: JobEvent, _ duration: Duration) {
        let labels = [("kind", configuration.kind), ("outcome", event.event.rawValue)]
        Counter(label: "worker_jobs_total", dimensions: labels).increment()
        Timer(label: "worker_job_duration_seconds", dimensions: labels).recordNanoseconds(Int64(duration / .nanoseconds(1)))
        var metadata: Logger.Metadata = ["job": "\(event.job.id)", "attempt": "\(event.attempt)"]
        for (name, value) in event.figures { metadata[name] = "\(value)" }
        guard let failure = event.failure else {
            logger.info("job \(event.event.rawValue)", metadata: metadata)
            return
        }
        metadata["reason"] = "\(failure.reason)"
        metadata["error"] = "\(failure.message)"
        if let advice = failure.advice { metadata["advice"] = "\(advice)" }
        if let next = event.nextAttempt { metadata["next"] = "\(Timestamp.string(next))" }
        logger.log(level: event.event == .failed ? .error : .warning, "job \(event.event.rawValue)", metadata: metadata)
    }

    private static func exhausted(_ failure: JobEvent.Failure, attempts: Int) -> JobEvent.Failure {
        JobEvent.Failure(
            reason: failure.reason, message: "given up after \(attempts) attempts: \(failure.message)",
            advice: failure.advice ?? "mend the cause, then redrive it from the dead topic")
    }

    /// A name for what can't be read, so that its death can be told like any other.
    private static func stranger(_ record: ConsumerRecord, kind: String, now: Date) -> Job {
        Job(
            id: "unreadable-\(record.topic.filter { $0 != "/" }.suffix(150))-\(record.partition)-\(record.offset)", kind: kind,
            source: "unknown", dataset: "unknown",
            createdAt: now)
    }
}
