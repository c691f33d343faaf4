/// Where a details job of the vendor stands.
public enum DetailsJobState: Sendable, Hashable, CustomStringConvertible {
    /// It waits for its turn.
    case queued
    /// It runs.
    case pending
    /// Its results can be read.
    case fulfilled
    /// It failed; the vendor's words.
    case failed(String)
    /// Somebody called it off.
    case cancelled
    /// Its results are gone.
    case expired
    /// The vendor doesn't know it (404): results live about a day.
    case absent
    /// A state that this version doesn't know; the vendor's word.
    case unknown(String)

    /// Reads the vendor's word, in any case.
    init(_ text: String, message: String?) {
        switch text.uppercased() {
        case "QUEUED": self = .queued
        case "PENDING": self = .pending
        case "FULFILLED": self = .fulfilled
        case "FAILED": self = .failed(message.map { VendorText.bounded($0) } ?? "no reason is given")
        case "CANCELLED", "CANCELED": self = .cancelled
        case "EXPIRED": self = .expired
        default: self = .unknown(VendorText.bounded(text, to: 40))
        }
    }

    /// Whether its results can't be had any more, so that only another job helps.
    public var isLost: Bool {
        switch self {
        case .failed, .cancelled, .expired, .absent: true
        case .queued, .pending, .fulfilled, .unknown: false
        }
    }

    /// The state's name in figures and logs.
    public var name: String {
        switch self {
        case .queued: "queued"
        case .pending: "pending"
        case .fulfilled: "fulfilled"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .expired: "expired"
        case .absent: "absent"
        case .unknown: "unknown"
        }
    }

    /// The state, with the vendor's words where it has some.
    public var description: String {
        switch self {
        case .failed(let message): "failed: \(message)"
        case .unknown(let text): "in the unknown state \(text)"
        default: name
        }
    }
}
