internal import CLibrdkafka
internal import Logging
internal import Synchronization

/// Owns a `rd_kafka_conf_t` until a handle takes it over.
struct NativeConfiguration: ~Copyable {
    private var pointer: OpaquePointer?

    init(_ configuration: KafkaConfiguration, defaults: [String: String], callbacks: HandleCallbacks) throws(KafkaError) {
        let pointer = rd_kafka_conf_new()
        self.pointer = pointer
        var properties = defaults
        properties["bootstrap.servers"] = configuration.bootstrapServers
        properties["client.id"] = configuration.clientID
        // Debian's 2.0.2 refuses nothing here, and 2.16 looks at it only for broker metrics: keep the wire quiet.
        properties.merge(configuration.properties) { _, given in given }
        for (name, value) in properties {
            try Self.set(pointer, name, value)
        }
        rd_kafka_conf_set_opaque(pointer, Unmanaged.passUnretained(callbacks).toOpaque())
        rd_kafka_conf_set_log_cb(pointer) { handle, level, facility, text in
            guard let handle, let callbacks = HandleCallbacks.of(handle) else { return }
            callbacks.logged(level: level, facility: facility.map { String(cString: $0) }, text: text.map { String(cString: $0) })
        }
        rd_kafka_conf_set_error_cb(pointer) { handle, code, reason, _ in
            guard let handle, let callbacks = HandleCallbacks.of(handle) else { return }
            callbacks.failed(code: rd_kafka_resp_err_t(code), reason: reason.map { String(cString: $0) })
        }
        rd_kafka_conf_set_stats_cb(pointer) { handle, json, length, _ in
            guard let handle, let json, let callbacks = HandleCallbacks.of(handle) else { return 0 }
            callbacks.statistics(UnsafeRawBufferPointer(start: json, count: length))
            return 0
        }
    }

    deinit { if let pointer { rd_kafka_conf_destroy(pointer) } }

    private static func set(_ pointer: OpaquePointer?, _ name: String, _ value: String) throws(KafkaError) {
        var reason = [CChar](repeating: 0, count: 512)
        let result = rd_kafka_conf_set(pointer, name, value, &reason, reason.count)
        guard result != RD_KAFKA_CONF_OK else { return }
        // librdkafka's text may repeat the value, which may be a secret: the name must do.
        let why = result == RD_KAFKA_CONF_UNKNOWN ? "unknown property" : "value refused"
        throw KafkaError(
            kind: .configuration, code: "_INVALID_ARG", operation: "configure", message: "kafka property \(name): \(why)")
    }

    /// Lets the caller set what only its kind of handle has.
    func with(_ body: (OpaquePointer) -> Void) {
        if let pointer { body(pointer) }
    }

    /// Makes the handle; the configuration belongs to it from then on.
    consuming func makeHandle(_ type: rd_kafka_type_t) throws(KafkaError) -> OpaquePointer {
        var reason = [CChar](repeating: 0, count: 512)
        guard let handle = rd_kafka_new(type, pointer, &reason, reason.count) else {
            let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw KafkaError(kind: .configuration, code: "_INVALID_ARG", operation: "create client", message: text)
        }
        pointer = nil
        return handle
    }
}

/// What librdkafka calls back for every kind of handle; outlives the handle because its owner destroys the handle first.
///
/// Called on librdkafka's threads (log lines) and on the thread that polls (errors, statistics); it only holds values
/// that are Sendable themselves.
class HandleCallbacks: @unchecked Sendable {
    // Unchecked because subclasses add `weak` or thread-bound state of their own; this class is immutable.
    let logger: Logger
    let statisticsReporter: StatisticsReporter
    /// librdkafka tells refused credentials only here; calls then just time out.
    private let refusal = Mutex<KafkaError?>(nil)

    init(logger: Logger, client: String) {
        self.logger = logger
        statisticsReporter = StatisticsReporter(client: client)
    }

    static func of(_ handle: OpaquePointer) -> HandleCallbacks? {
        rd_kafka_opaque(handle).map { Unmanaged<HandleCallbacks>.fromOpaque($0).takeUnretainedValue() }
    }

    func logged(level: Int32, facility: String?, text: String?) {
        // syslog's levels; librdkafka repeats each broker's connection failure, which the error callback reports too: throttled.
        let swiftLevel: Logger.Level =
            switch level {
            case ...2: .critical
            case 3: .warning
            case 4: .notice
            case 5, 6: .info
            default: .debug
            }
        let (text, facility) = (text ?? "", facility ?? "")
        guard swiftLevel > .debug else {
            logger.debug("\(text)", metadata: ["facility": "\(facility)"])
            return
        }
        guard let repeated = LogThrottle.shared.admit(facility: facility, text: text) else { return }
        logger.log(level: swiftLevel, "\(text)", metadata: Self.metadata(["facility": "\(facility)"], repeated))
    }

    func failed(code: rd_kafka_resp_err_t, reason: String?) {
        let error = KafkaError(code: code, operation: "broker connection", message: reason)
        if error.kind == .authentication { refusal.withLock { $0 = error } }
        guard let repeated = LogThrottle.shared.admit(facility: "ERROR", text: error.description) else { return }
        logger.warning("kafka client error", metadata: Self.metadata(["error": "\(error)"], repeated))
    }

    private static func metadata(_ metadata: Logger.Metadata, _ repeated: Int) -> Logger.Metadata {
        repeated == 0 ? metadata : metadata.merging(["repeated": "\(repeated)"]) { given, _ in given }
    }

    /// Why the broker refused this client, if it did.
    var authenticationFailure: KafkaError? { refusal.withLock { $0 } }

    func statistics(_ json: UnsafeRawBufferPointer) {
        statisticsReporter.report(json)
    }
}
