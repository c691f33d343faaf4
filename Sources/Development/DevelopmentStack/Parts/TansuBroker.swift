public import Kafka
internal import Logging

/// A broker to develop against: Tansu in memory on a free port, or one that runs already.
public struct TansuBroker: Sendable {
    /// Where clients reach it, `host:port`.
    public let bootstrapServers: String
    /// The process; nil for a broker that ran already.
    public let process: ManagedProcess?

    /// Whether it ran already and goes on afterwards. It is then taken for Apache Kafka, which keeps promises that Tansu can't
    /// (design, section 5).
    public var isExternal: Bool { process == nil }

    /// Starts Tansu and waits until it answers.
    ///
    /// - Parameters:
    ///   - installation: Where Tansu is.
    ///   - port: The port; nil for a free one.
    ///   - advertisedPort: Where clients are told to connect, when that is a proxy's port and not the broker's own.
    ///   - log: The file for its output.
    public static func start(
        _ installation: Installation, port given: Int? = nil, advertisedPort: Int? = nil, log: String
    ) async throws -> TansuBroker {
        let program = try installation.tansu()
        var attempt = 1
        while true {
            let port = try given ?? LoopbackPort.free()
            let url = "tcp://127.0.0.1:\(port)"
            let process = try await ManagedProcess.start(
                ProcessCommand(
                    "broker", program: program,
                    arguments: [
                        "broker", "--listener-url", url, "--advertised-listener-url",
                        "tcp://127.0.0.1:\(advertisedPort ?? port)", "--storage-engine", "memory://tansu/",
                    ], output: log))
            let broker = TansuBroker(bootstrapServers: "127.0.0.1:\(port)", process: process)
            do {
                try await broker.awaitAnswer()
                return broker
            } catch let error as DevelopmentError {
                await process.kill()
                // Somebody else may have taken the port in between.
                guard given == nil, attempt < 3 else { throw error }
                attempt += 1
            } catch {
                await process.kill()
                throw error
            }
        }
    }

    /// Takes a broker that runs already, `host:port`.
    ///
    /// - Throws: an error when it doesn't answer.
    public static func existing(_ bootstrapServers: String, limit: Duration = .seconds(10)) async throws -> TansuBroker {
        let broker = TansuBroker(bootstrapServers: bootstrapServers, process: nil)
        try await broker.awaitAnswer(within: limit)
        return broker
    }

    private func awaitAnswer(within limit: Duration = .seconds(60)) async throws {
        let admin = try Admin(kafka(client: "development-stack"))
        do {
            try await awaitAnswer(admin, until: ContinuousClock.now + limit)
        } catch {
            await admin.close()
            throw error
        }
        await admin.close()
    }

    private func awaitAnswer(_ admin: Admin, until deadline: ContinuousClock.Instant) async throws {
        while true {
            try Task.checkCancellation()
            if let end = process?.end {
                throw DevelopmentError("the broker \(end)", advice: "see \(process?.command.output ?? "its log")")
            }
            do throws(KafkaError) {
                _ = try await admin.metadata(timeout: .milliseconds(500))
                return
            } catch {
                guard ContinuousClock.now < deadline else {
                    throw DevelopmentError(
                        "no broker answers at \(bootstrapServers): \(error)",
                        advice: isExternal ? "check BROKER, or unset it" : nil)
                }
            }
        }
    }

    /// How clients in this process reach it.
    public func kafka(client: String) -> KafkaConfiguration {
        var logger = Logger(label: "kafka")
        logger.logLevel = .critical
        return KafkaConfiguration(bootstrapServers: bootstrapServers, clientID: client, logger: logger)
    }

    /// Stops the process; one that ran already goes on.
    public func stop() async {
        // It keeps nothing, so there is nothing that it could put in order.
        await process?.kill()
    }
}
