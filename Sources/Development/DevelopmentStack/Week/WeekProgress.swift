internal import Contracts
internal import Kafka

/// How far the jobs of a week are, as the topics say.
struct WeekProgress: Sendable {
    /// A revision of a job.
    struct Key: Hashable, Sendable {
        let id: String
        let revision: Int
    }

    /// The jobs that were published, by whomever.
    private(set) var jobs: [Key: String] = [:]
    /// How those that ended ended.
    private(set) var ends: [Key: JobEvent.Kind] = [:]
    /// What jobs that failed said.
    private(set) var failures: [String] = []
    /// The sum of the figures of all completed jobs, by data set.
    private(set) var figures: [String: [String: Int]] = [:]
    /// Attempts that failed and were followed by another.
    private(set) var retries = 0
    /// Attempts that waited for something outside.
    private(set) var snoozes = 0

    /// Jobs that haven't ended.
    var open: [Key] { jobs.keys.filter { ends[$0] == nil } }

    /// Reads all of it.
    static func read(_ topics: TopicNames, kinds: [String], of broker: TansuBroker) async throws -> WeekProgress {
        var progress = WeekProgress()
        for kind in kinds {
            try await TopicContents.read(topics.jobs(kind), of: broker) { record in
                let job = try Job.decode(record.value)
                progress.jobs[Key(id: job.id, revision: job.revision)] = job.dataset
            }
        }
        try await TopicContents.read(topics.jobEvents, of: broker) { progress.note(try JobEvent.decode($0.value)) }
        return progress
    }

    private mutating func note(_ event: JobEvent) {
        let key = Key(id: event.job.id, revision: event.job.revision)
        switch event.event {
        case .completed, .planned, .cancelled, .failed:
            // A worker that dies between result and commit tells it again.
            guard ends.updateValue(event.event, forKey: key) == nil else { return }
            if let failure = event.failure { failures.append("\(key.id): \(failure.reason): \(failure.message)") }
            guard event.event == .completed else { return }
            for (name, value) in event.figures { figures[event.job.dataset, default: [:]][name, default: 0] += value }
        case .retrying: retries += 1
        case .snoozed: snoozes += 1
        default: break
        }
    }
}
