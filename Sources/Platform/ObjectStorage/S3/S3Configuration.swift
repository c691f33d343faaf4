public import Transfer

/// Where a bucket is and how it is spoken to.
public struct S3Configuration: Sendable {
    /// How the bucket is named in URLs.
    public enum Addressing: Sendable, Equatable {
        /// `https://endpoint/bucket/key`: every server understands it.
        case path
        /// `https://bucket.endpoint/key`: what Amazon asks for.
        case virtualHost
    }

    /// The bucket.
    public var bucket: String
    /// What all keys of the store begin with, without a `/` at either end; empty: nothing.
    public var prefix: String
    /// Scheme, host and port of the service, such as `http://127.0.0.1:8333`; nil: Amazon's of the region.
    public var endpoint: String?
    /// The region that requests are signed for.
    public var region: String
    /// How the bucket is named in URLs.
    public var addressing: Addressing
    /// The size of an uploaded part in bytes, at least 5 MiB; S3 allows 10,000 parts, so it also bounds objects of unknown length.
    public var partBytes: Int
    /// Whether requests carry the hash of their body even over TLS; over plain HTTP they always do.
    public var signsPayloadOverTLS: Bool
    /// What is repeated, and when.
    public var retry: RetryPolicy
    /// Limits of time for each request.
    public var limits: TransferLimits

    /// Makes a configuration.
    ///
    /// - Parameter addressing: nil: `.path` where an endpoint is given, else `.virtualHost`.
    public init(
        bucket: String, prefix: String = "", endpoint: String? = nil, region: String = "us-east-1", addressing: Addressing? = nil,
        partBytes: Int = 8 * 1024 * 1024, signsPayloadOverTLS: Bool = false, retry: RetryPolicy = RetryPolicy(),
        limits: TransferLimits = .standard
    ) {
        self.bucket = bucket
        self.prefix = prefix
        self.endpoint = endpoint
        self.region = region
        self.addressing = addressing ?? (endpoint == nil ? .virtualHost : .path)
        self.partBytes = partBytes
        self.signsPayloadOverTLS = signsPayloadOverTLS
        self.retry = retry
        self.limits = limits
    }
}
