public import Kafka
public import Logging

/// What every program does about a broker that isn't there yet, and about one that refuses it.
public enum KafkaStart {
    /// Repeats `step` until it succeeds, while the reason may pass: a broker that is down, a topic that isn't created yet.
    ///
    /// Not ready meanwhile, and says why in the log (``StartWait``).
    ///
    /// - Throws: the first `KafkaError` that waiting doesn't mend, or `CancellationError`.
    public static func retrying(
        logger: Logger, readiness: HealthIndicator, _ step: () async throws -> Void
    ) async throws {
        try await StartWait(for: "kafka", readiness: readiness, logger: logger).until { error in
            guard let error = error as? KafkaError, mayPass(error) else { return nil }
            return error.description
        } _: {
            try await step()
        }
    }

    /// Waits until the broker answers and has these topics.
    ///
    /// - Throws: the first `KafkaError` that waiting doesn't mend, or `CancellationError`.
    public static func awaitTopics(
        _ names: some Collection<String> & Sendable, on kafka: KafkaConfiguration, logger: Logger, readiness: HealthIndicator
    ) async throws {
        let admin = try Admin(kafka)
        do {
            try await retrying(logger: logger, readiness: readiness) {
                let present = Set(try await admin.metadata(timeout: .seconds(5)).topics.map(\.name))
                guard let missing = names.filter({ !present.contains($0) }).min() else { return }
                throw KafkaError(
                    kind: .unknownTopic, code: "UNKNOWN_TOPIC_OR_PART", operation: "start",
                    message: "topic \(missing) does not exist")
            }
        } catch {
            await admin.close()
            throw error
        }
        await admin.close()
    }

    private static func mayPass(_ error: KafkaError) -> Bool {
        if error.isFatal { return false }
        switch error.kind {
        case .brokerUnavailable, .timedOut, .unknownTopic: return true
        case .authentication, .authorization, .configuration, .fenced, .closed: return false
        case .topicExists, .staleMember, .queueFull, .messageTooLarge, .other: return error.isRetriable
        }
    }

    /// The end that a Kafka error means for a program: wrong settings stay wrong, a fenced or failed client is to be restarted.
    public static func failure(_ error: KafkaError) -> ProgramFailure {
        switch error.kind {
        case .configuration, .authentication, .authorization: ProgramFailure(.configuration, error.description)
        default: ProgramFailure(.temporary, error.description)
        }
    }
}
