internal import CLibrdkafka

/// A failure that librdkafka or a broker reported, with what was being done and what to do about it.
public struct KafkaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The situations that callers tell apart.
    public enum Kind: Sendable, Hashable {
        /// No broker answers: it is down, unreachable or the address is wrong.
        case brokerUnavailable
        /// The operation's time ran out.
        case timedOut
        /// The topic or partition does not exist.
        case unknownTopic
        /// The topic exists already.
        case topicExists
        /// The credentials were refused.
        case authentication
        /// The credentials are good but the operation is not allowed to them.
        case authorization
        /// A newer instance with the same transactional id took over.
        case fenced
        /// The consumer is no longer the member that it says it is: the group has moved on.
        case staleMember
        /// The local queue is full; it drains as the broker accepts records.
        case queueFull
        /// The record is larger than the broker or the client allows.
        case messageTooLarge
        /// A configuration property is unknown or its value is refused.
        case configuration
        /// The consumer or producer was closed before the call.
        case closed
        /// Anything else; `code` and `message` say what.
        case other
    }

    /// The situation.
    public let kind: Kind
    /// librdkafka's name of the error, such as `_TRANSPORT` or `UNKNOWN_TOPIC_OR_PART`.
    public let code: String
    /// The call that failed, such as `commit transaction`.
    public let operation: String
    /// librdkafka's description, without secrets.
    public let message: String
    /// The handle can't be used any more: the process should end and be started again.
    public let isFatal: Bool
    /// The same call may succeed when it is made again.
    public let isRetriable: Bool
    /// The current transaction must be aborted; a new one may succeed.
    public let isAbortable: Bool

    /// Makes an error of this module's own, where no librdkafka code exists.
    public init(
        kind: Kind, code: String, operation: String, message: String, isFatal: Bool = false, isRetriable: Bool = false,
        isAbortable: Bool = false
    ) {
        self.kind = kind
        self.code = code
        self.operation = operation
        self.message = message
        self.isFatal = isFatal
        self.isRetriable = isRetriable
        self.isAbortable = isAbortable
    }

    /// One line: the operation, the reason, the code and what to do.
    public var description: String {
        let next = advice.map { "; \($0)" } ?? ""
        return "\(operation): \(message) (\(code))\(next)"
    }

    /// What a person can do about it, where that is known.
    public var advice: String? {
        switch kind {
        case .brokerUnavailable: "check kafka.bootstrap-servers and that the broker is up"
        case .unknownTopic: "create it with `switchboard topics apply --execute`"
        case .authentication: "check the SASL or TLS settings under kafka.properties"
        case .authorization: "grant the principal access to the topic, group or transactional id"
        case .fenced: "another instance runs with the same transactional id; give each its own service.instance"
        case .messageTooLarge: "raise max.message.bytes of the topic or send less"
        case .configuration: "correct kafka.properties"
        case .timedOut: "check the brokers' load and the network; the call may be made again"
        case .topicExists, .staleMember, .queueFull, .closed, .other: nil
        }
    }

    /// Whether a new transaction may succeed where this one was aborted: the group moved on, or the broker was busy.
    public var mayPassInNextTransaction: Bool {
        !isFatal && kind != .fenced && (isAbortable || isRetriable || kind == .staleMember || kind == .timedOut)
    }

    /// The same error with another verdict.
    func made(fatal: Bool) -> KafkaError {
        KafkaError(
            kind: kind, code: code, operation: operation, message: message, isFatal: fatal, isRetriable: isRetriable && !fatal,
            isAbortable: isAbortable && !fatal)
    }

    static func closed(_ operation: String) -> KafkaError {
        KafkaError(kind: .closed, code: "_DESTROY", operation: operation, message: "already closed")
    }
}

extension KafkaError {
    init(code: rd_kafka_resp_err_t, operation: String, message: String? = nil) {
        self.init(
            kind: Kind(code), code: String(cString: rd_kafka_err2name(code)), operation: operation,
            message: message ?? String(cString: rd_kafka_err2str(code)), isFatal: code == RD_KAFKA_RESP_ERR__FATAL,
            isRetriable: Self.isTransient(code))
    }

    /// Takes over `error`: reads it and destroys it.
    init(consuming error: OpaquePointer, operation: String) {
        self.init(borrowing: error, operation: operation)
        rd_kafka_error_destroy(error)
    }

    /// Takes over what an error object says and leaves it to its owner.
    init(borrowing error: OpaquePointer, operation: String) {
        let code = rd_kafka_error_code(error)
        self.init(
            kind: Kind(code), code: String(cString: rd_kafka_err2name(code)), operation: operation,
            message: String(cString: rd_kafka_error_string(error)), isFatal: rd_kafka_error_is_fatal(error) != 0,
            isRetriable: rd_kafka_error_is_retriable(error) != 0, isAbortable: rd_kafka_error_txn_requires_abort(error) != 0)
    }

    private static func isTransient(_ code: rd_kafka_resp_err_t) -> Bool {
        switch code {
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__TIMED_OUT,
            RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
            true
        default: false
        }
    }
}

extension KafkaError.Kind {
    init(_ code: rd_kafka_resp_err_t) {
        switch code {
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
            RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
            self = .brokerUnavailable
        case RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
            self = .timedOut
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            self = .unknownTopic
        case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
            self = .topicExists
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR__SSL:
            self = .authentication
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            self = .authorization
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
            self = .fenced
        case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
            RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
            self = .staleMember
        case RD_KAFKA_RESP_ERR__QUEUE_FULL:
            self = .queueFull
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
            self = .messageTooLarge
        case RD_KAFKA_RESP_ERR__INVALID_ARG:
            self = .configuration
        default:
            self = .other
        }
    }
}
