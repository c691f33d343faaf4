internal import Contracts
internal import Kafka
internal import Logging

/// Reads the topic of alerts from its beginning.
struct AlertReader: Sendable {
    let kafka: KafkaConfiguration
    let topic: String
    let logger: Logger

    /// Calls `body` for every alert that the topic holds now, oldest first; nil where an entry was taken away.
    func readKept(_ body: (_ key: String, Alert?) -> Void) async throws { try await read(isFollowing: false, body) }

    /// Calls `body` for every alert that the topic holds and gets, until the task is cancelled.
    func follow(_ body: (_ key: String, Alert?) -> Void) async throws { try await read(isFollowing: true, body) }

    private func read(isFollowing: Bool, _ body: (String, Alert?) -> Void) async throws {
        let events = ConsumerEvents()
        var reader = ConsumerConfiguration(kafka)
        reader.reportsEnds = true
        reader.statisticsInterval = .zero
        let consumer = try await Consumer(reader, listener: events)
        do {
            var open = Set(try await consumer.partitions(of: topic))
            try await consumer.assign(Dictionary(uniqueKeysWithValues: open.map { ($0, StartOffset.earliest) }))
            for try await event in events {
                switch event {
                case .record(let record): take(record, body)
                case .reachedEnd(let partition, _): open.remove(partition)
                case .failed(let error): logger.warning("reading alerts", metadata: ["error": "\(error)"])
                case .assigned, .revoked: break
                }
                if open.isEmpty, !isFollowing { break }
            }
        } catch {
            await consumer.close()
            throw error
        }
        await consumer.close()
        try Task.checkCancellation()
    }

    private func take(_ record: ConsumerRecord, _ body: (String, Alert?) -> Void) {
        let key = record.key.map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard record.value != nil else { return body(key, nil) }
        do throws(ContractError) {
            let alert = try Alert.decode(record.value)
            body(alert.key, alert)
        } catch {
            // At worst something is told twice.
            logger.error(
                "alert can't be read",
                metadata: ["partition": "\(record.topicPartition)", "offset": "\(record.offset)", "error": "\(error)"])
        }
    }
}
