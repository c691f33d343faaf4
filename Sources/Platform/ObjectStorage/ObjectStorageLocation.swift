public import Transfer

/// From a URL in a configuration to a store.
public enum ObjectStorageLocation {
    /// Opens the store that a URL names: `file:///absolute/directory` or `s3://bucket/prefix`.
    ///
    /// The directory may be percent-encoded; a space may also stand as it is. Nothing is contacted; `check()` does that.
    ///
    /// - Throws: `ObjectStorageError` of kind `.misconfigured` with what is allowed.
    public static func open(
        _ url: String, settings: ObjectStorageSettings = ObjectStorageSettings()
    ) throws(ObjectStorageError) -> any ObjectStore {
        if url.hasPrefix("file://") { return try openDirectory(url) }
        if url.hasPrefix("s3://") { return try openBucket(url, settings) }
        throw ObjectStorageError(
            .misconfigured, store: scheme(of: url), message: "the location must be file:///directory or s3://bucket/prefix")
    }

    private static func openDirectory(_ url: String) throws(ObjectStorageError) -> any ObjectStore {
        guard let path = decoded(url.dropFirst("file://".count)) else {
            throw ObjectStorageError(
                .misconfigured, store: "file:",
                message: "in a file:// URL % begins an encoded byte such as %20: write %25 for a percent sign")
        }
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw ObjectStorageError(
                .misconfigured, store: "file:", message: "the directory must be absolute, with three slashes: file:///directory")
        }
        return try FileObjectStore(directory: path)
    }

    /// The text without percent-encoding; nil: some of it is wrong.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func openBucket(_ url: String, _ settings: ObjectStorageSettings) throws(ObjectStorageError) -> any ObjectStore
    {
        let parts = url.dropFirst("s3://".count).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let bucket = parts.first.map(String.init) ?? ""
        guard let credentials = settings.credentials else {
            throw ObjectStorageError(
                .misconfigured, store: "s3://\(bucket)",
                message: "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or configure them")
        }
        var prefix = parts.count > 1 ? String(parts[1]) : ""
        while prefix.hasSuffix("/") { prefix.removeLast() }
        let configuration = S3Configuration(
            bucket: bucket, prefix: prefix, endpoint: settings.endpoint, region: settings.region, addressing: settings.addressing,
            partBytes: settings.partBytes, retry: settings.retry)
        return try S3ObjectStore(
            configuration, credentials: { credentials }, transport: settings.transport ?? HTTPClient(HTTPClientConfiguration()))
    }

    private static func scheme(of url: String) -> String {
        let scheme = url.prefix { $0 != ":" }
        return scheme.count < url.count && scheme.count < 20 ? "\(scheme):" : "location"
    }
}

/// What a location's URL doesn't say.
public struct ObjectStorageSettings: Sendable {
    /// S3: scheme, host and port of the service; nil: Amazon's of the region.
    public var endpoint: String?
    /// S3: the region that requests are signed for.
    public var region: String
    /// S3: how the bucket is named in URLs; nil: in the path where an endpoint is given, else in the host.
    public var addressing: S3Configuration.Addressing?
    /// S3: the credentials.
    public var credentials: S3Credentials?
    /// S3: the size of an uploaded part in bytes.
    public var partBytes: Int
    /// S3: what is repeated, and when.
    public var retry: RetryPolicy
    /// S3: sends the requests; nil: a client of the store's own.
    public var transport: (any HTTPTransport)?

    /// Makes settings.
    public init(
        endpoint: String? = nil, region: String = "us-east-1", addressing: S3Configuration.Addressing? = nil,
        credentials: S3Credentials? = nil, partBytes: Int = 8 * 1024 * 1024, retry: RetryPolicy = RetryPolicy(),
        transport: (any HTTPTransport)? = nil
    ) {
        self.endpoint = endpoint
        self.region = region
        self.addressing = addressing
        self.credentials = credentials
        self.partBytes = partBytes
        self.retry = retry
        self.transport = transport
    }
}
