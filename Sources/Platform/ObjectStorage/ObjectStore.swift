/// A place that keeps objects under keys.
///
/// All methods may be called by many tasks at once. They throw `ObjectStorageError`, of kind `.cancelled` when the task is
/// cancelled.
public protocol ObjectStore: Sendable {
    /// Where the store is, for messages: its URL without credentials.
    var location: String { get }

    /// Starts a new object as a stream.
    ///
    /// Nothing is visible under `key` until `finish()` returns; abandoning or dropping the writer, or cancelling the task while it
    /// writes, leaves nothing behind.
    func put(_ key: ObjectKey, options: PutOptions) async throws(ObjectStorageError) -> any ObjectWriter

    /// Reads an object, or the part of it within `range`, in bytes.
    ///
    /// A range that reaches past the end is cut to the object; what is left may be empty.
    /// - Throws: `ObjectStorageError`, of kind `.notFound` when there is no such object.
    func get(_ key: ObjectKey, range: Range<Int>?) async throws(ObjectStorageError) -> ObjectBody

    /// Returns facts about an object, or nil when there is none.
    func head(_ key: ObjectKey) async throws(ObjectStorageError) -> ObjectInfo?

    /// Lists the objects whose keys begin with `prefix`, in the order of their keys' bytes where the service sorts so.
    func list(prefix: String) -> ObjectListing

    /// Deletes an object; it is no error when there is none.
    func delete(_ key: ObjectKey) async throws(ObjectStorageError)

    /// Makes a URL with which its holder can use one object for some time, without credentials.
    ///
    /// - Throws: `ObjectStorageError`, of kind `.unsupported` when the store has no such URLs.
    func signedURL(
        _ key: ObjectKey, method: SignedURLMethod, expires: Duration
    ) async throws(ObjectStorageError) -> String

    /// Removes what puts have left that were killed, if it is older than `age`; returns how much there was.
    ///
    /// Choose an age that no put takes, such as a day: a put that is still running would fail.
    @discardableResult
    func removeAbandoned(olderThan age: Duration) async throws(ObjectStorageError) -> Int

    /// Checks that the root is there and writable, for the start of a program.
    ///
    /// - Throws: `ObjectStorageError` with a message that says what to do.
    func check() async throws(ObjectStorageError)
}

/// A put that is under way.
///
/// One task at a time writes. After an error from `write` or `finish` the put is abandoned already.
public protocol ObjectWriter: Sendable {
    /// Appends bytes, and waits when the store is slower than the writer.
    func write(_ bytes: [UInt8]) async throws(ObjectStorageError)

    /// Makes the object visible, whole and durable.
    ///
    /// - Throws: `ObjectStorageError`, of kind `.alreadyExists` when the put was `ifAbsent` and there is an object.
    func finish() async throws(ObjectStorageError) -> PutResult

    /// Gives the put up; nothing is left of it. After `finish()` it does nothing.
    func abandon() async
}

/// What a signed URL lets its holder do.
public enum SignedURLMethod: String, Sendable {
    /// Read the object.
    case get = "GET"
    /// Put the object.
    case put = "PUT"
}

extension ObjectStore {
    /// Starts a new object that overwrites an old one.
    public func put(_ key: ObjectKey) async throws(ObjectStorageError) -> any ObjectWriter {
        try await put(key, options: .standard)
    }

    /// Puts an object from memory.
    @discardableResult
    public func put(
        _ key: ObjectKey, bytes: [UInt8], options: PutOptions = .standard
    ) async throws(ObjectStorageError) -> PutResult {
        let writer = try await put(key, options: options)
        try await writer.write(bytes)
        return try await writer.finish()
    }

    /// Reads a whole object.
    public func get(_ key: ObjectKey) async throws(ObjectStorageError) -> ObjectBody {
        try await get(key, range: nil)
    }

    /// Reads a whole object into memory.
    ///
    /// - Throws: `ObjectStorageError`, of kind `.tooLarge` when it has more than `maximumBytes` bytes.
    public func read(_ key: ObjectKey, upTo maximumBytes: Int) async throws(ObjectStorageError) -> [UInt8] {
        try await get(key).collect(upTo: maximumBytes)
    }
}
