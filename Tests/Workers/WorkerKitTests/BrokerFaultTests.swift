import Contracts
import Foundation
import Kafka
import Messaging
import Service
import ServiceLifecycle
import TestSupport
import Testing

@testable import WorkerKit

extension WorkerBench {
    /// A worker on brokers in this process, whose faults can be chosen.
    fileprivate init(on cluster: EmbeddedCluster, partitions: Int = 4) async throws {
        topics = TopicNames()
        kafka = KafkaConfiguration(bootstrapServers: cluster.bootstrapServers, logger: .quiet)
        configuration = JobWorkerConfiguration(kind: "test", name: "test-worker", instance: "0", kafka: kafka, topics: topics)
        configuration.retryDelays = [.milliseconds(200)]
        configuration.sessionTimeout = .seconds(6)
        configuration.grace = .seconds(5)
        try await cluster.createTopic(topics.jobs("test"), partitions: partitions, replication: 3)
        for name in [
            topics.dead("test"), topics.jobEvents, topics.alerts, topics.control, topics.retry("test", after: .milliseconds(200)),
        ] { try await cluster.createTopic(name, partitions: 1, replication: 3) }
    }

    /// Runs a worker until these jobs completed, as one reader sees it that outlives the faults too.
    fileprivate func run(handler: Handler, untilCompleted jobs: Set<String>) async throws -> [JobEvent] {
        let worker = JobWorker(configuration, handler: handler, state: state, health: HealthRegistry(), logger: .quiet)
        let group = ServiceGroup(services: [worker], logger: .quiet)
        let stream = ConsumerEvents()
        let consumer = try await Consumer(ConsumerConfiguration(kafka), listener: stream)
        try await consumer.assign([TopicPartition(topics.jobEvents, 0): .earliest])
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var events: [JobEvent] = []
            var left = jobs
            for try await event in stream {
                guard case .record(let record) = event else { continue }
                let event = try JobEvent.decode(record.value)
                events.append(event)
                if event.event == .completed { left.remove(event.job.id) }
                if left.isEmpty { break }
            }
            await consumer.close()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return events
        }
    }
}

@Suite("A worker and broker faults", .timeLimit(.minutes(5)))
struct BrokerFaultTests {
    /// What happens to the brokers while jobs run.
    enum Trouble: String, CaseIterable {
        case nothing, produceErrors, transactionErrors, brokerDown, allBrokersDown, leadersMove, groupErrors
    }

    private func cause(_ trouble: Trouble, _ cluster: EmbeddedCluster, _ jobs: String) async throws {
        switch trouble {
        case .nothing: break
        case .produceErrors: await cluster.inject([.notLeader, .requestTimedOut, .notEnoughReplicas, .transport], into: .produce)
        case .transactionErrors:
            await cluster.inject([.coordinatorLoading, .notCoordinator], into: .endTransaction)
            await cluster.inject([.notCoordinator, .coordinatorLoading], into: .addPartitionsToTransaction)
        case .brokerDown:
            await cluster.setBroker(2, isUp: false)
            try await Task.sleep(for: .seconds(3))
            await cluster.setBroker(2, isUp: true)
        case .allBrokersDown:
            for number in 1...3 { await cluster.setBroker(number, isUp: false) }
            try await Task.sleep(for: .seconds(3))
            for number in 1...3 { await cluster.setBroker(number, isUp: true) }
        case .leadersMove:
            for partition in 0..<Int32(4) {
                await cluster.setLeader(of: TopicPartition(jobs, partition), toBroker: Int(partition) % 3 + 1)
            }
        case .groupErrors:
            await cluster.inject([.coordinatorNotAvailable, .coordinatorNotAvailable], into: .findCoordinator)
            await cluster.inject([.notCoordinator, .coordinatorLoading], into: .joinGroup)
        }
    }

    @Test("no job is lost and the worker goes on by itself", arguments: Trouble.allCases)
    func goesOn(trouble: Trouble) async throws {
        let cluster = try EmbeddedCluster(brokers: 3, logger: .quiet)
        let bench = try await WorkerBench(on: cluster)
        let before = Set((0..<100).map { "before-\($0)" })
        let after = Set((0..<100).map { "after-\($0)" })
        try await bench.publish(jobs: before.sorted())
        let isCaused = Signal()
        let causing = Task {
            await isCaused.wait()
            try await cause(trouble, cluster, bench.topics.jobs("test"))
            try await bench.publish(jobs: after.sorted())
        }
        // The brokers keep no offsets of transactions and show aborted records: what is done twice is not looked at here.
        let events = try await bench.run(
            handler: Handler { _, _ in
                isCaused.set()
                try await Task.sleep(for: .milliseconds(5))
                return .done(JobResult())
            }, untilCompleted: before.union(after))
        try await causing.value
        #expect(events.allSatisfy { $0.event != .failed })
        await cluster.close()
    }

    @Test("a worker that another copy of itself has fenced ends, to be started again")
    func fenced() async throws {
        let cluster = try EmbeddedCluster(brokers: 3, logger: .quiet)
        let bench = try await WorkerBench(on: cluster)
        await cluster.inject([.producerFenced], into: .endTransaction)
        try await bench.publish(jobs: ["a"])
        await #expect {
            _ = try await bench.run(handler: Handler { _, _ in .done(JobResult()) }, until: { _ in false })
        } throws: { error in
            (error as? ProgramFailure)?.exit == .temporary
        }
        await cluster.close()
    }
}
