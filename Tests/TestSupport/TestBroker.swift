internal import Foundation
public import Kafka
public import Logging
internal import Synchronization

/// A real broker for a test run: Tansu from `.deps`, or the one that `BROKER=host:port` names.
///
/// Started once for each test process and gone with it: a shell waits for the end of its input, which comes when the process
/// ends in whatever way, and kills the broker.
public actor TestBroker {
    /// The broker of this test process.
    public static let shared = TestBroker()

    private var address: String?
    private var process: Process?
    private var input: Pipe?

    /// Whether `BROKER` names Apache Kafka, which keeps the promises that Tansu can't (design, section 5).
    public static var isExternal: Bool { ProcessInfo.processInfo.environment["BROKER"] != nil }

    /// The broker's address, started on the first call.
    public func bootstrapServers() async throws -> String {
        if let address { return address }
        if let given = ProcessInfo.processInfo.environment["BROKER"] {
            address = given
            return given
        }
        let port = try FreePort.find()
        let url = "tcp://127.0.0.1:\(port)"
        let pipe = Pipe()
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
            "-c", #""$@" >/dev/null 2>&1 & broker=$!; read _; kill -9 $broker"#, "sh", try Repository.tansu(), "broker",
            "--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/",
        ]
        process.standardInput = pipe
        try process.run()
        self.process = process
        input = pipe
        let started = "127.0.0.1:\(port)"
        address = started
        let admin = try Admin(KafkaConfiguration(bootstrapServers: started, logger: .quiet))
        var failure: KafkaError?
        for _ in 0..<100 {
            do throws(KafkaError) {
                _ = try await admin.metadata(timeout: .milliseconds(500))
                failure = nil
                break
            } catch {
                failure = error
            }
        }
        await admin.close()
        if let failure { throw failure }
        return started
    }

    /// How tests reach the broker.
    public func kafka(client: String = "test") async throws -> KafkaConfiguration {
        KafkaConfiguration(bootstrapServers: try await bootstrapServers(), clientID: client, logger: .quiet)
    }

    /// Makes a topic with a name of its own.
    public func topic(_ name: String, partitions: Int = 1, configuration: [String: String] = [:]) async throws -> String {
        let unique = "\(name)-\(UUID().uuidString.prefix(8).lowercased())"
        try await create([unique: partitions], configuration: configuration)
        return unique
    }

    /// Makes topics, by name the number of partitions.
    public func create(_ topics: [String: Int], configuration: [String: String] = [:]) async throws {
        let admin = try Admin(try await kafka())
        let failures: [String: KafkaError]
        do {
            failures = try await admin.createTopics(
                topics.map { Admin.NewTopic(name: $0.key, partitions: $0.value, replication: 1, configuration: configuration) })
        } catch {
            await admin.close()
            throw error
        }
        await admin.close()
        if let failure = failures.values.first(where: { $0.kind != .topicExists }) { throw failure }
    }
}

extension Logger {
    /// A logger whose lines a passing test doesn't show; `TEST_LOG=debug` shows them.
    public static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = ProcessInfo.processInfo.environment["TEST_LOG"].flatMap { Logger.Level(rawValue: $0) } ?? .critical
        return logger
    }
}
