import Contracts
import Foundation
import Kafka
import Operations
import TestSupport
import Testing
import WorkerKit

@Suite("switchboard offsets on a real broker", .timeLimit(.minutes(5)))
struct OffsetCommandTests {
    /// A topic with records of known times, and a group with a name of its own.
    private struct Bench {
        let broker: String
        let names = TopicNames(prefix: "off-\(UUID().uuidString.prefix(8).lowercased()).")
        let kafka: KafkaConfiguration
        let directory: URL
        var group: String { names.prefix + "conversation-worker" }
        var topic: String { names.jobs("conversation") }

        init(records: Int = 20) async throws {
            broker = try await TestBroker.shared.bootstrapServers()
            kafka = try await TestBroker.shared.kafka(client: "somebody")
            directory = try TemporaryFolder.make("offsets")
            try await TestBroker.shared.create([topic: 2])
            let topic = topic
            let producer = try Producer(kafka)
            try await producer.send(
                (0..<records).map { number in
                    ProducerRecord(
                        topic: topic, partition: Int32(number % 2), key: nil, value: Array("\(number)".utf8),
                        timestamp: 1_772_380_800_000 + Int64(number / 2) * 60_000)
                })
            await producer.close()
        }

        func switchboard(_ arguments: String...) async throws -> SwitchboardRun {
            try await SwitchboardRun.run(
                arguments + ["--bootstrap-servers", broker, "--prefix", names.prefix], directory: directory)
        }

        func withAdmin<Result: Sendable>(_ body: (Admin) async throws -> Result) async throws -> Result {
            let admin = try Admin(kafka)
            let result: Result
            do {
                result = try await body(admin)
            } catch {
                await admin.close()
                throw error
            }
            await admin.close()
            return result
        }

        func commit(_ offsets: [Int32: CommittedOffset]) async throws {
            let (group, topic) = (group, topic)
            try await withAdmin { admin in
                try await admin.setCommittedOffsets(
                    of: group, to: Dictionary(uniqueKeysWithValues: offsets.map { (TopicPartition(topic, $0.key), $0.value) }))
            }
        }

        func committed() async throws -> [Int32: CommittedOffset] {
            let group = group
            let all = try await withAdmin { try await $0.committedOffsets(of: group) }
            return Dictionary(uniqueKeysWithValues: all.map { ($0.key.partition, $0.value) })
        }
    }

    @Test("a reset is shown and changes nothing, then done with --execute, read back, and undone with its file")
    func reset() async throws {
        let bench = try await Bench()
        try await bench.commit([0: CommittedOffset(8, metadata: "w1:Aw"), 1: CommittedOffset(10)])
        let before = try await bench.committed()
        func reset(_ more: String...) async throws -> SwitchboardRun {
            let arguments = ["offsets", "reset", "--group", "conversation-worker"] + more
            return try await SwitchboardRun.run(
                arguments + ["--bootstrap-servers", bench.broker, "--prefix", bench.names.prefix], directory: bench.directory)
        }
        // Manila's 00:04 is the fifth record of each partition.
        let target = ["--topic", "jobs.conversation", "--to", "2026-03-02T00:04", "--zone", "Asia/Manila"]
        let shown = try await reset(target[0], target[1], target[2], target[3], target[4], target[5])
        #expect(shown.code == 2 && shown.errors.contains("--execute"), "\(shown)")
        #expect(shown.output.contains("repeats 4 records") && shown.output.contains("repeats 6 records"), "\(shown)")
        #expect(shown.output.contains("2026-03-01T16:04:00.000Z (2026-03-02 00:04:00 Asia/Manila)"), "\(shown)")
        #expect(try await bench.committed() == before, "a dry run changed something")

        let done = try await reset(target[0], target[1], target[2], target[3], target[4], target[5], "--execute")
        #expect(done.code == 0 && done.errors.contains("read back"), "\(done)")
        #expect(try await bench.committed() == [0: CommittedOffset(4), 1: CommittedOffset(4)])
        let again = try await reset(target[0], target[1], target[2], target[3], target[4], target[5], "--execute")
        #expect(again.code == 0 && again.errors.contains("nothing to do"), "\(again)")

        let file = try #require(try FileManager.default.contentsOfDirectory(atPath: bench.directory.path()).first)
        let undo = try await bench.switchboard("offsets", "reset", "--from-file", file)
        #expect(undo.code == 2 && undo.output.contains("skips 4 records"), "\(undo)")
        let undone = try await bench.switchboard("offsets", "reset", "--from-file", file, "--execute")
        #expect(undone.code == 0, "\(undone)")
        let after = try await bench.committed()
        #expect(after == before, "\(after)")
        if TestBroker.isExternal { #expect(after[0]?.metadata == "w1:Aw") }
    }

    @Test("one partition, shifts and ends: as asked, moved into what there is, and said; others stay")
    func partitions() async throws {
        let bench = try await Bench()
        try await bench.commit([0: CommittedOffset(8), 1: CommittedOffset(8)])
        let skip = try await bench.switchboard(
            "offsets", "reset", "--group", bench.group, "--topic", "jobs.conversation:1", "--to", "+1", "--execute", "--json")
        #expect(skip.code == 0, "\(skip)")
        #expect(try await bench.committed() == [0: CommittedOffset(8), 1: CommittedOffset(9)])
        let back = try await bench.switchboard(
            "offsets", "reset", "--group", "conversation-worker", "--all-topics", "--to", "-100", "--execute")
        #expect(back.code == 0 && back.output.contains("is not kept any more: the oldest record"), "\(back)")
        #expect(try await bench.committed() == [0: CommittedOffset(0), 1: CommittedOffset(0)])
        let latest = try await bench.switchboard(
            "offsets", "reset", "--group", "conversation-worker", "--all-topics", "--to", "latest", "--execute")
        #expect(latest.code == 0, "\(latest)")
        #expect(try await bench.committed() == [0: CommittedOffset(10), 1: CommittedOffset(10)])
    }

    @Test("while the group has members it is refused with 3, they are named, and nothing is changed")
    func activeGroup() async throws {
        let bench = try await Bench()
        let events = ConsumerEvents()
        var configuration = ConsumerConfiguration(bench.kafka, group: bench.group)
        configuration.sessionTimeout = .seconds(6)
        let consumer = try await Consumer(configuration, listener: events)
        try await consumer.subscribe(to: [bench.topic])
        for try await event in events {
            if case .assigned = event { break }
        }
        try await consumer.commit([TopicPartition(bench.topic, 0): CommittedOffset(5)])
        for more in [[], ["--execute"]] {
            let run = try await SwitchboardRun.run(
                ["offsets", "reset", "--group", "conversation-worker", "--topic", "jobs.conversation", "--to", "earliest"] + more
                    + ["--bootstrap-servers", bench.broker, "--prefix", bench.names.prefix], directory: bench.directory)
            #expect(run.code == 3 && run.errors.contains("somebody"), "\(run)")
        }
        #expect(try await bench.committed() == [0: CommittedOffset(5)])
        let shown = try await bench.switchboard("offsets", "show", "--group", "conversation-worker")
        #expect(shown.code == 0 && shown.output.contains("stable, 1 member") && shown.output.contains("somebody"), "\(shown)")
        await consumer.close()
    }

    @Test("the lag counts records, not markers; what is done ahead and the first that isn't done come from the window")
    func show() async throws {
        let bench = try await Bench(records: 12)
        let producer = try TransactionalProducer(bench.kafka, transactionalID: bench.names.prefix)
        try await producer.initialize()
        let topic = bench.topic
        try await producer.transaction { producer throws(KafkaError) in
            try producer.send(ProducerRecord(topic: topic, partition: 1, key: nil, value: Array("last".utf8)))
        }
        await producer.close()
        var window = AckWindow(base: 2)
        for offset in Int64(2)...5 { _ = window.start(offset) }
        for offset in [Int64(3), 5] { window.finish(offset) }
        try await bench.commit([0: CommittedOffset(2, metadata: window.encode()), 1: CommittedOffset(7)])
        let run = try await bench.switchboard("offsets", "show", "--group", "conversation-worker", "--json")
        let report = try #require(try run.json() as? [String: Any])
        let rows = try #require(report["rows"] as? [[String: Any]])
        #expect(rows.count == 2 && rows[0]["lag"] as? Int == 4 && rows[0]["isExact"] as? Bool == true, "\(run)")
        if TestBroker.isExternal {
            #expect(rows[0]["doneAhead"] as? Int == 2 && rows[0]["undone"] as? Int == 2, "\(run)")
        }
        #expect(rows[0]["oldestUndone"] as? String == "2026-03-01T16:02:00.000Z", "\(run)")
        // Six records, one of a transaction, its marker: committed behind the record, only the marker is left.
        #expect(rows[1]["end"] as? Int == 8 && rows[1]["lag"] as? Int == 0 && rows[1]["oldestUndone"] == nil, "\(run)")
        let all = try await bench.switchboard("offsets", "show")
        #expect(all.code == 0 && all.output.contains(bench.group), "\(all)")
        let unknown = try await bench.switchboard("offsets", "show", "--group", "nobody")
        #expect(unknown.code == 64 && unknown.errors.contains("there are conversation-worker"), "\(unknown)")
    }

    @Test("a partition that is owned only to lead is not reset, and its offset is no lag")
    func lease() async throws {
        let bench = try await Bench(records: 2)
        let (state, group) = (bench.names.scheduleState, bench.names.prefix + "scheduler")
        try await TestBroker.shared.create([state: 1])
        try await bench.withAdmin {
            try await $0.setCommittedOffsets(of: group, to: [TopicPartition(state, 0): CommittedOffset(0)])
        }
        let run = try await bench.switchboard(
            "offsets", "reset", "--group", "scheduler", "--topic", "schedule.state", "--to", "latest")
        #expect(run.code == 3 && run.errors.contains("cursor set"), "\(run)")
        let shown = try await bench.switchboard("offsets", "show", "--group", "scheduler")
        #expect(shown.output.contains("leads"), "\(shown)")
    }
}
