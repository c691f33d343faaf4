internal import Contracts
internal import Foundation
internal import Kafka
internal import Messaging

/// The jobs that schedules of all data sets would publish, for a run that decides itself when that is.
struct StackJobs: Sendable {
    let topics: TopicNames
    let days: BusinessDays
    let now: Date

    /// The lookups that are taken each day.
    static let lookups = [
        "users", "queues", "wrapup_codes", "skills", "presence_definitions", "divisions", "groups", "teams", "flows",
    ]

    /// What a day brings the morning after.
    func morning(after day: String) -> [Job] {
        [
            job("conversation", "conversations", day), job("evaluation", "evaluations", day),
            job("user-details", "user_details", day),
        ]
    }

    /// What the vendor's lists are on a day.
    func lists(of day: String) -> [Job] {
        Self.lookups.map { job("user-details", $0, day) }
            + [job("evaluation", "evaluation_forms", day, task: "forms")]
    }

    /// Looks what has ended or changed since, over all days.
    func sweeps(on day: String) -> [Job] {
        [
            job("conversation", "conversations-open", day, task: "finish-open"),
            job("evaluation", "evaluations-sweep", day, task: "sweep"),
            job("user-details", "user_details-open", day, task: "complete"),
        ]
    }

    /// Looks once more which evaluations have changed.
    func evaluationSweep(on day: String, id: String) -> Job {
        var job = job("evaluation", "evaluations-sweep", day, task: "sweep")
        job.id += "-\(id)"
        job.root = job.id
        return job
    }

    /// Has a day's conversations extracted again, settled.
    func settlement(of day: String) -> Job { job("conversation", "conversations-settled", day, task: "settle") }

    /// Has a day's user details extracted again by a details job of the vendor, as an operator does with `jobs rerun`.
    ///
    /// - Parameter revision: the revision of what the lake has.
    func userDetailsAgain(of day: String, after revision: Int) -> Job {
        var job = job("user-details", "user_details", day)
        job.revision = revision + 1
        job.parameters = .object(["method": .string("job")])
        return job
    }

    private func job(_ kind: String, _ dataset: String, _ day: String, task: String? = nil) -> Job {
        Job(
            id: "\(dataset)-\(day)", kind: kind, source: StackConfiguration.source, dataset: dataset, day: day,
            interval: days.interval(of: day), revision: 0, createdAt: now,
            parameters: .object(task.map { ["task": .string($0)] } ?? [:]))
    }

    /// Publishes jobs, each after its expectation.
    func publish(_ jobs: [Job], broker: TansuBroker) async throws {
        let producer = try Producer(broker.kafka(client: "development-stack"), deliveryTimeout: .seconds(600))
        do {
            try await producer.send(
                jobs.flatMap { job in
                    let expectation = JobEvent.Expectation(schedule: job.dataset, deadline: nil, jobsOfDay: 1)
                    return [
                        ProducerRecord(
                            JobEvent(.expected, of: job, at: job.createdAt, expectation: expectation).message(to: topics)),
                        ProducerRecord(job.message(to: topics)),
                    ]
                })
        } catch {
            await producer.close()
            throw error
        }
        await producer.close(timeout: .seconds(30))
    }
}
