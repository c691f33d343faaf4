import Crypto

/// AWS Signature Version 4 for S3: what is signed, and the signature.
///
/// A pure function of its inputs; the tests compare it with botocore's.
struct SignatureV4 {
    /// A request as it is signed. `path` and `query` are not encoded yet.
    struct Request {
        var method: String
        /// Begins with `/`; for S3 it is encoded once and nothing in it is normalised.
        var path: String
        /// Pairs in any order; names may repeat and values may be empty.
        var query: [(name: String, value: String)] = []
        /// `Host` must be among them.
        var headers: [(name: String, value: String)]
    }

    static let unsignedPayload = "UNSIGNED-PAYLOAD"

    let credentials: S3Credentials
    let region: String
    /// Seconds since 1970 UTC.
    let time: Int

    /// `yyyyMMddTHHmmssZ`
    var timestamp: String { AmazonDate.timestamp(time) }

    private var day: Substring { timestamp.prefix(8) }
    private var scope: String { "\(day)/\(region)/s3/aws4_request" }

    /// Adds date, payload hash, session token and `Authorization` to a request.
    ///
    /// - Parameter payloadHash: SHA-256 of the body in hexadecimal, or `unsignedPayload`.
    func signed(_ request: Request, payloadHash: String) -> Request {
        var request = request
        request.headers.append(("X-Amz-Date", timestamp))
        request.headers.append(("X-Amz-Content-SHA256", payloadHash))
        if let token = credentials.sessionToken { request.headers.append(("X-Amz-Security-Token", token)) }
        let signature = signature(of: canonicalRequest(request, payloadHash: payloadHash))
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), SignedHeaders=\(signedHeaders(request)), "
            + "Signature=\(signature)"
        request.headers.append(("Authorization", authorization))
        return request
    }

    /// Adds to the query what makes its URL usable without credentials for some seconds.
    func presigned(_ request: Request, expiresSeconds: Int) -> Request {
        var request = request
        request.query += [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", "\(credentials.accessKey)/\(scope)"),
            ("X-Amz-Date", timestamp), ("X-Amz-Expires", String(expiresSeconds)), ("X-Amz-SignedHeaders", signedHeaders(request)),
        ]
        if let token = credentials.sessionToken { request.query.append(("X-Amz-Security-Token", token)) }
        let signature = signature(of: canonicalRequest(request, payloadHash: Self.unsignedPayload))
        request.query.append(("X-Amz-Signature", signature))
        return request
    }

    /// The text whose hash is signed.
    func canonicalRequest(_ request: Request, payloadHash: String) -> String {
        let headers = canonicalHeaders(request).map { "\($0.name):\($0.value)\n" }.joined()
        return [
            request.method, Self.encodedPath(request), Self.encodedQuery(request, isCanonical: true), headers,
            signedHeaders(request), payloadHash,
        ].joined(separator: "\n")
    }

    /// The path as it is sent and signed.
    static func encodedPath(_ request: Request) -> String { PercentEncoding.encode(request.path, keepsSlash: true) }

    /// The query as it is sent, or in the order in which it is signed.
    static func encodedQuery(_ request: Request, isCanonical: Bool = false) -> String {
        var pairs = request.query.map { (PercentEncoding.encode($0.name), PercentEncoding.encode($0.value)) }
        if isCanonical { pairs.sort { $0 < $1 } }
        return pairs.map { "\($0)=\($1)" }.joined(separator: "&")
    }

    private func canonicalHeaders(_ request: Request) -> [(name: String, value: String)] {
        var values: [String: [String]] = [:]
        for header in request.headers { values[header.name.lowercased(), default: []].append(Self.collapsed(header.value)) }
        return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.joined(separator: ",")) }
    }

    private func signedHeaders(_ request: Request) -> String {
        canonicalHeaders(request).map(\.name).joined(separator: ";")
    }

    /// Trimmed, with one space for each run of white space.
    private static func collapsed(_ value: String) -> String {
        value.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
    }

    private func signature(of canonicalRequest: String) -> String {
        let hash = ContentHash.of(Array(canonicalRequest.utf8))
        let text = "AWS4-HMAC-SHA256\n\(timestamp)\n\(scope)\n\(hash)"
        let key = ["\(day)", region, "s3", "aws4_request"].reduce(SymmetricKey(data: Array("AWS4\(credentials.secretKey)".utf8)))
        {
            SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array($1.utf8), using: $0))
        }
        return Hexadecimal.text(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
    }
}

/// Dates as S3 writes them.
enum AmazonDate {
    /// `yyyyMMddTHHmmssZ` of seconds since 1970 UTC.
    static func timestamp(_ seconds: Int) -> String {
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = civil(days)
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(year)\(two(month))\(two(day))T\(two(second / 3600))\(two(second / 60 % 60))\(two(second % 60))Z"
    }

    /// Year, month and day from days since 1970, in years that begin in March so that leap days come last.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }
}
