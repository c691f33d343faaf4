internal import Foundation

/// A message as Kafka carries it; the Kafka module's record without the module.
public struct Message: Sendable, Hashable {
    /// The version that every value of ours carries.
    public static let version = 1
    /// The largest value that is read, bytes.
    public static let maximumBytes = 1 << 20

    /// The topic's name, prefix included.
    public var topic: String
    /// The key's bytes.
    public var key: [UInt8]
    /// The value's bytes.
    public var value: [UInt8]
    /// The headers in order.
    public var headers: [Header]

    /// One header.
    public struct Header: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The value's text.
        public var value: String

        /// A header.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    init(topic: String, key: String, value: some Encodable, headers: [Header]) {
        self.topic = topic
        self.key = Array(key.utf8)
        // Our own values hold nothing that JSON can't say, except doubles that are not finite, which decoding never yields.
        self.value = (try? JSONEncoder.contract().encode(value)).map(Array.init) ?? []
        self.headers = headers
    }

    /// Reads a value of version 1.
    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]?) throws(ContractError) -> Value {
        guard let bytes, !bytes.isEmpty else { throw .empty }
        guard bytes.count <= maximumBytes else { throw .tooLarge(bytes: bytes.count, limit: maximumBytes) }
        return try decodeVersioned(type, from: bytes)
    }

    /// Reads a value of version 1 whose size the caller has bounded.
    static func decodeVersioned<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(ContractError) -> Value {
        let json = try JSONReader.read(bytes)
        do {
            // A newer version may have changed everything else: it is looked at first.
            let version = try JSONValueDecoder.decode(Versioned.self, from: json).version
            guard version == Self.version else { throw ContractError.unknownVersion(version) }
            return try JSONValueDecoder.decode(type, from: json)
        } catch {
            throw ContractError(error)
        }
    }

    private struct Versioned: Decodable {
        let version: Int
    }
}

/// The attributes of CloudEvents 1.0 in Kafka's binary mode, with the trace that a message belongs to.
enum CloudEventHeaders {
    static func make(
        id: String, type: String, source: String, time: Date, subject: String, traceparent: String?
    ) -> [Message.Header] {
        var headers = [
            Message.Header("ce_specversion", "1.0"), Message.Header("ce_id", id), Message.Header("ce_type", type),
            Message.Header("ce_source", source), Message.Header("ce_time", Timestamp.string(time)),
            Message.Header("ce_subject", subject), Message.Header("content-type", "application/json"),
        ]
        if let traceparent { headers.append(Message.Header("traceparent", traceparent)) }
        return headers
    }
}
