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
    /// What operators want at the moment.
    let control: @Sendable () -> ControlState
    /// What is remembered between attempts; nil for nothing.
    let memory: JobMemory?
    /// The worker's part of what the vendor allows.
    let budget: SharedBudget?
    let suspects = SuspectGate()
    /// Sends an event at once, outside any transaction.
    let announce: @Sendable (JobEvent) -> Void
    /// Tells people that the worker stopped taking work, or takes it again.
    let announceCircuit: @Sendable (Circuit.Change) -> Void

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
        var context: JobContext?
        /// Whether one more start without an end would be the last.
        var isOnTrial = false
    }

    /// Runs the record's job.
    ///
    /// - Returns: what to publish with the offset; nil when the run was cancelled because its partition left or the worker
    ///   stops, so that the offset stays open.
    func run(_ record: ConsumerRecord, _ active: ActiveRun) async -> RunResult? {
        let previous = record.headers.text(of: JobHeader.attempt).flatMap { Int($0) } ?? 0
        var attempt = Attempt(record: record, number: max(0, min(previous, 1_000_000)) + 1, began: clock.now())
        let outcome: Outcome
        do throws(ContractError) {
            let job = try Job.decode(record.value)
            attempt.job = job
            active.identify(job)
            outcome = await decide(job, &attempt, active)
        } catch {
            let dead = configuration.topics.dead(configuration.kind)
            outcome = .dead(
                JobEvent.Failure(
                    reason: error.reason, message: error.description,
                    advice: "correct the program that wrote it; the bytes are kept in \(dead)"), cause: .job)
        }
        let isHandedBack = active.wasHandedBack
        if isHandedBack { await memory?.handBack(active.key) } else { memory?.end(active.key) }
        // After its end is noted: the next suspect's start, which is written before it runs, then tells of it. The other way
        // round a process that dies of that one would leave this one counted too.
        suspects.leave(active.key)
        if isHandedBack || !outcome.endsJob { await attempt.context?.checkpoint.flush() }
        if isHandedBack { return nil }
        let settled = settle(outcome, attempt)
        var result = RunResult(records: publish(settled, attempt), evidence: settled.evidence, endedAt: clock.now())
        if settled.endsJob { result.finishedCheckpoint = attempt.context?.checkpoint }
        return result
    }

    /// What becomes of a job: by itself, by what operators want, by its history, or by its handler.
    private func decide(_ job: Job, _ attempt: inout Attempt, _ active: ActiveRun) async -> Outcome {
        if let outcome = refuse(job, attempt, now: clock.date()) { return outcome }
        do throws(CancellationError) {
            if let outcome = try await countStart(of: job, &attempt, active) { return outcome }
        } catch {
            return active.decidedOutcome ?? .retry(JobEvent.Failure(reason: "cancelled", message: "cancelled before it began"))
        }
        return await handle(job, &attempt, active)
    }

    private func refuse(_ job: Job, _ attempt: Attempt, now: Date) -> Outcome? {
        guard job.kind == configuration.kind else {
            return .dead(
                JobEvent.Failure(
                    reason: "wrong-kind", message: "a job of kind \(job.kind) in the topic of \(configuration.kind)",
                    advice: "publish it to \(configuration.topics.jobs(job.kind))"), cause: .job)
        }
        let control = control()
        if let entry = control.cancellation(of: JobReference(job), at: now) { return .cancelled(entry.failure) }
        if let deadline = job.deadline, deadline <= now {
            return .dead(
                JobEvent.Failure(
                    reason: "deadline", message: "its deadline \(Timestamp.string(deadline)) has passed",
                    advice: "rerun it without a deadline if the data is still wanted"), cause: .job)
        }
        guard let shortest = configuration.retryDelays.first else { return nil }
        let snoozedUntil = attempt.record.headers.text(of: JobHeader.snoozedUntil).flatMap { Int64($0) }
            .map { Date(timeIntervalSince1970: Double($0) / 1000) }
        if let wait = [job.notBefore, snoozedUntil].compactMap({ $0 }).max(), wait > now {
            return .snooze(
                until: wait, JobEvent.Failure(reason: "not-before", message: "not due before \(Timestamp.string(wait))"))
        }
        if let entry = control.pause(source: job.source, at: now) {
            // The shortest delay again and again: a resume is to be noticed soon.
            return .snooze(
                until: now.addingTimeInterval(shortest / .seconds(1)),
                JobEvent.Failure(
                    reason: "paused", message: "\(job.source) is paused by \(entry.by)\(entry.because)",
                    advice: "it goes on after `switchboard jobs resume --source \(job.source)`"))
        }
        return nil
    }

    /// Counts the start before the job runs, so that one that ends its process is given up some time.
    private func countStart(
        of job: Job, _ attempt: inout Attempt, _ active: ActiveRun
    ) async throws(CancellationError) -> Outcome? {
        guard let memory else { return nil }
        var isSuspect = false
        var delay: Duration = .seconds(1)
        while true {
            do {
                let earlier = try await memory.earlierStarts(of: active.key)
                if earlier + 1 >= configuration.crashLimit { return .dead(Self.crashLoop(earlier), cause: .job) }
                // Were its process to die once more, it would be given up: then nobody else may have been the cause.
                attempt.isOnTrial = earlier + 2 >= configuration.crashLimit
                if earlier > 0, !isSuspect {
                    try await suspects.enter(active.key)
                    isSuspect = true
                }
                try await memory.begin(active.key, job: job.id)
                return nil
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // A start that isn't counted could be the one that ends the process for ever; the job needs the lake anyway.
                logger.warning(
                    "start not counted yet", metadata: ["job": "\(job.id)", "error": "\(error)", "retry": "\(delay)"])
                do { try await Task.sleep(for: delay) } catch { throw CancellationError() }
                delay = min(delay * 2, .seconds(30))
            }
        }
    }

    private static func crashLoop(_ starts: Int) -> JobEvent.Failure {
        JobEvent.Failure(
            reason: "crash-loop", message: "it was started \(starts) times and its process died each time before it ended",
            advice: "look for the end of the worker in its log and its container's (memory, signals); mend, then redrive")
    }

    private func handle(_ job: Job, _ attempt: inout Attempt, _ active: ActiveRun) async -> Outcome {
        budget?.uses(source: job.source)
        var jobLogger = logger
        jobLogger[metadataKey: "job"] = "\(job.id)"
        jobLogger[metadataKey: "attempt"] = "\(attempt.number)"
        let number = attempt.number
        announce(JobEvent(.started, of: job, at: clock.date(), attempt: number, worker: configuration.worker))
        let gate = ProgressGate(interval: configuration.progressInterval, clock: clock)
        let isOnTrial = attempt.isOnTrial
        let checkpoint = await memory?.checkpoint(of: job, logger: jobLogger) { [memory, suspects] in
            memory?.progressed(active.key)
            suspects.leave(active.key)
        }
        let context = JobContext(
            attempt: number, worker: configuration.worker, logger: jobLogger, clock: clock, checkpoint: checkpoint
        ) { [suspects] figures in
            if !isOnTrial { suspects.leave(active.key) }
            guard gate.opens() else { return }
            announce(
                JobEvent(
                    .progressed, of: job, at: clock.date(), attempt: number, worker: configuration.worker, figures: figures))
        }
        attempt.context = context
        active.watch(context)
        do {
            return try await handler.handle(job, context)
        } catch let error as any OutcomeError {
            return active.decidedOutcome ?? error.outcome
        } catch {
            if let decided = active.decidedOutcome { return decided }
            let reason = error is CancellationError ? "cancelled" : "unexpected"
            return .retry(JobEvent.Failure(reason: reason, message: JobHeader.bounded("\(error)")))
        }
    }

    // MARK: Publishing

    /// The outcome that policy makes of what the handler said.
    private func settle(_ outcome: Outcome, _ attempt: Attempt) -> Outcome {
        switch outcome {
        case .children(let children, _) where children.count > Self.maximumChildren:
            return Self.tooMany(children.count)
        case .done(let result) where result.successors.count + result.notices.count > Self.maximumChildren:
            return Self.tooMany(result.successors.count + result.notices.count)
        case .snooze(_, let failure) where configuration.retryDelays.isEmpty:
            return settle(.retry(failure), attempt)
        case .retry(_, let failure) where !plan.hasAttempts(after: attempt.number, job: attempt.job, now: clock.date()):
            return .dead(Self.exhausted(failure, attempts: attempt.number))
        case .done, .children, .snooze, .retry, .dead, .cancelled:
            return outcome
        }
    }

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
            records = result.successors.map { ProducerRecord($0.message(to: configuration.topics)) }
            records += result.notices.map { notice in
                let event = JobEvent(.notice, of: job, at: now, attempt: attempt.number, worker: worker, notice: notice)
                return ProducerRecord(event.message(to: configuration.topics, traceparent: job.traceparent))
            }
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
            let retry = plan.retry(
                attempt.record, attempt: attempt.number, wish: wish, failure: failure, now: now, jitter: Double.random(in: 0...1))
            records = [retry.record]
            event = JobEvent(
                .retrying, of: job, at: now, attempt: attempt.number, worker: worker, failure: failure, nextAttempt: retry.due)
        case .snooze(let until, let failure):
            let hop = plan.snooze(attempt.record, attempt: attempt.number, until: until, failure: failure, now: now)
            records = [hop.record]
            event = JobEvent(
                .snoozed, of: job, at: now, attempt: attempt.number, worker: worker, failure: failure, nextAttempt: until)
        case .dead(let failure, _):
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

    /// The children of one job: their ids must fit into one event. More are planned by children of their own.
    static let maximumChildren = 4000

    private static func tooMany(_ count: Int) -> Outcome {
        .dead(
            JobEvent.Failure(
                reason: "too-many-children",
                message: "it asked for \(count) other jobs or notices; at most \(maximumChildren) are allowed",
                advice: "let children plan children"), cause: .job)
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

extension Outcome {
    /// Whether no other attempt at the job follows.
    var endsJob: Bool {
        switch self {
        case .done, .dead, .cancelled, .children: true
        case .retry, .snooze: false
        }
    }

    /// What the end says about the job's surroundings.
    var evidence: Circuit.Evidence {
        switch self {
        case .done, .children: .success
        case .dead(let failure, .surroundings): .death(reason: failure.reason)
        case .dead(_, .job), .retry, .snooze, .cancelled: .none
        }
    }
}

extension Control {
    /// Why an operator's cancellation ended a job.
    var failure: JobEvent.Failure {
        JobEvent.Failure(
            reason: "cancelled-by-operator", message: "cancelled by \(by)\(because)",
            advice: "`switchboard jobs rerun` runs it again as a new revision")
    }

    /// The reason as the end of a sentence.
    fileprivate var because: String { reason.map { ": \($0)" } ?? "" }
}
