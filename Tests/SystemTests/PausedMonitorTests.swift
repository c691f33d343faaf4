import Contracts
import DevelopmentStack
import Foundation
import Kafka
import ObjectStorage
import Testing

@Suite("A monitor that was paused while it led", .timeLimit(.minutes(5)))
struct PausedMonitorTests {
    /// The development broker accepts a leader that the group has long replaced.
    @Test("doesn't overwrite its successor's tag with what it believes", .enabled(if: isOnKafka, "needs Apache Kafka"))
    func zombie() async throws {
        try await withDirectory { directory in
            let broker = try await TansuBroker.existing(ProcessInfo.processInfo.environment["BROKER"] ?? "")
            let trial = MonitorTrial(directory: directory, kafka: broker.kafka(client: "test"))
            try await trial.createTopics()
            let first = try await trial.startMonitor("a")
            try await trial.awaitLeading("a")
            let deadline = Date().addingTimeInterval(20)
            let job = trial.job
            try await trial.publish(
                JobEvent(
                    .expected, of: job, at: Date(),
                    expectation: JobEvent.Expectation(schedule: "daily", deadline: deadline, jobsOfDay: 1)))
            try await until("the first monitor has read the promise") { try await trial.committed() == 1 }
            let second = try await trial.startMonitor("b")
            first.suspend()
            try await trial.awaitLeading("b")
            try await trial.complete(job)
            try await until("_SUCCESS") { trial.hasTag("_SUCCESS") }
            try await until("the deadline", within: .seconds(30)) { deadline.timeIntervalSinceNow < -0.5 }
            first.resume()
            // Long enough for the paused one to look for deadlines many times, and to learn that it leads no longer.
            for _ in 0..<250 {
                #expect(trial.hasTag("_SUCCESS") && !trial.hasTag("_FAILURE"))
                try await Task.sleep(for: .milliseconds(20))
            }
            await first.stop()
            await second.stop()
        }
    }
}

/// Monitors with topics and a lake of their own.
private struct MonitorTrial {
    let directory: String
    let kafka: KafkaConfiguration
    let topics = TopicNames(prefix: "z\(UUID().uuidString.prefix(8).lowercased()).")

    private let folder = LakeLayout.standard.folder(source: "genesys/main", dataset: "conversations", day: "2026-03-01")

    var job: Job {
        Job(
            id: "j", kind: "conversation", source: "genesys/main", dataset: "conversations", day: "2026-03-01",
            createdAt: Date())
    }

    func createTopics() async throws {
        let admin = try Admin(kafka)
        let failures = try await admin.createTopics(
            [topics.jobEvents, topics.alerts].map { Admin.NewTopic(name: $0, partitions: 1, replication: 1) })
        await admin.close()
        if let failure = failures.values.first { throw failure }
    }

    func startMonitor(_ name: String) async throws -> ManagedProcess {
        try FileManager.default.createDirectory(atPath: "\(directory)/lake", withIntermediateDirectories: true)
        let path = "\(directory)/\(name).yaml"
        let configuration = ConfigurationFile([
            "service.instance": ConfigurationFile.text(name), "admin.port": "0", "log.format": "readable",
            "kafka.bootstrap-servers": ConfigurationFile.text(kafka.bootstrapServers),
            "topics.prefix": ConfigurationFile.text(topics.prefix),
            "lake.url": ConfigurationFile.text("file://\(directory)/lake"), "monitor.session-timeout": "6s",
        ])
        try configuration.yaml.write(toFile: path, atomically: true, encoding: .utf8)
        return try await ManagedProcess.start(
            ProcessCommand(
                name, program: try Installation.current().program("monitor"), arguments: ["--config", path],
                output: "\(directory)/\(name).log"))
    }

    func awaitLeading(_ name: String) async throws {
        try await until("monitor \(name) leads") {
            let text = try String(contentsOfFile: "\(directory)/\(name).log", encoding: .utf8)
            return text.contains(": leading")
        }
    }

    func publish(_ event: JobEvent) async throws {
        let message = event.message(to: topics)
        let producer = try Producer(kafka)
        try await producer.send(ProducerRecord(topic: message.topic, key: message.key, value: message.value))
        await producer.close()
    }

    /// Writes what a completed job leaves, and says so.
    func complete(_ job: Job) async throws {
        let lake = "\(directory)/lake"
        try FileManager.default.createDirectory(atPath: "\(lake)/\(folder)", withIntermediateDirectories: true)
        let manifest = Manifest(of: job, objects: [])
        try Data(manifest.encoded()).write(to: URL(filePath: "\(lake)/\(folder)/_manifest.j.json"))
        try await publish(
            JobEvent(.completed, of: job, at: Date(), attempt: 1, worker: "w", manifest: "\(folder)/_manifest.j.json"))
    }

    func hasTag(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(directory)/lake/\(folder)/\(name)") }

    func committed() async throws -> Int64 {
        let consumer = try await Consumer(
            ConsumerConfiguration(kafka, group: "\(topics.prefix)monitor"), listener: ConsumerEvents())
        let committed = try await consumer.committed([TopicPartition(topics.jobEvents, 0)])
        await consumer.close()
        return committed.values.first?.offset ?? 0
    }
}
