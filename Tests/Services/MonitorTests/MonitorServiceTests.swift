import Contracts
import Foundation
import Kafka
import Messaging
import ObjectStorage
import Service
import ServiceLifecycle
import TestSupport
import Testing

@testable import Monitor

/// A monitor with topics of its own on the real broker.
private struct Bench {
    let topics = TopicNames(prefix: "m\(UUID().uuidString.prefix(8).lowercased()).")
    let kafka: KafkaConfiguration
    let lake = Lake()
    let partitions: Int

    init(partitions: Int = 2) async throws {
        self.partitions = partitions
        kafka = try await TestBroker.shared.kafka()
        try await TestBroker.shared.create([topics.jobEvents: partitions, topics.alerts: 1])
    }

    /// Runs a monitor while `body` does, then stops it gracefully.
    func run<Result: Sendable>(
        now: @escaping @Sendable () -> Date = { History.at(1000) },
        _ body: @escaping @Sendable (MonitorService) async throws -> Result
    ) async throws -> Result {
        var configuration = MonitorConfiguration(kafka: kafka, topics: topics)
        configuration.sessionTimeout = .seconds(6)
        let monitor = MonitorService(configuration, store: lake.store, health: HealthRegistry(), now: now, logger: .quiet)
        let group = ServiceGroup(services: [monitor], logger: .quiet)
        return try await withThrowingTaskGroup(of: Result?.self) { tasks in
            tasks.addTask {
                try await group.run()
                return nil
            }
            tasks.addTask {
                do {
                    let result = try await body(monitor)
                    await group.triggerGracefulShutdown()
                    return result
                } catch {
                    await group.triggerGracefulShutdown()
                    throw error
                }
            }
            var result: Result?
            while let next = try await tasks.next() { result = next ?? result }
            return try #require(result)
        }
    }

    func publish(_ events: [JobEvent]) async throws {
        try await publish(records: events.map { ProducerRecord($0.message(to: topics)) })
    }

    func publish(records: [ProducerRecord]) async throws {
        let producer = try Producer(kafka)
        try await producer.send(records)
        await producer.close()
    }

    /// Everything that the alerts topic holds.
    func alerts() async throws -> [Alert] {
        let stream = ConsumerEvents()
        var configuration = ConsumerConfiguration(kafka)
        configuration.reportsEnds = true
        let consumer = try await Consumer(configuration, listener: stream)
        try await consumer.assign([TopicPartition(topics.alerts, 0): .earliest])
        var alerts: [Alert] = []
        reading: for try await event in stream {
            switch event {
            case .record(let record): alerts.append(try Alert.decode(record.value))
            case .reachedEnd: break reading
            default: break
            }
        }
        await consumer.close()
        return alerts
    }

    /// How many events the group has committed.
    func committed() async throws -> Int64 {
        let consumer = try await Consumer(
            ConsumerConfiguration(kafka, group: "\(topics.prefix)monitor"), listener: ConsumerEvents())
        let all = (0..<Int32(partitions)).map { TopicPartition(topics.jobEvents, $0) }
        let committed = try await consumer.committed(all)
        await consumer.close()
        return committed.values.reduce(0) { $0 + $1.offset }
    }
}

/// Waits until something is so; the time limit of the suite ends what never is.
private func eventually(_ condition: () async throws -> Bool) async throws {
    while try await !condition() { try await Task.sleep(for: .milliseconds(10)) }
}

@Suite("Monitor on a real broker", .timeLimit(.minutes(5)))
struct MonitorServiceTests {
    @Test("events become tags and alerts; a restart tells nothing twice, and knows the same")
    func restart() async throws {
        let bench = try await Bench()
        let lake = bench.lake
        var history = History()
        let good = lake.job("good")
        try await lake.write("good", ["one\n"])
        history.expect(good)
        history.add(.completed, good, manifest: "\(Lake.folder)/_manifest.good.json", figures: ["records": 1])
        let bad = lake.job("bad", day: "2026-03-02")
        history.expect(bad)
        history.add(.failed, bad, reason: "vendor-permission")
        // Complete by its word, but not what its manifest says.
        let wrong = lake.job("wrong", day: "2026-03-03")
        try await lake.write("wrong", ["one\n"], day: "2026-03-03")
        try await lake.put("genesys/conversations/2026/03/03/wrong_1.json", "lie\n")
        history.add(.completed, wrong, manifest: "genesys/conversations/2026/03/03/_manifest.wrong.json")
        history.deadline = History.at(100)
        history.expect(lake.job("late", day: "2026-03-04"))
        var loose = lake.job("loose")
        loose.day = nil
        history.add(.failed, loose, reason: "broken")
        try await bench.publish(history.events)
        let total = Int64(history.events.count)

        let first = try await bench.run { monitor in
            try await eventually { try await bench.committed() == total }
            return (monitor.rows, monitor.firing, try StatusPage.json(monitor.rows, monitor.firing, monitor))
        }
        #expect(first.0.map(\.status) == [.late, .failed, .failed, .done])
        #expect(try await lake.tags() == ["_SUCCESS"])
        for day in ["02", "03", "04"] { #expect(try await lake.tags(in: "genesys/conversations/2026/03/\(day)") == ["_FAILURE"]) }
        let told = try await bench.alerts()
        #expect(told.allSatisfy { $0.state == .firing })
        #expect(
            told.map(\.key).sorted() == [
                "day-failed/genesys/main/conversations/2026-03-02", "day-failed/genesys/main/conversations/2026-03-03",
                "day-failed/genesys/main/conversations/2026-03-04", "job-failed/loose",
            ])

        let sentinel = lake.job("sentinel", day: "2026-03-05")
        let manifest = try await lake.write("sentinel", [], day: "2026-03-05")
        lake.steps.withLock { $0.removeAll() }
        let second = try await bench.run { monitor in
            // Rebuilt, then on to what is new.
            try await bench.publish([JobEvent(.completed, of: sentinel, at: History.at(200), manifest: manifest)])
            try await eventually { try await bench.committed() == total + 1 }
            return (monitor.rows, monitor.firing)
        }
        #expect(second.0.filter { $0.key.day != "2026-03-05" } == first.0)
        #expect(second.1 == first.1)
        #expect(try await bench.alerts() == told)
        #expect(try await lake.tags() == ["_SUCCESS"])
        let text = String(decoding: first.2, as: UTF8.self)
        #expect(text.contains(#""folder":"genesys/conversations/2026/03/01""#) && text.contains(#""state":"done""#))
    }

    @Test("a day that was completed lately and lacks its tag gets it from the next leader; one of long ago is left alone")
    func missingTag() async throws {
        let bench = try await Bench(partitions: 1)
        let lake = bench.lake
        let old = lake.job("old", day: "2026-02-01")
        let recent = lake.job("recent")
        let other = lake.job("other", day: "2026-03-02")
        let events = [
            JobEvent(
                .completed, of: old, at: History.at(-30 * 86_400),
                manifest: try await lake.write("old", ["one\n"], day: "2026-02-01")),
            JobEvent(.completed, of: recent, at: History.at(1), manifest: try await lake.write("recent", ["one\n"])),
            JobEvent(
                .completed, of: other, at: History.at(2), manifest: try await lake.write("other", ["one\n"], day: "2026-03-02")),
        ]
        try await bench.publish(events)
        try await bench.run { _ in try await eventually { try await bench.committed() == 3 } }
        let tags = ["02/01", "03/01", "03/02"].map { "genesys/conversations/2026/\($0)/_SUCCESS" }
        for tag in tags { #expect(try await lake.store.head(ObjectKey(tag)) != nil) }

        // One is gone, one says something else.
        try await lake.store.delete(ObjectKey(tags[0]))
        try await lake.store.delete(ObjectKey(tags[1]))
        let whole = try await lake.store.read(ObjectKey(tags[2]), upTo: 1 << 20)
        var partial = try Manifest.decode(whole)
        partial.objects = []
        try await lake.store.put(ObjectKey(tags[2]), bytes: partial.encoded(), options: PutOptions())
        try await bench.run { _ in
            try await eventually { try await lake.store.head(ObjectKey(tags[1])) != nil }
            try await eventually { try await lake.store.read(ObjectKey(tags[2]), upTo: 1 << 20) == whole }
        }
        #expect(try await lake.store.head(ObjectKey(tags[0])) == nil)
        #expect(try await bench.alerts().isEmpty)
    }

    @Test("a day whose rerun has begun since it was completed keeps its tag as the rerun leaves it, and nobody is alarmed")
    func rerunMeanwhile() async throws {
        let bench = try await Bench(partitions: 1)
        let lake = bench.lake
        var job = lake.job("day")
        let manifest = try await lake.write("day", ["one\n"])
        try await bench.publish([JobEvent(.completed, of: job, at: History.at(1), manifest: manifest)])
        try await bench.run { _ in try await eventually { try await bench.committed() == 1 } }
        // The next leader's state is older than the lake: the rerun has taken its old manifest away.
        try await lake.store.delete(ObjectKey(manifest))
        job.revision = 1
        try await bench.publish([JobEvent(.started, of: job, at: History.at(2))])
        try await bench.run { monitor in
            try await eventually { monitor.rows.first?.status == .running }
            try await eventually { try await bench.committed() == 2 }
        }
        #expect(try await lake.tags() == [])
        #expect(try await bench.alerts().isEmpty)
    }

    @Test("what workers tell on the alerts topic is shown beside its own, until they take it back")
    func othersAlerts() async throws {
        let bench = try await Bench(partitions: 1)
        var circuit = Alert(
            key: "circuit/conversation", state: .firing, severity: .critical, summary: "too many deaths", since: History.at(1),
            at: History.at(1))
        let firing = ProducerRecord(circuit.message(to: bench.topics))
        try await bench.run { monitor in
            try await bench.publish(records: [firing])
            try await eventually { monitor.firing.map(\.key) == ["circuit/conversation"] }
        }
        circuit.state = .resolved
        let resolved = ProducerRecord(circuit.message(to: bench.topics))
        try await bench.run { monitor in
            try await eventually { monitor.firing.map(\.key) == ["circuit/conversation"] }
            try await bench.publish(records: [resolved])
            try await eventually { monitor.firing.isEmpty }
        }
    }

    @Test("messages that can't be read, and names that lead nowhere, hold nobody up")
    func poison() async throws {
        let bench = try await Bench(partitions: 1)
        let lake = bench.lake
        let manifest = try await lake.write("good", ["one\n"])
        var history = History()
        var hostile = lake.job("hostile")
        hostile.dataset = "../../etc"
        history.add(.completed, hostile, manifest: "x")
        history.add(.completed, lake.job("nowhere", day: "2026-03-02"), manifest: "../../../etc/passwd")
        history.add(.completed, lake.job("good"), manifest: manifest)
        let garbage = ["", "{", String(repeating: "[", count: 513), "{\"version\":7}"].map { text in
            ProducerRecord(topic: bench.topics.jobEvents, key: nil, value: Array(text.utf8))
        }
        try await bench.publish(records: garbage)
        try await bench.publish(records: [ProducerRecord(topic: bench.topics.jobEvents, key: [1], value: nil)])
        try await bench.publish(history.events)
        let rows = try await bench.run { monitor in
            try await eventually { try await bench.committed() == 8 }
            return monitor.rows
        }
        #expect(rows.map(\.key.day) == ["2026-03-02", "2026-03-01"])
        #expect(try await lake.tags() == ["_SUCCESS"])
        #expect(try await lake.tags(in: "genesys/conversations/2026/03/02") == ["_FAILURE"])
    }

    @Test("while the lake is out of order no offset is committed; when it is back the tag is written, then the offset")
    func lakeOutage() async throws {
        let bench = try await Bench(partitions: 1)
        let lake = bench.lake
        let manifest = try await lake.write("good", ["one\n"])
        var history = History()
        history.add(.completed, lake.job("good"), manifest: manifest)
        let tried = Signal()
        lake.failing.withLock { $0 = true }
        try await bench.publish(history.events)
        try await bench.run { monitor in
            try await eventually { monitor.rows.first?.status == .done }
            tried.set()
            #expect(try await bench.committed() == 0)
            lake.failing.withLock { $0 = false }
            try await eventually { try await bench.committed() == 1 }
            #expect(try await lake.tags() == ["_SUCCESS"])
        }
        #expect(tried.isSet)
    }

    @Test("it stops at once while the lake is out of order, with more events waiting than it holds")
    func stopsDuringOutage() async throws {
        let bench = try await Bench(partitions: 1)
        let lake = bench.lake
        var history = History()
        history.add(.failed, lake.job("bad"), reason: "broken")
        for number in 0..<6000 { history.add(.started, lake.job("j\(number)", day: "2026-03-02")) }
        lake.failing.withLock { $0 = true }
        try await bench.publish(history.events)
        try await bench.run { monitor in
            try await eventually { monitor.rows.first?.status == .failed }
        }
        #expect(try await bench.committed() == 0)
        #expect(try await bench.alerts().isEmpty)
    }
}
