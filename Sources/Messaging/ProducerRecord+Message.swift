public import Contracts
public import Kafka

extension ProducerRecord {
    /// A message of Contracts as a record.
    public init(_ message: Message) {
        self.init(
            topic: message.topic, key: message.key, value: message.value,
            headers: message.headers.map { RecordHeader($0.name, $0.value) })
    }
}
