/// A failure of object storage: what, where, why, what to do.
public struct ObjectStorageError: Error, Sendable, CustomStringConvertible {
    /// What failed.
    public enum Kind: Sendable, Equatable {
        /// The text is no key, or the store can't hold it.
        case invalidKey
        /// There is no object under the key.
        case notFound
        /// There is an object under the key, and the put was `ifAbsent`.
        case alreadyExists
        /// The root directory or the bucket doesn't exist.
        case noSuchRoot
        /// The credentials are known but don't allow this.
        case accessDenied
        /// The credentials are unknown, expired or wrong.
        case wrongCredentials
        /// The disk or the quota is full.
        case noSpace
        /// The service asks to slow down.
        case throttled
        /// The service or the disk didn't do its work this time.
        case unavailable
        /// The object is larger than the caller allows.
        case tooLarge
        /// The location or a setting is wrong.
        case misconfigured
        /// The store has no such function.
        case unsupported
        /// The stored object or the service's answer isn't what it must be.
        case corrupt
        /// The task was cancelled.
        case cancelled
        /// The writer is finished or abandoned already, or used by two tasks at once.
        case misuse
    }

    /// What failed.
    public let kind: Kind
    /// Where: the store's URL without credentials.
    public let store: String
    /// The key that it was about, if any.
    public let key: String?
    /// Why, and what to do about it where that is known.
    public let message: String

    /// Makes an error.
    public init(_ kind: Kind, store: String, key: String? = nil, message: String) {
        self.kind = kind
        self.store = store
        self.key = key
        self.message = message
    }

    /// Whether the same call may succeed later without anybody changing anything; a full disk counts, it is emptied by others.
    public var isRetriable: Bool {
        switch kind {
        case .throttled, .unavailable, .noSpace: true
        default: false
        }
    }

    /// One line: store, key and message.
    public var description: String { "\(store)\(key.map { " \($0)" } ?? ""): \(message)" }
}
