public import ObjectStorage
public import Transfer

/// Where the lake is, as a program's configuration says.
public struct LakeSettings: Sendable {
    private enum Addressing: String, CaseIterable, Sendable {
        case automatic
        case path
        case host
    }

    private let url: String
    private var storage: ObjectStorageSettings

    /// Reads the section `lake`:
    ///
    /// - `lake.url` (required): `file:///directory` or `s3://bucket/prefix`.
    /// - `lake.endpoint`: scheme, host and port of an S3 service that isn't Amazon's.
    /// - `lake.region` (`us-east-1`): the region that requests are signed for.
    /// - `lake.addressing` (`automatic`): how the bucket is named in URLs, `path` or `host`.
    /// - `lake.access-key`, `lake.secret-key`, `lake.session-token` (secret references): the credentials for S3.
    /// - `lake.part-size` (8MiB): the size of an uploaded part.
    public init(_ settings: Settings) {
        let lake = settings.scoped("lake")
        url = lake.url("url", schemes: ["file", "s3"])
        storage = ObjectStorageSettings(
            endpoint: lake.optionalURL("endpoint"), region: lake.string("region", default: "us-east-1"),
            partBytes: lake.byteCount("part-size", default: 8 << 20, in: (5 << 20)...(512 << 20)))
        switch lake.choice("addressing", default: Addressing.automatic) {
        case .automatic: storage.addressing = nil
        case .path: storage.addressing = .path
        case .host: storage.addressing = .virtualHost
        }
        let access = lake.optionalSecret("access-key")
        let secret = lake.optionalSecret("secret-key")
        let token = lake.optionalSecret("session-token")
        if let access, let secret {
            storage.credentials = S3Credentials(
                accessKey: access.reveal(), secretKey: secret.reveal(), sessionToken: token?.reveal())
        } else if url.hasPrefix("s3:") {
            lake.reject(
                "access-key", given: nil, allowed: "secret references for lake.access-key and lake.secret-key, needed for s3://")
        }
    }

    /// Opens the store and checks once that it can be written, for a command that somebody waits for.
    ///
    /// - Throws: a `ProgramFailure`.
    public func openAtOnce(http: HTTPClient) async throws -> any ObjectStore {
        var storage = storage
        storage.transport = http
        do throws(ObjectStorageError) {
            let store = try ObjectStorageLocation.open(url, settings: storage)
            try await store.check()
            return store
        } catch {
            throw ProgramFailure(error.isRetriable ? .temporary : .configuration, "lake.url \(url): \(error)")
        }
    }

    /// Opens the store and waits until it can be written.
    ///
    /// - Parameters:
    ///   - http: Sends the requests.
    ///   - context: Says meanwhile, in its health and log, that the lake is awaited.
    /// - Throws: A `ProgramFailure` for what waiting doesn't mend, such as refused credentials; `CancellationError`.
    public func open(http: HTTPClient, context: ProgramContext) async throws -> any ObjectStore {
        var storage = storage
        storage.transport = http
        let readiness = context.health.indicator("lake", initially: .failing("is being opened"))
        do {
            let store = try ObjectStorageLocation.open(url, settings: storage)
            try await StartWait(for: "the lake", readiness: readiness, logger: context.logger).until { error in
                guard let error = error as? ObjectStorageError, error.isRetriable else { return nil }
                return error.description
            } _: {
                try await store.check()
            }
            readiness.set(.passing)
            return store
        } catch let error as ObjectStorageError {
            throw ProgramFailure(.configuration, "lake.url \(url): \(error)")
        }
    }
}
