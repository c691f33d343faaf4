import Foundation
import Glibc
public import Logging
import Synchronization
public import Transfer

/// A store in a bucket of Amazon S3 or of a service that speaks its protocol.
///
/// Objects of up to one part are put in one request, larger ones as a multipart upload that is completed by `finish()`. Requests
/// that may be repeated are, by the configuration's policy. An object that was put in one request carries its SHA-256 as
/// `x-amz-meta-sha256`.
public final class S3ObjectStore: ObjectStore {
    /// `s3://bucket/prefix`
    public let location: String
    let client: S3Client

    /// Opens a store in a bucket, which must exist; `check` looks.
    ///
    /// - Parameters:
    ///   - credentials: asked before each request, so that temporary credentials can be renewed.
    ///   - transport: sends the requests.
    ///   - clock: waits between attempts.
    ///   - now: seconds since 1970 UTC, for signatures; nil: the system's time.
    /// - Throws: `ObjectStorageError` of kind `.misconfigured`.
    public init(
        _ configuration: S3Configuration, credentials: @escaping @Sendable () async throws -> S3Credentials,
        transport: any HTTPTransport, clock: any Clock<Duration> = ContinuousClock(), now: (@Sendable () -> Int)? = nil,
        logger: Logger = Logger(label: "object-storage")
    ) throws(ObjectStorageError) {
        let location = "s3://" + configuration.bucket + (configuration.prefix.isEmpty ? "" : "/" + configuration.prefix)
        if !configuration.prefix.isEmpty {
            do throws(ObjectStorageError) {
                _ = try ObjectKey(configuration.prefix)
            } catch {
                throw ObjectStorageError(.misconfigured, store: location, message: "the prefix is wrong: \(error.message)")
            }
        }
        guard (5 * 1024 * 1024...5 * 1024 * 1024 * 1024).contains(configuration.partBytes) else {
            throw ObjectStorageError(.misconfigured, store: location, message: "a part must have 5 MiB to 5 GiB")
        }
        self.location = location
        client = S3Client(
            configuration: configuration, endpoint: try S3Endpoint(configuration, location: location), location: location,
            credentials: credentials, transport: transport, clock: clock, now: now ?? { time(nil) }, logger: logger)
    }

    /// Starts a new object.
    public func put(_ key: ObjectKey, options: PutOptions) async throws(ObjectStorageError) -> any ObjectWriter {
        try checkCancellation()
        return S3Writer(client: client, key: client.name(of: key), options: options)
    }

    /// Reads an object; a reading that breaks off goes on where it stopped, as long as the object is the same.
    public func get(_ key: ObjectKey, range: Range<Int>?) async throws(ObjectStorageError) -> ObjectBody {
        try checkCancellation()
        let name = client.name(of: key)
        if let range, range.isEmpty {
            guard try await head(key) != nil else {
                throw ObjectStorageError(.notFound, store: location, key: key.text, message: "there is no such object")
            }
            return ObjectBody(size: 0, store: location, key: name) { () throws(ObjectStorageError) in nil }
        }
        guard let reader = try await S3Reader.open(client, key: name, range: range) else {
            return ObjectBody(size: 0, store: location, key: name) { () throws(ObjectStorageError) in nil }
        }
        return ObjectBody(size: reader.size, store: location, key: name) { () throws(ObjectStorageError) in
            try await reader.next()
        }
    }

    /// Returns facts about an object.
    public func head(_ key: ObjectKey) async throws(ObjectStorageError) -> ObjectInfo? {
        try checkCancellation()
        let headers: HTTPHeaders
        do throws(ObjectStorageError) {
            guard let response = try await client.send(S3Client.Call(method: .head, key: client.name(of: key))) else {
                return nil
            }
            headers = response.headers
        } catch  where error.kind == .notFound {
            return nil
        }
        guard let size = headers["Content-Length"].flatMap({ Int($0) }) else {
            throw ObjectStorageError(
                .corrupt, store: location, key: key.text, message: "the service didn't say the object's size")
        }
        let modified = headers["Last-Modified"].flatMap { HTTPDate.parse($0[...]) }
        return ObjectInfo(
            key: key, size: size, etag: headers["ETag"].map(S3Listing.unquoted),
            modified: modified.map { Date(timeIntervalSince1970: Double($0)) }, sha256: headers["x-amz-meta-sha256"])
    }

    /// Lists objects; what is put or deleted meanwhile may or may not show.
    public func list(prefix: String) -> ObjectListing {
        ObjectListing { [client] in
            let listing = S3Listing(client: client, prefix: prefix)
            return { () throws(ObjectStorageError) in try await listing.nextPage() }
        }
    }

    /// Deletes an object.
    public func delete(_ key: ObjectKey) async throws(ObjectStorageError) {
        try checkCancellation()
        do throws(ObjectStorageError) {
            _ = try await client.send(S3Client.Call(method: .delete, key: client.name(of: key)))
        } catch  where error.kind == .notFound {
            // Amazon answers 204 here; others don't all.
        }
    }

    /// Makes a presigned URL for up to seven days.
    public func signedURL(
        _ key: ObjectKey, method: SignedURLMethod, expires: Duration
    ) async throws(ObjectStorageError) -> String {
        let seconds = Int(expires.components.seconds)
        guard (1...604_800).contains(seconds) else {
            throw ObjectStorageError(
                .unsupported, store: location, key: key.text, message: "a signed URL is valid for 1 second to 7 days")
        }
        let call = S3Client.Call(method: HTTPMethod(rawValue: method.rawValue), key: client.name(of: key))
        return try await client.presigned(call, expiresSeconds: seconds)
    }

    /// Aborts multipart uploads below the prefix that were started before `age`.
    public func removeAbandoned(olderThan age: Duration) async throws(ObjectStorageError) -> Int {
        try await S3Uploads(client: client).abort(startedBefore: client.now() - Int(age.components.seconds))
    }

    /// Checks that an object can be put into the bucket and deleted.
    public func check() async throws(ObjectStorageError) {
        let probe = ObjectKey.reservedPrefix + "check-" + String(UInt64.random(in: .min ... .max), radix: 36)
        let name = client.configuration.prefix.isEmpty ? probe : client.configuration.prefix + "/" + probe
        _ = try await client.send(S3Client.Call(method: .put, key: name, body: [0x0a]))
        _ = try await client.send(S3Client.Call(method: .delete, key: name))
    }

    /// Creates the bucket, for development servers and tests; it is no error when the account owns it already.
    public func createBucket() async throws(ObjectStorageError) {
        do throws(ObjectStorageError) {
            _ = try await client.send(S3Client.Call(method: .put, key: nil, body: []))
        } catch  where error.kind == .alreadyExists && error.message.contains("BucketAlreadyOwnedByYou") {
            // As wanted.
        }
    }

    private func checkCancellation() throws(ObjectStorageError) {
        if Task.isCancelled { throw ObjectStorageError(.cancelled, store: location, message: "the task was cancelled") }
    }
}
