import Contracts
import Foundation
import Kafka
import Messaging
import Synchronization
import TestSupport
import Testing

@testable import Operations

@Suite("Replays on a real broker", .timeLimit(.minutes(5)))
struct ReplayTests {
    private static let first = Date(timeIntervalSince1970: 1_772_380_800)

    /// A topic of jobs, one a minute, of two days and two sources, with bytes that are no job among them.
    private struct Bench {
        let names = TopicNames(prefix: "rep-\(UUID().uuidString.prefix(8).lowercased()).")
        let kafka: KafkaConfiguration
        let broker: String
        var topic: String { names.jobs("conversation") }
        var operations: ReplayOperations { ReplayOperations(kafka, names) }

        init(jobs: Int = 30) async throws {
            kafka = try await TestBroker.shared.kafka()
            broker = try await TestBroker.shared.bootstrapServers()
            try await TestBroker.shared.create([topic: 3, names.prefix + "copy": 2])
            let producer = try Producer(kafka)
            for number in 0..<jobs {
                let job = Job(
                    id: "job-\(number)", kind: "conversation", source: number % 2 == 0 ? "genesys/a" : "genesys/b",
                    dataset: "conversations", day: number < 10 ? "2026-03-01" : "2026-03-02", createdAt: ReplayTests.first)
                var record = ProducerRecord(job.message(to: names))
                if number == 7 { record.value = [0xff, 0x00, 0x7b] }
                record.partition = Int32(number % 3)
                record.timestamp = Int64(ReplayTests.first.timeIntervalSince1970 * 1000) + Int64(number) * 60_000
                try await producer.send(record)
            }
            await producer.close()
        }

        func request(from: Int = 0, to: Int = 1000) -> ReplayRequest {
            ReplayRequest(
                topic: topic, target: topic, start: ReplayTests.first.addingTimeInterval(Double(from) * 60),
                end: ReplayTests.first.addingTimeInterval(Double(to) * 60))
        }

        func records(_ topic: String) async throws -> [ConsumerRecord] {
            try await TopicScan(kafka, topics: [topic]).read { records in
                var all: [ConsumerRecord] = []
                for try await record in records { all.append(record) }
                return all
            }
        }
    }

    @Test("what is published again is the same, byte for byte, in its partition, and says where it comes from")
    func identical() async throws {
        let bench = try await Bench()
        let before = try await bench.records(bench.topic)
        let request = bench.request(from: 5, to: 9)
        let plan = try await bench.operations.plan(request)
        #expect(plan.messages == 4 && plan.unreadable == 1 && plan.sources == ["genesys/a": 2, "genesys/b": 1, "-": 1])
        #expect(try await bench.records(bench.topic).count == before.count, "a plan published something")
        let summary = try await bench.operations.run(request, rate: nil, by: "me@here")
        #expect(summary == ReplayOperations.Summary(published: 4, positions: [:]))
        let all = try await bench.records(bench.topic)
        let added = all.filter { $0.headers.text(of: "replayed-from") != nil }
        #expect(all.count == before.count + 4 && added.count == 4)
        for record in added {
            let origin = try #require(
                before.first { "\($0.topic)/\($0.partition)/\($0.offset)" == record.headers.text(of: "replayed-from") })
            #expect(record.key == origin.key && record.value == origin.value && record.partition == origin.partition)
            #expect(Array(record.headers.prefix(origin.headers.count)) == origin.headers)
            #expect(record.headers.text(of: "replayed-by") == "me@here")
            #expect(record.headers.text(of: "replayed-timestamp") == "\(origin.timestamp)")
        }
    }

    @Test("a replay never reads what it publishes, and can leave out what are replays themselves")
    func bounded() async throws {
        let bench = try await Bench()
        var request = bench.request()
        request.end = Date(timeIntervalSinceNow: 3600)
        #expect(try await bench.operations.run(request, rate: nil, by: "x").published == 30)
        #expect(try await bench.operations.run(request, rate: nil, by: "x").published == 60)
        request.leavesOutReplays = true
        #expect(try await bench.operations.plan(request).messages == 30)
    }

    @Test("filters by source and day leave out others and what is not JSON; a limit ends it; another topic takes it by key")
    func filters() async throws {
        let bench = try await Bench()
        var request = bench.request()
        request.filter.sources = ["genesys/a"]
        request.filter.days = ["2026-03-01"]
        request.target = bench.names.prefix + "copy"
        let plan = try await bench.operations.plan(request)
        #expect(plan.messages == 5 && plan.leftOut == 25 && plan.days == ["2026-03-01": 5], "\(plan)")
        _ = try await bench.operations.run(request, rate: nil, by: "x")
        let keys = try await bench.records(request.target).compactMap { $0.key.map { String(decoding: $0, as: UTF8.self) } }
        #expect(keys.sorted() == ["job-0", "job-2", "job-4", "job-6", "job-8"])
        request.limit = 2
        #expect(try await bench.operations.run(request, rate: nil, by: "x").published == 2)
    }

    @Test("a run that is stopped tells where to go on; going on from there publishes the rest, each message once")
    func interrupted() async throws {
        let bench = try await Bench(jobs: 300)
        var request = bench.request()
        request.target = bench.names.prefix + "copy"
        let (operations, asked) = (bench.operations, request)
        let (progress, tell) = AsyncStream<Int>.makeStream()
        let run = Task {
            try await operations.run(asked, rate: 400, by: "x", progress: { published, _ in tell.yield(published) })
        }
        for await published in progress where published > 0 { break }
        run.cancel()
        let summary = try await run.value
        #expect(summary.published > 0 && summary.published < 300 && !summary.positions.isEmpty, "\(summary)")
        #expect(try await bench.records(request.target).count == summary.published)
        request.positions = summary.positions
        let rest = try await bench.operations.run(request, rate: nil, by: "x")
        #expect(rest.positions.isEmpty && rest.published == 300 - summary.published)
        let origins = try await bench.records(request.target).compactMap { $0.headers.text(of: "replayed-from") }
        #expect(origins.count == 300 && Set(origins).count == 300)
    }

    @Test("a limit that was reached tells where to go on too")
    func limited() async throws {
        let bench = try await Bench()
        var request = bench.request()
        request.target = bench.names.prefix + "copy"
        request.limit = 7
        var published = 0
        var rounds = 0
        repeat {
            let summary = try await bench.operations.run(request, rate: nil, by: "x")
            published += summary.published
            rounds += 1
            request.positions = summary.positions
        } while request.positions?.isEmpty == false && rounds < 10
        #expect(published == 30 && rounds == 5)
    }

    @Test("topics that keep the last word, and dead topics, are refused with 3 unless another topic takes it")
    func refused() async throws {
        let bench = try await Bench(jobs: 3)
        let names = bench.names
        try await TestBroker.shared.create(
            [names.control: 1, names.scheduleState: 1], configuration: ["cleanup.policy": "compact"])
        try await TestBroker.shared.create([names.dead("conversation"): 1])
        func replay(_ arguments: String...) async throws -> SwitchboardRun {
            try await SwitchboardRun.run(
                ["replay"] + arguments + ["--from", "@1", "--bootstrap-servers", bench.broker, "--prefix", names.prefix])
        }
        for topic in ["control", "schedule.state", "jobs.conversation.dead"] {
            let run = try await replay(topic, "--execute")
            #expect(run.code == 3 && run.errors.contains("--into"), "\(run)")
            #expect(try await replay(topic, "--into", "copy").code == 0)
        }
        let into = try await replay("jobs.conversation", "--into", "control", "--execute")
        #expect(into.code == 3, "\(into)")
        let plan = try await replay("jobs.conversation")
        #expect(plan.code == 2 && plan.output.contains("3 messages would be published"), "\(plan)")
        let done = try await replay("jobs.conversation", "--execute")
        #expect(done.code == 0 && done.errors.contains("published 3 messages"), "\(done)")
    }
}
