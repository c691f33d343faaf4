internal import CLibrdkafka

/// Owns a producer's or admin's `rd_kafka_t`.
///
/// Unchecked: librdkafka's handles are thread-safe for every call that this module makes on them
/// (INTRODUCTION.md, "Threads and callbacks"); `destroy` is called once, by the owner, after its last use.
final class NativeHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    private let callbacks: HandleCallbacks

    init(_ pointer: OpaquePointer, callbacks: HandleCallbacks) {
        self.pointer = pointer
        self.callbacks = callbacks
    }

    /// Waits for librdkafka's threads to end: only on a PollThread.
    func destroy() {
        rd_kafka_destroy(pointer)
    }

    /// Hands a record to librdkafka, which copies it.
    func produce(_ record: ProducerRecord, opaque: UnsafeMutableRawPointer?) throws(KafkaError) {
        let error = record.withNative { topic, partition, key, value, headers -> OpaquePointer? in
            switchboard_rd_kafka_produce(
                pointer, topic, partition, key.baseAddress, key.count, value.baseAddress, value.count, record.timestamp ?? 0,
                headers.baseAddress, headers.count, opaque)
        }
        if let error { throw KafkaError(consuming: error, operation: "produce to \(record.topic)") }
    }
}

extension ProducerRecord {
    /// An empty value must stay different from a null one, so it needs an address.
    private static let empty: StaticString = ""

    fileprivate func withNative<Result>(
        _ body: (
            UnsafePointer<CChar>, Int32, UnsafeRawBufferPointer, UnsafeRawBufferPointer,
            UnsafeBufferPointer<switchboard_rd_kafka_header>
        ) -> Result
    ) -> Result {
        func bytes<Inner>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer) -> Inner) -> Inner {
            guard let bytes else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
            guard !bytes.isEmpty else { return body(UnsafeRawBufferPointer(start: Self.empty.utf8Start, count: 0)) }
            return bytes.withUnsafeBytes(body)
        }
        // The headers' names and values laid end to end, so that one pointer each is valid during the call.
        var storage: [UInt8] = []
        var places: [(name: Int, value: Int?, size: Int)] = []
        for header in headers {
            let name = storage.count
            storage.append(contentsOf: header.name.utf8)
            storage.append(0)
            places.append((name, header.value == nil ? nil : storage.count, header.value?.count ?? 0))
            storage.append(contentsOf: header.value ?? [])
        }
        storage.append(0)
        return storage.withUnsafeBytes { storage in
            let native = places.map { place in
                switchboard_rd_kafka_header(
                    name: storage.baseAddress?.advanced(by: place.name).assumingMemoryBound(to: CChar.self),
                    value: place.value.flatMap { storage.baseAddress?.advanced(by: $0) }, value_size: place.size)
            }
            return native.withUnsafeBufferPointer { native in
                topic.withCString { topic in
                    bytes(key) { key in
                        bytes(value) { value in body(topic, partition ?? RD_KAFKA_PARTITION_UA, key, value, native) }
                    }
                }
            }
        }
    }
}
