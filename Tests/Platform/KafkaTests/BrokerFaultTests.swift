import Foundation
import Kafka
import TestSupport
import Testing

private func record(_ number: Int) -> ProducerRecord {
    ProducerRecord(topic: "t", partition: Int32(number % 3), key: nil, value: Array("\(number)".utf8))
}

@Suite("Broker faults", .timeLimit(.minutes(5)))
struct BrokerFaultTests {
    /// Runs a body with three brokers and a topic `t` of three partitions.
    private func withBrokers(_ body: (EmbeddedCluster, KafkaConfiguration) async throws -> Void) async throws {
        try await withCluster(brokers: 3, partitions: 3, body)
    }

    private func numbers(_ count: Int, _ kafka: KafkaConfiguration) async throws -> [Int] {
        try await read(count, from: "t", with: kafka, partitions: 3)
            .compactMap { $0.value.flatMap { Int(String(decoding: $0, as: UTF8.self)) } }
    }

    @Test("a producer outlives brokers that go and come, leaders that move and answers that fail: each record once, in order")
    func producer() async throws {
        try await withBrokers { cluster, kafka in
            let producer = try Producer(kafka, deliveryTimeout: .seconds(60))
            try await producer.send((0..<30).map(record))
            for number in 1...3 { await cluster.setBroker(number, isUp: false) }
            async let sent: Void = producer.send((30..<60).map(record))
            try await Task.sleep(for: .seconds(1))
            for number in 1...3 { await cluster.setBroker(number, isUp: true) }
            try await sent
            await cluster.inject([.requestTimedOut, .notLeader, .notEnoughReplicas, .transport], into: .produce)
            for partition in 0..<Int32(3) {
                await cluster.setLeader(of: TopicPartition("t", partition), toBroker: Int(partition + 1) % 3 + 1)
            }
            try await producer.send((60..<90).map(record))
            await producer.close()
            let numbers = try await numbers(90, kafka)
            #expect(numbers.sorted() == Array(0..<90))
            for partition in 0..<3 {
                #expect(numbers.filter { $0 % 3 == partition } == Array(0..<90).filter { $0 % 3 == partition })
            }
        }
    }

    @Test("a record that is too large is an error of its own, and the next one passes")
    func tooLarge() async throws {
        try await withBrokers { cluster, kafka in
            let producer = try Producer(kafka)
            await cluster.inject([.messageTooLarge], into: .produce)
            await #expect { try await producer.send(record(0)) } throws: { ($0 as? KafkaError)?.kind == .messageTooLarge }
            try await producer.send(record(1))
            await producer.close()
        }
    }

    @Test(
        "a transaction outlives what passes: each step is repeated until the coordinator takes it",
        arguments: [
            EmbeddedCluster.Request.initProducerID, .addPartitionsToTransaction, .produce, .endTransaction, .findCoordinator,
        ])
    func transactions(request: EmbeddedCluster.Request) async throws {
        try await withBrokers { cluster, kafka in
            let producer = try TransactionalProducer(kafka, transactionalID: "w")
            let faults: [EmbeddedCluster.Fault] =
                request == .produce ? [.notLeader, .transport] : [.coordinatorLoading, .notCoordinator]
            await cluster.inject(faults, into: request)
            try await producer.initialize()
            try await producer.transaction { producer throws(KafkaError) in try producer.send(record(0)) }
            await cluster.inject(faults, into: request)
            try await producer.transaction { producer throws(KafkaError) in try producer.send(record(1)) }
            await producer.close()
            #expect(try await numbers(2, kafka).sorted() == [0, 1])
        }
    }

    @Test("a fenced producer says so, for good, and closes without hanging")
    func fenced() async throws {
        try await withBrokers { cluster, kafka in
            let producer = try TransactionalProducer(kafka, transactionalID: "w")
            try await producer.initialize()
            await cluster.inject([.producerFenced], into: .endTransaction)
            for _ in 0..<2 {
                await #expect {
                    try await producer.transaction { producer throws(KafkaError) in try producer.send(record(0)) }
                } throws: { error in
                    (error as? KafkaError).map { $0.isFatal || $0.kind == .fenced } ?? false
                }
            }
            await producer.close()
        }
    }

    @Test("a commit is made again while the coordinator moves, or fails as one that may be")
    func commits() async throws {
        try await withBrokers { cluster, kafka in
            let events = ConsumerEvents()
            var configuration = ConsumerConfiguration(kafka, group: "g")
            configuration.sessionTimeout = .seconds(6)
            let consumer = try await Consumer(configuration, listener: events)
            try await consumer.subscribe(to: ["t"])
            for try await event in events { if case .assigned = event { break } }
            let offset = [TopicPartition("t", 0): CommittedOffset(7, metadata: "x")]
            await cluster.inject([.coordinatorLoading, .notCoordinator, .transport], into: .offsetCommit)
            for attempt in 1...10 {
                do throws(KafkaError) {
                    try await consumer.commit(offset)
                    break
                } catch {
                    #expect(!error.isFatal && attempt < 10, "\(error)")
                    try await Task.sleep(for: .milliseconds(300))
                }
            }
            #expect(try await consumer.committed([TopicPartition("t", 0)]) == offset)
            await consumer.close()
        }
    }

    @Test("a lease is held again after all brokers were gone, and its holder goes on by itself")
    func lease() async throws {
        try await withBrokers { cluster, kafka in
            let lease = PartitionLease(kafka, topic: "t", group: "lease", sessionTimeout: .seconds(6))
            let (leads, leadsAgain) = (Signal(), Signal())
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    try await lease.hold { term in
                        if leads.isSet { leadsAgain.set() } else { leads.set() }
                        while term.isCurrent, !Task.isCancelled { try await Task.sleep(for: .milliseconds(20)) }
                    }
                }
                await leads.wait()
                for number in 1...3 { await cluster.setBroker(number, isUp: false) }
                // Past the session: the member itself must come to the end that it leads no longer.
                try await Task.sleep(for: .seconds(9))
                for number in 1...3 { await cluster.setBroker(number, isUp: true) }
                await leadsAgain.wait()
                tasks.cancelAll()
                try await tasks.waitForAll()
            }
        }
    }
}
