import Contracts
import DevelopmentStack
import Foundation
import Kafka
import Logging

/// A flood of messages that are no jobs, through one worker process: what becomes of each, and how fast.
struct PoisonFlood {
    let kafka: KafkaConfiguration
    let messages: Int
    let partitions: Int
    let seed: UInt64
    let directory: String

    struct Figures {
        /// Messages whose key and value are in the dead topic as they were sent.
        var dead = 0
        /// Messages that were valid jobs and completed.
        var done = 0
        /// Dead letters whose key or value differs from what was sent.
        var differing = 0
        /// Messages without an end, and ends beyond the first.
        var lost = 0
        var twice = 0
        /// Messages a second, from the first end to the last.
        var rate = 0.0
        /// The worker's largest resident size and what it logged, bytes.
        var peakBytes = 0
        var logBytes = 0
        /// How the worker ended when it was told to.
        var end = ProcessEnd.exited(-1)

        var isRight: Bool { differing + lost + twice == 0 && end == .exited(0) }
    }

    private var prefix: String { "poison-\(seed)-" }
    private var topics: TopicNames { TopicNames(prefix: prefix) }
    private var flood: PoisonMessages {
        PoisonMessages(seed: seed, topic: topics.jobs(PoisonWorker.kind), kind: PoisonWorker.kind)
    }

    func run() async throws -> Figures {
        try await createTopics()
        try await publish()
        let worker = try await start()
        var figures: Figures
        do {
            try await awaitCommits(of: worker)
            figures = Figures()
            figures.peakBytes = try worker.peakBytes()
        } catch {
            await worker.kill()
            throw error
        }
        figures.end = await worker.stop(grace: .seconds(30))
        figures.logBytes = try Data(contentsOf: URL(filePath: worker.command.output), options: .alwaysMapped).count
        try await account(&figures)
        return figures
    }

    private func createTopics() async throws {
        let admin = try Admin(kafka)
        // A dead letter is its message plus headers: its topic takes more.
        let large = ["max.message.bytes": "\(4 << 20)"]
        let failures = try await admin.createTopics([
            Admin.NewTopic(name: topics.jobs(PoisonWorker.kind), partitions: partitions, replication: 1),
            Admin.NewTopic(name: topics.dead(PoisonWorker.kind), partitions: partitions, replication: 1, configuration: large),
            Admin.NewTopic(name: topics.jobEvents, partitions: partitions, replication: 1),
            Admin.NewTopic(name: topics.alerts, partitions: 1, replication: 1),
            Admin.NewTopic(name: topics.control, partitions: 1, replication: 1),
        ])
        await admin.close()
        if let failure = failures.values.first { throw failure }
    }

    private func publish() async throws {
        let producer = try Producer(kafka, deliveryTimeout: .seconds(120))
        for start in stride(from: 0, to: messages, by: 5000) {
            try await producer.send((start..<min(messages, start + 5000)).map { flood.message($0) })
        }
        await producer.close()
    }

    private func start() async throws -> ManagedProcess {
        let path = "\(directory)/poison-worker.yaml"
        let configuration = ConfigurationFile([
            "service.instance": ConfigurationFile.text("bench"), "admin.port": "0", "log.format": "json",
            "kafka.bootstrap-servers": ConfigurationFile.text(kafka.bootstrapServers),
            "topics.prefix": ConfigurationFile.text(prefix), "worker.session-timeout": "6s",
        ])
        try configuration.yaml.write(toFile: path, atomically: true, encoding: .utf8)
        let installation = try Installation.current()
        return try await ManagedProcess.start(
            ProcessCommand(
                "poison-worker", program: try installation.program("switchboard-bench"),
                arguments: ["poison-worker", "--config", path],
                output: "\(directory)/poison-worker.log"))
    }

    /// Waits until the group has committed everything that was sent.
    private func awaitCommits(of worker: ManagedProcess) async throws {
        let jobs = topics.jobs(PoisonWorker.kind)
        let listener = ConsumerEvents()
        let observer = try await Consumer(
            ConsumerConfiguration(kafka, group: "\(prefix)\(PoisonWorker.kind)-worker"), listener: listener)
        let all = (0..<Int32(partitions)).map { TopicPartition(jobs, $0) }
        do {
            var left: [TopicPartition: Int64] = [:]
            for partition in all { left[partition] = try await observer.watermarks(of: partition).upperBound }
            while !left.isEmpty {
                if let end = worker.end { throw BenchError("the worker \(end); see \(worker.command.output)") }
                try await Task.sleep(for: .milliseconds(500))
                let committed = try await observer.committed(Array(left.keys))
                left = left.filter { (committed[$0.key]?.offset ?? 0) < $0.value }
            }
        } catch {
            await observer.close()
            throw error
        }
        await observer.close()
    }

    /// Reads what the worker published and compares it with what was sent.
    private func account(_ figures: inout Figures) async throws {
        var account = PoisonAccount(of: flood, messages: messages)
        var first = Int64.max
        var last = Int64.min
        for topic in [topics.dead(PoisonWorker.kind), topics.jobEvents] {
            try await TopicScan(kafka, topics: [topic]).read { records in
                for try await record in records {
                    if topic == topics.jobEvents {
                        // The headers say enough; decoding every event would take as long as the run.
                        guard record.headers.text(of: "ce_type") == "switchboard.job.completed" else { continue }
                        account.note(try JobEvent.decode(record.value))
                    } else {
                        account.note(record)
                    }
                    (first, last) = (min(first, record.timestamp), max(last, record.timestamp))
                }
            }
        }
        let result = account.result()
        figures.dead = account.intact
        figures.differing = account.differing
        figures.done = result.done
        figures.lost = result.lost.count
        figures.twice = result.twice
        figures.rate = Double(messages) / (Double(max(1, last - first)) / 1000)
        for text in account.differences { print("  \(text)") }
        if let lost = result.lost.first { print("  message \(lost) has no end") }
    }
}
