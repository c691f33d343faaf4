/// The URLs of a bucket.
struct S3Endpoint: Sendable {
    let isTLS: Bool
    /// The host that is spoken to, with its port unless it is the scheme's own.
    let host: String
    private let bucketInPath: String?

    init(_ configuration: S3Configuration, location: String) throws(ObjectStorageError) {
        func wrong(_ message: String) -> ObjectStorageError {
            ObjectStorageError(.misconfigured, store: location, message: message)
        }
        let bucket = configuration.bucket
        guard (3...63).contains(bucket.utf8.count), bucket.utf8.allSatisfy(Self.isBucketByte) else {
            throw wrong("the bucket's name must have 3 to 63 lower-case letters, digits, dots and hyphens")
        }
        var endpoint = configuration.endpoint ?? "https://s3.\(configuration.region).amazonaws.com"
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        let scheme: String
        if endpoint.lowercased().hasPrefix("https://") {
            scheme = "https"
        } else if endpoint.lowercased().hasPrefix("http://") {
            scheme = "http"
        } else {
            throw wrong("the endpoint must begin with http:// or https://")
        }
        isTLS = scheme == "https"
        var authority = String(endpoint.dropFirst(scheme.count + 3))
        guard !authority.isEmpty, !authority.contains(where: { "/?#@ ".contains($0) }) else {
            throw wrong("the endpoint must be a scheme, a host and a port alone, such as http://127.0.0.1:8333")
        }
        // libcurl doesn't send the scheme's own port, so it must not be signed.
        let ownPort = isTLS ? ":443" : ":80"
        if authority.hasSuffix(ownPort) { authority.removeLast(ownPort.count) }
        switch configuration.addressing {
        case .path:
            host = authority
            bucketInPath = bucket
        case .virtualHost:
            host = bucket + "." + authority
            bucketInPath = nil
        }
    }

    /// The path of an object, or of the bucket, before encoding.
    func path(of key: String?) -> String {
        let parts = [bucketInPath, key].compactMap { $0 }
        return "/" + parts.joined(separator: "/")
    }

    /// The URL of a request.
    func url(_ request: SignatureV4.Request) -> String {
        let query = SignatureV4.encodedQuery(request)
        return (isTLS ? "https://" : "http://") + host + SignatureV4.encodedPath(request) + (query.isEmpty ? "" : "?" + query)
    }

    private static func isBucketByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
