import Contracts
import DevelopmentStack
import Foundation
import Glibc
import Kafka
import Messaging
import Rehearsal
import Testing

extension SystemTests {
    /// Exit codes and readiness of a real worker process that is told to stop (kafka-workers A5).
    @Suite("shutdown of a worker process", .timeLimit(.minutes(5)))
    struct Shutdown {
        @Test("an idle worker ends with 0")
        func clean() async throws {
            try await withWorker(grace: "20s") { worker in
                worker.process.send(SIGTERM)
                #expect(await worker.process.awaitEnd(within: .seconds(60)) == .exited(0))
            }
        }

        @Test("while a job runs on after the first signal it is not ready, and a job that ends within the grace makes it 0")
        func drains() async throws {
            try await withWorker(grace: "60s") { worker in
                try await worker.publish(seconds: 8)
                try await worker.awaitStart()
                #expect(try await worker.isReady())
                worker.process.send(SIGTERM)
                try await until("not ready") { try await !worker.isReady() }
                #expect(worker.process.isRunning)
                #expect(await worker.process.awaitEnd(within: .seconds(60)) == .exited(0))
            }
        }

        @Test("a job that doesn't end within the grace is handed back: 75")
        func handsBack() async throws {
            try await withWorker(grace: "1s") { worker in
                try await worker.publish(seconds: 600)
                try await worker.awaitStart()
                worker.process.send(SIGTERM)
                #expect(await worker.process.awaitEnd(within: .seconds(60)) == .exited(75))
            }
        }

        @Test("a second signal skips the grace: the job is handed back at once", arguments: [SIGTERM, SIGINT])
        func secondSignal(signal: Int32) async throws {
            try await withWorker(grace: "600s", shutdownGrace: "900s") { worker in
                try await worker.publish(seconds: 600)
                try await worker.awaitStart()
                worker.process.send(SIGTERM)
                try await until("draining") { try await !worker.isReady() }
                worker.process.send(signal)
                let end = await worker.process.awaitEnd(within: .seconds(60))
                #expect(end == .exited(75))
            }
        }
    }
}

/// A worker process with topics and a lake of its own.
private struct TrialWorker {
    let process: ManagedProcess
    let topics: TopicNames
    let kafka: KafkaConfiguration
    let admin: String
    let log: String

    /// Publishes a job that takes so many seconds, one object in each.
    func publish(seconds: Int) async throws {
        let task = RehearsalTask(seed: 1, work: .objects(count: seconds, bytes: 100, pause: 1000))
        let job = Job(
            id: "long", kind: RehearsalPlan.kind, source: "rehearsal/main", dataset: "things", day: "2026-03-01",
            createdAt: Date(), parameters: task.parameters)
        let producer = try Producer(kafka)
        try await producer.send(ProducerRecord(job.message(to: topics)))
        await producer.close()
    }

    func awaitStart() async throws {
        try await until("the job has started") {
            var hasStarted = false
            try await TopicScan(kafka, topics: [topics.jobEvents]).read { records in
                for try await record in records where record.headers.text(of: "ce_type") == "switchboard.job.started" {
                    hasStarted = true
                }
            }
            return hasStarted
        }
    }

    func isReady() async throws -> Bool {
        guard let url = URL(string: "\(admin)/readyz") else { return false }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/curl")
        process.arguments = ["-s", "-o", "/dev/null", "-w", "%{http_code}", url.absoluteString]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        process.waitUntilExit()
        return String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self) == "200"
    }
}

/// Runs a body with a worker that is ready.
private func withWorker(
    grace: String, shutdownGrace: String = "90s", _ body: (TrialWorker) async throws -> Void
) async throws {
    try await withDirectory { directory in
        let installation = try Installation.current()
        let broker: TansuBroker =
            if isOnKafka {
                try await .existing(ProcessInfo.processInfo.environment["BROKER"] ?? "")
            } else {
                try await .start(installation, log: "\(directory)/broker.log")
            }
        let kafka = broker.kafka(client: "test")
        let topics = TopicNames(prefix: "s\(UUID().uuidString.prefix(8).lowercased()).")
        let admin = try Admin(kafka)
        let names = [
            topics.jobs(RehearsalPlan.kind), topics.dead(RehearsalPlan.kind), topics.jobEvents, topics.alerts, topics.control,
            topics.retry(RehearsalPlan.kind, after: .seconds(3600)),
        ]
        let failures = try await admin.createTopics(names.map { Admin.NewTopic(name: $0, partitions: 1, replication: 1) })
        await admin.close()
        if let failure = failures.values.first { throw failure }
        try FileManager.default.createDirectory(atPath: "\(directory)/lake", withIntermediateDirectories: true)
        let file = ConfigurationFile([
            "service.instance": ConfigurationFile.text("trial"), "admin.port": "0", "log.format": "readable",
            "shutdown.grace": shutdownGrace, "kafka.bootstrap-servers": ConfigurationFile.text(broker.bootstrapServers),
            "topics.prefix": ConfigurationFile.text(topics.prefix),
            "lake.url": ConfigurationFile.text("file://\(directory)/lake"),
            "worker.session-timeout": "6s", "worker.grace": grace, "worker.retry-delays": "[1h]",
        ])
        try file.yaml.write(toFile: "\(directory)/worker.yaml", atomically: true, encoding: .utf8)
        let log = "\(directory)/worker.log"
        let process = try await ManagedProcess.start(
            ProcessCommand(
                "worker", program: try installation.program("rehearsal-worker"),
                arguments: ["--config", "\(directory)/worker.yaml", "--ready-file", "\(directory)/ready"], output: log))
        do {
            try await until("the worker is ready") { FileManager.default.fileExists(atPath: "\(directory)/ready") }
            struct Ready: Decodable { var admin: String }
            let ready = try JSONDecoder().decode(Ready.self, from: Data(contentsOf: URL(filePath: "\(directory)/ready")))
            try await body(TrialWorker(process: process, topics: topics, kafka: kafka, admin: ready.admin, log: log))
        } catch {
            await process.kill()
            await broker.stop()
            throw error
        }
        await process.kill()
        await broker.stop()
    }
}
