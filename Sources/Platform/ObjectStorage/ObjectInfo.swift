public import Foundation

/// Facts about a stored object.
public struct ObjectInfo: Sendable, Equatable {
    /// Its key.
    public let key: ObjectKey
    /// Its size in bytes.
    public let size: Int
    /// A tag that changes when the content does, where the store has one.
    public let etag: String?
    /// When it was last written.
    public let modified: Date?
    /// The SHA-256 of its content in lower-case hexadecimal, where the store keeps it; only `head` looks for it.
    public let sha256: String?

    /// Makes facts about an object.
    public init(key: ObjectKey, size: Int, etag: String? = nil, modified: Date? = nil, sha256: String? = nil) {
        self.key = key
        self.size = size
        self.etag = etag
        self.modified = modified
        self.sha256 = sha256
    }
}

/// How an object is put.
public struct PutOptions: Sendable, Equatable {
    /// The media type, kept by stores that keep one.
    public var contentType: String?
    /// Whether the put fails with `.alreadyExists` when there is an object under the key when it finishes.
    public var ifAbsent: Bool
    /// Whether the object outlives a crash of the machine once the put has finished. Without that promise a directory needs no
    /// disk to finish a put, and the object still outlives the process; services always keep it.
    public var outlivesMachine: Bool

    /// Makes options: no media type, overwriting, for good, unless said otherwise.
    public init(contentType: String? = nil, ifAbsent: Bool = false, outlivesMachine: Bool = true) {
        self.contentType = contentType
        self.ifAbsent = ifAbsent
        self.outlivesMachine = outlivesMachine
    }

    /// No media type, overwriting, for good.
    public static let standard = PutOptions()
}

/// What a finished put has stored.
public struct PutResult: Sendable, Equatable {
    /// The number of bytes.
    public let bytes: Int
    /// The SHA-256 of the bytes in lower-case hexadecimal.
    public let sha256: String

    /// Makes a result.
    public init(bytes: Int, sha256: String) {
        self.bytes = bytes
        self.sha256 = sha256
    }
}
