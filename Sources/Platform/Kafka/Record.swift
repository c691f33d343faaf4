/// A named value beside a record's key and value; names may repeat.
public struct RecordHeader: Sendable, Hashable {
    /// The header's name.
    public let name: String
    /// The header's bytes; nil is a null value.
    public let value: [UInt8]?

    /// A header of bytes.
    public init(_ name: String, bytes value: [UInt8]?) {
        self.name = name
        self.value = value
    }

    /// A header of text, in UTF-8.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = Array(value.utf8)
    }

    /// The value as text; bytes that are not UTF-8 are replaced.
    public var text: String? { value.map { String(decoding: $0, as: UTF8.self) } }
}

extension Sequence<RecordHeader> {
    /// The text of the last header with this name, as Kafka's own clients resolve repeated names.
    public func text(of name: String) -> String? {
        var found: String?
        for header in self where header.name == name { found = header.text }
        return found
    }
}

/// A record that a consumer received.
public struct ConsumerRecord: Sendable, Hashable {
    /// The topic it was read from.
    public let topic: String
    /// The partition it was read from.
    public let partition: Int32
    /// Its offset.
    public let offset: Int64
    /// The broker's or the producer's time, ms since 1970; -1 when the record has none.
    public let timestamp: Int64
    /// The key's bytes; nil is a null key.
    public let key: [UInt8]?
    /// The value's bytes; nil is a tombstone.
    public let value: [UInt8]?
    /// The headers in the order in which they were sent.
    public let headers: [RecordHeader]

    /// A record, as tests make them.
    public init(
        topic: String, partition: Int32, offset: Int64, timestamp: Int64, key: [UInt8]?, value: [UInt8]?,
        headers: [RecordHeader] = []
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }

    /// Where it was read from.
    public var topicPartition: TopicPartition { TopicPartition(topic, partition) }
}

/// A record to send.
public struct ProducerRecord: Sendable, Hashable {
    /// The topic's name, prefix included.
    public var topic: String
    /// The partition; nil lets the key's hash choose.
    public var partition: Int32?
    /// The key's bytes; nil is a null key.
    public var key: [UInt8]?
    /// The value's bytes; nil is a tombstone.
    public var value: [UInt8]?
    /// The headers, kept in order.
    public var headers: [RecordHeader]
    /// The record's time, ms since 1970; nil is now.
    public var timestamp: Int64?

    /// A record to send.
    public init(
        topic: String, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?, headers: [RecordHeader] = [],
        timestamp: Int64? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }
}

/// Where a sent record was stored.
public struct RecordMetadata: Sendable, Hashable {
    /// The partition that holds it.
    public let topicPartition: TopicPartition
    /// Its offset.
    public let offset: Int64
}
