internal import Foundation
public import Kafka

/// Publishes what operators' commands make, in transactions under an id that all commands of a sort share.
///
/// 1. The id is fixed: whoever begins fences a command of the same sort that still runs, and ends what a killed one left open.
/// 2. What a command decides from topics that it read after `begin` nobody else has changed when its transactions commit.
public struct OperatorTransactions: Sendable {
    /// A command of the same sort was begun elsewhere.
    public struct TakenOver: Error, CustomStringConvertible {
        /// What happened.
        public let description =
            "the same command was begun elsewhere and stopped this one; what it had published stands"
    }

    private let producer: TransactionalProducer

    /// Runs `body` with the right to publish; nobody else of this sort has it then.
    ///
    /// - Parameter sort: such as `jobs` or `dead.conversation`; part of the transactional id.
    public static func withRight<Result: Sendable>(
        to sort: String, prefix: String, _ kafka: KafkaConfiguration, _ body: (OperatorTransactions) async throws -> Result
    ) async throws -> Result {
        try await reach(kafka)
        let producer = try TransactionalProducer(kafka, transactionalID: "\(prefix)switchboard.\(sort)")
        do {
            try await producer.initialize()
            let result = try await body(OperatorTransactions(producer: producer))
            await producer.close()
            return result
        } catch {
            await producer.close()
            if let error = error as? KafkaError, error.kind == .fenced { throw TakenOver() }
            throw error
        }
    }

    /// Says within seconds when there is no broker, for which the initialization of transactions takes minutes.
    private static func reach(_ kafka: KafkaConfiguration) async throws {
        let admin = try Admin(kafka)
        do {
            _ = try await admin.metadata()
        } catch {
            await admin.close()
            throw error
        }
        await admin.close()
    }

    /// Publishes records together, all or none. What can pass in another transaction is tried again.
    public func commit(_ records: [ProducerRecord]) async throws {
        guard !records.isEmpty else { return }
        var attempt = 1
        while true {
            do throws(KafkaError) {
                try await producer.transaction { producer throws(KafkaError) in
                    for record in records { try producer.send(record) }
                }
                return
            } catch {
                if error.kind == .fenced { throw TakenOver() }
                guard error.mayPassInNextTransaction, attempt < 5 else { throw error }
                try await Task.sleep(for: .milliseconds(200 << attempt))
                attempt += 1
            }
        }
    }
}
