internal import Contracts
internal import Kafka
internal import Messaging
internal import Rehearsal
internal import Synchronization

/// Publishes a plan's roots, spread over the time in which things go wrong, so that there is always something to disturb.
final class RootPublisher: Sendable {
    private let plan: RehearsalPlan
    private let topics: TopicNames
    private let count = Mutex(0)

    init(_ plan: RehearsalPlan, topics: TopicNames) {
        self.plan = plan
        self.topics = topics
    }

    /// Roots that were published.
    var published: Int { count.withLock { $0 } }

    /// Publishes all roots, each after its expectation.
    ///
    /// The producer is idempotent and is given all the time that it needs, so that each record is stored once.
    func run(over duration: Duration, broker: TansuBroker) async throws {
        let producer = try Producer(broker.kafka(client: "chaos"), deliveryTimeout: .seconds(600))
        do {
            try await publish(producer, over: duration)
        } catch {
            await producer.close()
            throw error
        }
        await producer.close(timeout: .seconds(30))
    }

    private func publish(_ producer: Producer, over duration: Duration) async throws {
        let start = ContinuousClock.now
        let days = plan.rootsOfDays
        var next = 0
        // A third at once: so the workers are never without work, and what is published last has few companions.
        while next < plan.roots.count {
            let share = min(1, 0.33 + 0.67 * ((ContinuousClock.now - start) / max(duration, .milliseconds(1))))
            let end = min(plan.roots.count, Int(Double(plan.roots.count) * share) + 1)
            var records: [ProducerRecord] = []
            for index in next..<max(next, end) {
                let root = plan.roots[index]
                let expectation = JobEvent.Expectation(
                    schedule: root.dataset, deadline: nil, jobsOfDay: days[root.dataset]?[root.day ?? ""] ?? 1)
                let expected = JobEvent(.expected, of: root, at: root.createdAt, expectation: expectation)
                records.append(ProducerRecord(expected.message(to: topics)))
                records.append(ProducerRecord(root.message(to: topics)))
                // What is no job comes in between, now and then.
                let poison = index * plan.poison.count / plan.roots.count
                if (index + 1) * plan.poison.count / plan.roots.count > poison {
                    records.append(
                        ProducerRecord(
                            topic: topics.jobs(RehearsalPlan.kind), key: Array("poison-\(poison)".utf8),
                            value: plan.poison[poison]))
                }
            }
            try await producer.send(records)
            next = max(next, end)
            count.withLock { $0 = next }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}
