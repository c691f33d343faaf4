internal import DevelopmentStack
internal import Foundation
public import Kafka
public import Logging
internal import Synchronization

/// A real broker for a test run: Tansu from `.deps`, or the one that `BROKER=host:port` names.
///
/// Started once for each test process and gone with it.
public actor TestBroker {
    /// The broker of this test process.
    public static let shared = TestBroker()

    private var starting: Task<TansuBroker, any Error>?

    /// Whether `BROKER` names Apache Kafka, which keeps the promises that Tansu can't (design, section 5).
    public static var isExternal: Bool { ProcessInfo.processInfo.environment["BROKER"] != nil }

    /// The broker's address, started on the first call.
    public func bootstrapServers() async throws -> String {
        if let given = ProcessInfo.processInfo.environment["BROKER"] { return given }
        // Suites ask at the same time: one of them starts it, all wait.
        let starting =
            starting ?? Task { try await TansuBroker.start(try Installation.current(), log: "/dev/null") }
        self.starting = starting
        return try await starting.value.bootstrapServers
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
            // The controller answers before the broker knows of them.
            for _ in 0..<100 {
                let present = Set(try await admin.metadata().topics.filter { !$0.leaders.contains(nil) }.map(\.name))
                if topics.keys.allSatisfy({ present.contains($0) || failures[$0] != nil }) { break }
                try await Task.sleep(for: .milliseconds(50))
            }
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
