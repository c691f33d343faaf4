public import Contracts
public import Foundation
public import Kafka
internal import Scheduler

/// Finds the messages of jobs in the topics of their kind: events don't carry parameters.
public struct JobMessages: Sendable {
    private let ids: Set<String>
    private var found: [String: Job] = [:]

    /// Looks for jobs by their ids.
    public init(of ids: some Sequence<String>) { self.ids = Set(ids) }

    /// Takes a record of a job, retry or dead topic in. Of several messages of a job the one of the highest revision is kept;
    /// of one that asks for a correction only (`parameters.correction`), what it corrects: a rerun does the whole work.
    public mutating func take(_ record: ConsumerRecord) {
        // The key is the id, or the shared resource where calls must be serial; the subject always is the id.
        let key = String(decoding: record.key ?? [], as: UTF8.self)
        guard ids.contains(key) || record.headers.text(of: "ce_subject").map({ ids.contains($0) }) ?? false else { return }
        guard var job = try? Job.decode(record.value), ids.contains(job.id) else { return }
        if job.parameters["correction"]?.bool == true, case .object(var parameters) = job.parameters {
            parameters["correction"] = nil
            parameters["task"] = nil
            job.parameters = .object(parameters)
        }
        if let known = found[job.id], (known.revision, known.createdAt) >= (job.revision, job.createdAt) { return }
        found[job.id] = job
    }

    /// The message of a job; nil when it isn't kept any more.
    public subscript(id: String) -> Job? { found[id] }
}

extension PublicationPlan {
    /// The next revisions of jobs that are known.
    ///
    /// - Parameters:
    ///   - ids: the roots.
    ///   - known: what their events say.
    ///   - messages: what was found in the topics of their kinds.
    ///   - force: publishes jobs that are active, too.
    public static func rerun(
        _ ids: [String], known: (String) -> JobRun?, messages: JobMessages, force: Bool = false, now: Date
    ) -> PublicationPlan {
        var plan = PublicationPlan()
        var seen: Set<String> = []
        for id in ids where seen.insert(id).inserted {
            let run = known(id)
            let message = messages[id]
            func refuse(_ reason: String, _ advice: String) {
                plan.refused.append(
                    Omission(id: id, interval: message?.interval ?? run?.job?.interval, reason: reason, advice: advice))
            }
            guard run != nil || message != nil else {
                refuse(
                    "is not known: neither an event nor a message of it is kept",
                    "check the id with `switchboard jobs list`, or publish it with `switchboard jobs submit`")
                continue
            }
            if let run, !run.state.isTerminal, !force {
                refuse(
                    "is \(run.state.rawValue) at revision \(run.revision)",
                    "wait or cancel it with `switchboard jobs cancel \(id)`; rerun it all the same with --force")
                continue
            }
            guard let message else {
                refuse("has no message any more, so that its parameters are lost", submission(of: id, run))
                continue
            }
            guard message.parent == nil, message.root == id else {
                refuse("is a part of \(message.root)", "rerun the whole: `switchboard jobs rerun \(message.root)`")
                continue
            }
            var job = message
            job.revision = max(run?.revision ?? 0, message.revision) + 1
            job.createdAt = now
            // They belonged to the first time; a rerun was asked for after them.
            job.deadline = nil
            job.notBefore = nil
            job.traceparent = Traceparent.random()
            plan.publications.append(Publication(job))
        }
        return plan
    }

    /// The command that publishes a job whose message is gone.
    private static func submission(of id: String, _ run: JobRun?) -> String {
        guard let run, let job = run.job else { return "publish it with `switchboard jobs submit`" }
        var command =
            "switchboard jobs submit --id \(id) --revision \(run.revision + 1) --kind \(job.kind) --source \(job.source) "
            + "--dataset \(job.dataset)"
        if let day = job.day { command += " --day \(day)" }
        if let interval = job.interval {
            command += " --from \(Timestamp.string(interval.start)) --to \(Timestamp.string(interval.end))"
        }
        return "publish it with its parameters: `\(command) --parameters '{…}'`"
    }
}
