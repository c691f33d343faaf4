import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Kafka

@Suite("Scans of topics", .timeLimit(.minutes(5)))
struct TopicScanTests {
    private static func values(_ records: [ConsumerRecord]) -> [String] {
        records.map { String(decoding: $0.value ?? [], as: UTF8.self) }
    }

    private static func collect(_ scan: TopicScan) async throws -> [ConsumerRecord] {
        try await scan.read { records in
            var all: [ConsumerRecord] = []
            for try await record in records { all.append(record) }
            let progress = records.progress
            #expect(progress.passed == progress.total && progress.records == all.count, "\(progress)")
            return all
        }
    }

    /// A topic whose partitions hold numbered records of known times.
    private static func topic(partitions: Int = 1, records: Int, firstTime: Int64 = 1_700_000_000_000) async throws -> String {
        let topic = try await TestBroker.shared.topic("scan", partitions: partitions)
        let producer = try Producer(try await TestBroker.shared.kafka())
        try await producer.send(
            (0..<records).map { number in
                ProducerRecord(
                    topic: topic, partition: Int32(number % partitions), key: nil, value: Array("\(number)".utf8),
                    timestamp: firstTime + Int64(number) * 1000)
            })
        await producer.close()
        return topic
    }

    @Test(
        "reads from a beginning to an end, half-open, whatever way they are given; outside of what is kept they are moved into it",
        arguments: [
            (TopicScan.Start.earliest, TopicScan.End.current, 0..<10), (.latest, .current, 0..<0),
            (.offset(3), .offset(7), 3..<7), (.offset(-5), .offset(99), 0..<10), (.offset(8), .offset(2), 0..<0),
            (.shift(4), .current, 4..<10), (.shift(-3), .current, 7..<10), (.shift(-99), .current, 0..<10),
            (.shift(.min), .current, 0..<10), (.shift(.max), .current, 0..<0),
            (.time(1_700_000_002_500), .time(1_700_000_005_000), 3..<5), (.time(0), .time(1), 0..<0),
            (.time(1_800_000_000_000), .current, 0..<0), (.earliest, .time(1_800_000_000_000), 0..<10),
        ])
    func stretches(_ start: TopicScan.Start, _ end: TopicScan.End, _ expected: Range<Int>) async throws {
        let topic = try await Self.topic(records: 10)
        let scan = TopicScan(try await TestBroker.shared.kafka(), topics: [topic], from: start, until: end)
        #expect(Self.values(try await Self.collect(scan)) == expected.map(String.init))
    }

    @Test("several topics and partitions are read whole, or those that were asked for; empty ones hold nothing up")
    func manyPartitions() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let first = try await Self.topic(partitions: 5, records: 1003)
        let second = try await Self.topic(partitions: 3, records: 2)
        let all = try await Self.collect(TopicScan(kafka, topics: [first, second]))
        #expect(all.count == 1005 && all.count { $0.topic == second } == 2)
        for partition in 0..<5 {
            let offsets = all.filter { $0.topic == first && $0.partition == partition }.map(\.offset)
            #expect(offsets == (0..<Int64(offsets.count)).map { $0 })
        }
        let some = try await Self.collect(TopicScan(kafka, topics: [first], partitions: [1, 3]))
        #expect(some.count == 401 && Set(some.map(\.partition)) == [1, 3])
        let own = try await Self.collect(
            TopicScan(kafka, from: [TopicPartition(first, 0): .offset(200), TopicPartition(second, 2): .earliest]))
        #expect(Self.values(own) == ["1000"])
    }

    @Test("an end fixed at the beginning: what is published meanwhile is not read")
    func fixedEnd() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await Self.topic(records: 5)
        let producer = try Producer(kafka)
        let seen = try await TopicScan(kafka, topics: [topic]).read { records in
            var seen = 0
            for try await _ in records {
                seen += 1
                try await producer.send(ProducerRecord(topic: topic, key: nil, value: Array("late".utf8)))
            }
            #expect(records.positions == [TopicPartition(topic, 0): 5])
            return seen
        }
        #expect(seen == 5)
        await producer.close()
    }

    @Test("markers of transactions at the end, also with nothing else, don't hold it up")
    func markers() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await TestBroker.shared.topic("scan-markers", partitions: 2)
        let producer = try TransactionalProducer(kafka, transactionalID: "scan-\(UUID().uuidString)")
        try await producer.initialize()
        for number in 0..<3 {
            try await producer.transaction { producer throws(KafkaError) in
                try producer.send(ProducerRecord(topic: topic, partition: 0, key: nil, value: Array("\(number)".utf8)))
            }
        }
        let records = try await Self.collect(TopicScan(kafka, topics: [topic]))
        #expect(Self.values(records) == ["0", "1", "2"])
        // Behind the last record stands its marker.
        let last = try #require(records.last).offset
        #expect(try await Self.collect(TopicScan(kafka, topics: [topic], from: .offset(last + 1))).isEmpty)
        await producer.close()
    }

    @Test("what an open transaction holds back is not waited for, and what stands before it is read")
    func openTransaction() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await Self.topic(records: 3)
        let producer = try TransactionalProducer(kafka, transactionalID: "scan-\(UUID().uuidString)")
        try await producer.initialize()
        let (opened, open) = AsyncStream<Void>.makeStream()
        // The transaction's body blocks its own thread until the reading is done, so the order of things is certain.
        let isRead = Mutex(false)
        let transaction = Task {
            try await producer.transaction { producer throws(KafkaError) in
                try producer.send(ProducerRecord(topic: topic, key: nil, value: Array("open".utf8)))
                open.yield()
                while !isRead.withLock({ $0 }) { usleep(10_000) }
            }
        }
        for await _ in opened { break }
        let readings = try await [TopicScan.Start.earliest, .time(0), .offset(0)].asyncMap { start in
            Self.values(try await Self.collect(TopicScan(kafka, topics: [topic], from: start)))
        }
        isRead.withLock { $0 = true }
        try await transaction.value
        #expect(readings == Array(repeating: ["0", "1", "2"], count: 3))
        await producer.close()
    }

    @Test("two producers that begin a partition in the same moment lose nothing to its readers")
    func contestedBeginning() async throws {
        // Tansu then says now and then, for good, that the partition begins behind the first batch.
        let broker = TestBroker.shared
        let kafka = try await broker.kafka()
        let topic = try await broker.topic("contested", partitions: 40)
        let transactions = try TransactionalProducer(kafka, transactionalID: "contested-\(UUID().uuidString)")
        try await transactions.initialize()
        let producer = try Producer(kafka)
        for partition in 0..<Int32(40) {
            let records = ["a", "b"].map { ProducerRecord(topic: topic, partition: partition, key: nil, value: Array($0.utf8)) }
            async let plain: Void = producer.send(records)
            try await transactions.transaction { transaction throws(KafkaError) in
                try transaction.send(ProducerRecord(topic: topic, partition: partition, key: nil, value: Array("c".utf8)))
            }
            try await plain
        }
        await producer.close()
        await transactions.close()
        let all = try await Self.collect(TopicScan(kafka, topics: [topic]))
        for partition in 0..<Int32(40) {
            #expect(Self.values(all.filter { $0.partition == partition }).sorted() == ["a", "b", "c"], "\(topic) \(partition)")
        }
    }

    @Test("the oldest record is found where earlier ones are gone")
    func truncated() async throws {
        try await withCluster { cluster, kafka in
            let producer = try Producer(kafka)
            // The embedded cluster keeps 5 MB of a partition.
            for number in 0..<80 {
                let random = (0..<100_000).map { _ in UInt8.random(in: 0...255) }
                try await producer.send(ProducerRecord(topic: "t", key: Array("\(number)".utf8), value: random))
            }
            await producer.close()
            let all = try await Self.collect(TopicScan(kafka, topics: ["t"]))
            let first = try #require(all.first?.offset)
            #expect(first > 0 && all.map(\.offset) == Array(first..<80))
            let events = ConsumerEvents()
            let consumer = try await Consumer(ConsumerConfiguration(kafka), listener: events)
            try await consumer.assign([TopicPartition("t", 0): .earliest])
            for try await case .record(let record) in events {
                #expect(record.offset == first)
                break
            }
            await consumer.close()
        }
    }

    @Test("a slow reader gets everything in order, while little is buffered")
    func backPressure() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await Self.topic(partitions: 2, records: 3000)
        var scan = TopicScan(kafka, topics: [topic])
        scan.maximumRecords = 40
        let seen = try await scan.read { records in
            var seen: [Int32: [Int64]] = [:]
            for try await record in records {
                seen[record.partition, default: []].append(record.offset)
                if record.offset % 100 == 0 { try await Task.sleep(for: .milliseconds(2)) }
            }
            return seen
        }
        #expect(seen == [0: (0..<1500).map { $0 }, 1: (0..<1500).map { $0 }])
    }

    @Test("without an end it goes on with what is published, from any beginning")
    func following() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await Self.topic(records: 5)
        let producer = try Producer(kafka)
        let seen = try await TopicScan(kafka, topics: [topic], from: .shift(-2), until: .never).read { records in
            var seen: [ConsumerRecord] = []
            for try await record in records {
                seen.append(record)
                if seen.count == 2 { try await producer.send(ProducerRecord(topic: topic, key: nil, value: Array("new".utf8))) }
                if seen.count == 3 { break }
            }
            return seen
        }
        #expect(Self.values(seen) == ["3", "4", "new"])
        await producer.close()
    }

    @Test("a cancelled reader gets a CancellationError, not an end")
    func cancellation() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await Self.topic(records: 1)
        let (arrivals, arrive) = AsyncStream<Void>.makeStream()
        let reading = Task {
            try await TopicScan(kafka, topics: [topic], until: .never).read { records in
                for try await _ in records { arrive.yield() }
                return "ended"
            }
        }
        for await _ in arrivals { break }
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
    }

    @Test("a topic or a partition that doesn't exist is an error that says so")
    func missing() async throws {
        let kafka = try await TestBroker.shared.kafka()
        let topic = try await Self.topic(records: 1)
        await #expect {
            _ = try await Self.collect(TopicScan(kafka, topics: ["nowhere-\(UUID().uuidString)"]))
        } throws: { ($0 as? KafkaError)?.kind == .unknownTopic }
        await #expect {
            _ = try await Self.collect(TopicScan(kafka, topics: [topic], partitions: [7]))
        } throws: { "\($0)".contains("no partition 7, only 0 to 0") }
    }

    @Test("a broker that goes silent ends a bounded scan with an error, not with a short result")
    func silence() async throws {
        try await withCluster { cluster, kafka in
            let producer = try Producer(kafka)
            for _ in 0..<100 {
                try await producer.send(ProducerRecord(topic: "t", key: nil, value: Array(repeating: 7, count: 1000)))
            }
            await producer.close()
            var scan = TopicScan(kafka, topics: ["t"])
            scan.maximumRecords = 2
            scan.patience = .milliseconds(500)
            await #expect {
                try await scan.read { records in
                    var count = 0
                    for try await _ in records {
                        count += 1
                        if count == 3 { await cluster.close() }
                    }
                }
            } throws: { error in (error as? KafkaError)?.kind == .timedOut }
        }
    }
}

extension Array {
    fileprivate func asyncMap<Result>(_ body: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
