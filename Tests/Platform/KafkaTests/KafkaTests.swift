import Foundation
import Kafka
import Synchronization
import TestSupport
import Testing

/// Collects what a consumer reads until there is enough.
func read(_ count: Int, from topic: String, with kafka: KafkaConfiguration, partitions: Int = 1) async throws -> [ConsumerRecord]
{
    let events = ConsumerEvents()
    let consumer = try await Consumer(ConsumerConfiguration(kafka), listener: events)
    try await consumer.assign(
        Dictionary(uniqueKeysWithValues: (0..<Int32(partitions)).map { (TopicPartition(topic, $0), StartOffset.earliest) }))
    var records: [ConsumerRecord] = []
    for try await event in events {
        if case .record(let record) = event { records.append(record) }
        if records.count == count { break }
    }
    await consumer.close()
    return records
}

/// How many lead at the moment.
final class LeaderCount: Sendable {
    private let count = Mutex(0)

    func enter() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }

    func leave() { count.withLock { $0 -= 1 } }
}

func threads() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
}

@Suite("Kafka on a real broker", .timeLimit(.minutes(5)))
struct KafkaBrokerTests {
    @Test("the configuration's own properties win, also over what follows from the session")
    func ownProperties() async throws {
        var kafka = try await TestBroker.shared.kafka()
        kafka.properties["max.poll.interval.ms"] = "7000"
        var member = ConsumerConfiguration(kafka, group: "own-properties")
        member.sessionTimeout = .seconds(8)
        await #expect { _ = try await Consumer(member, listener: ConsumerEvents()) } throws: { error in
            (error as? KafkaError)?.kind == .configuration && "\(error)".contains("max.poll.interval.ms")
        }
        member.sessionTimeout = .seconds(6)
        let consumer = try await Consumer(member, listener: ConsumerEvents())
        await consumer.close()
        // A reader without a group has no session, whatever the default is.
        let reader = try await Consumer(ConsumerConfiguration(kafka), listener: ConsumerEvents())
        await reader.close()
    }

    @Test("a record comes back as it was sent: key, value, headers, null and empty told apart")
    func roundTrip() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await TestBroker.shared.topic("round-trip")
        let producer = try Producer(kafka)
        let sent = [
            ProducerRecord(
                topic: topic, key: [1, 0, 255], value: Array("häß".utf8),
                headers: [RecordHeader("a", "1"), RecordHeader("a", "2"), RecordHeader("n", bytes: nil)]),
            ProducerRecord(topic: topic, key: nil, value: []),
            ProducerRecord(topic: topic, key: [], value: nil),
        ]
        for record in sent { try await producer.send(record) }
        await producer.close()
        let records = try await read(3, from: topic, with: kafka)
        #expect(records.map(\.key) == [[1, 0, 255], nil, []])
        #expect(records.map(\.value) == [Array("häß".utf8), [], nil])
        #expect(records[0].headers == sent[0].headers)
        #expect(records[0].headers.text(of: "a") == "2")
        #expect(records.map(\.offset) == [0, 1, 2])
    }

    @Test("a committed transaction shows its records and moves the group's offsets; an aborted one does neither")
    func transactions() async throws {
        let broker = TestBroker.shared
        let kafka = try await broker.kafka()
        let input = try await broker.topic("input")
        let output = try await broker.topic("output")
        let group = "transactions-\(UUID().uuidString)"
        let events = ConsumerEvents()
        var configuration = ConsumerConfiguration(kafka, group: group)
        configuration.sessionTimeout = .seconds(6)
        let consumer = try await Consumer(configuration, listener: events)
        try await consumer.subscribe(to: [input])
        for try await event in events {
            if case .assigned = event { break }
        }
        let producer = try TransactionalProducer(kafka, transactionalID: group, thread: consumer.thread)
        try await producer.initialize()
        let partition = TopicPartition(input, 0)
        let metadata = try await consumer.groupMetadata()
        struct Stop: Error {}
        await #expect(throws: KafkaError.self) {
            try await producer.transaction { producer throws(KafkaError) in
                try producer.send(ProducerRecord(topic: output, key: nil, value: Array("aborted".utf8)))
                try producer.sendOffsets([partition: CommittedOffset(7)], group: metadata)
                throw KafkaError(kind: .other, code: "TEST", operation: "test", message: "abort")
            }
        }
        #expect(try await consumer.committed([partition])[partition] == nil)
        try await producer.transaction { producer throws(KafkaError) in
            try producer.send(ProducerRecord(topic: output, key: nil, value: Array("committed".utf8)))
            try producer.sendOffsets([partition: CommittedOffset(5, metadata: "w1:AQ")], group: metadata)
        }
        #expect(try await consumer.committed([partition])[partition]?.offset == 5)
        if TestBroker.isExternal {
            let records = try await read(1, from: output, with: kafka)
            #expect(records.map(\.value) == [Array("committed".utf8)])
        } else {
            // The development broker shows an aborted record that had reached it; the committed one must be there in any case.
            var values: [[UInt8]?] = []
            for count in 1...2 where !values.contains(Array("committed".utf8)) {
                values = try await read(count, from: output, with: kafka).map(\.value)
            }
            #expect(values.contains(Array("committed".utf8)))
        }
        await producer.close()
        await consumer.close()
    }

    @Test("a reader that is slow keeps its partition paused and its memory bounded, and loses nothing")
    func backPressure() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await TestBroker.shared.topic("back-pressure")
        let producer = try Producer(kafka)
        try await producer.send((0..<2000).map { ProducerRecord(topic: topic, key: nil, value: Array("\($0)".utf8)) })
        await producer.close()
        let events = ConsumerEvents(highMark: 50)
        let consumer = try await Consumer(ConsumerConfiguration(kafka), listener: events)
        try await consumer.assign([TopicPartition(topic, 0): .earliest])
        var values: Set<String> = []
        for try await event in events {
            if case .record(let record) = event { values.insert(String(decoding: record.value ?? [], as: UTF8.self)) }
            if values.count == 2000 { break }
        }
        #expect(values == Set((0..<2000).map(String.init)))
        await consumer.close()
    }

    @Test("closing leaves the group at once: the next member has the partitions long before the session ends")
    func leavesAtOnce() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await TestBroker.shared.topic("leave", partitions: 2)
        var configuration = ConsumerConfiguration(kafka, group: "leave-\(UUID().uuidString)")
        configuration.sessionTimeout = .seconds(6)
        for _ in 0..<2 {
            let events = ConsumerEvents()
            let consumer = try await Consumer(configuration, listener: events)
            try await consumer.subscribe(to: [topic])
            var owned: Set<TopicPartition> = []
            for try await event in events {
                if case .assigned(let partitions) = event { owned.formUnion(partitions) }
                if owned.count == 2 { break }
            }
            await consumer.close()
        }
    }

    @Test("of two candidates one leads; when it closes the other does")
    func lease() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await TestBroker.shared.topic("lease")
        let lease = PartitionLease(kafka, topic: topic, group: "lease-\(UUID().uuidString)", sessionTimeout: .seconds(6))
        let (elections, announce) = AsyncStream<Int>.makeStream()
        let leaders = LeaderCount()
        func candidate(_ number: Int) -> Task<Void, any Error> {
            Task {
                try await lease.hold { term in
                    #expect(leaders.enter() == 1)
                    announce.yield(number)
                    // Ends with the term's cancellation.
                    try? await Task.sleep(for: .seconds(60))
                    leaders.leave()
                }
            }
        }
        let candidates = [candidate(0), candidate(1)]
        var iterator = elections.makeAsyncIterator()
        let first = try #require(await iterator.next())
        candidates[first].cancel()
        _ = try? await candidates[first].value
        #expect(await iterator.next() == 1 - first)
        candidates[1 - first].cancel()
        _ = try? await candidates[1 - first].value
    }
}

@Suite("Kafka against injected faults", .timeLimit(.minutes(5)))
struct KafkaFaultTests {
    @Test("retriable produce errors are healed inside; every record is stored once")
    func produceErrors() async throws {
        try await withCluster { cluster, kafka in
            let producer = try Producer(kafka)
            try await producer.send(ProducerRecord(topic: "t", key: nil, value: [0]))
            await cluster.inject([.notLeader, .notEnoughReplicas, .transport], into: .produce)
            for number in 1...5 { try await producer.send(ProducerRecord(topic: "t", key: nil, value: [UInt8(number)])) }
            await producer.close()
            let records = try await read(6, from: "t", with: kafka)
            #expect(records.map { $0.value ?? [] } == (0...5).map { [UInt8($0)] })
        }
    }

    @Test("a broker that is not there is an error that says so, not a hang")
    func noBroker() async throws {
        let port = try FreePort.find()
        let admin = try Admin(KafkaConfiguration(bootstrapServers: "127.0.0.1:\(port)", logger: .quiet))
        await #expect {
            _ = try await admin.metadata(timeout: .milliseconds(300))
        } throws: { error in
            guard let error = error as? KafkaError else { return false }
            return error.kind == .brokerUnavailable || error.kind == .timedOut
        }
        await admin.close()
    }

    @Test("an unknown property is refused by name, and its value is not repeated")
    func unknownProperty() throws {
        let kafka = KafkaConfiguration(bootstrapServers: "x:1", properties: ["sasl.pasword": "hunter2"], logger: .quiet)
        #expect {
            _ = try Producer(kafka)
        } throws: { error in
            let text = "\(error)"
            return (error as? KafkaError)?.kind == .configuration && text.contains("sasl.pasword") && !text.contains("hunter2")
        }
    }

    @Test("200 of each client are created and closed without a thread left behind")
    func noLeakedThreads() async throws {
        try await withCluster { _, kafka in
            func once() async throws {
                let events = ConsumerEvents()
                let consumer = try await Consumer(ConsumerConfiguration(kafka, group: "g"), listener: events)
                let producer = try Producer(kafka)
                let transactions = try TransactionalProducer(kafka, transactionalID: "t")
                let admin = try Admin(kafka)
                await transactions.close()
                await producer.close()
                await admin.close()
                await consumer.close()
            }
            try await once()
            // Other suites run beside this one and have threads of their own: what 200 rounds would leak is far more than theirs.
            let before = try threads()
            for _ in 0..<200 { try await once() }
            var after = try threads()
            for _ in 0..<50 where after > before + 40 {
                try await Task.sleep(for: .milliseconds(100))
                after = try threads()
            }
            #expect(after <= before + 40, "before \(before), after \(after)")
        }
    }

    @Test("after close every call fails instead of hanging")
    func callsAfterClose() async throws {
        try await withCluster { _, kafka in
            let consumer = try await Consumer(ConsumerConfiguration(kafka, group: "g"), listener: ConsumerEvents())
            await consumer.close()
            await #expect(throws: KafkaError.self) { try await consumer.subscribe(to: ["t"]) }
            let producer = try Producer(kafka)
            await producer.close()
            await #expect(throws: KafkaError.self) { try await producer.send(ProducerRecord(topic: "t", key: nil, value: nil)) }
        }
    }

    @Test("a property that would have readers skip what is kept is refused by its name")
    func refusedReset() async throws {
        var kafka = KafkaConfiguration(bootstrapServers: "127.0.0.1:1", logger: .quiet)
        kafka.properties["auto.offset.reset"] = "latest"
        let error = await #expect(throws: KafkaError.self) {
            _ = try await Consumer(ConsumerConfiguration(kafka), listener: ConsumerEvents())
        }
        #expect(error?.kind == .configuration && error?.message.contains("auto.offset.reset") == true)
    }
}
