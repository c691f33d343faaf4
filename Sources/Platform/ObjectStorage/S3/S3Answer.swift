import Transfer

/// What the service's error answers mean.
enum S3Answer {
    /// The largest error document in bytes that is read.
    static let maximumErrorBytes = 64 * 1024

    /// Makes a failure of an answer whose status isn't 2xx, or of an error document that came with 200.
    static func failure(
        status: Int, headers: HTTPHeaders, document: [UInt8], client: S3Client, call: S3Client.Call
    ) -> S3Client.Failure {
        let (code, message) = read(document)
        let kind = kind(status: status, code: code, hasKey: call.key != nil)
        var text = "the service answered \(status)"
        if !code.isEmpty { text += " \(code)" }
        if !message.isEmpty { text += ": \(message)" }
        if let advice = advice(kind, code: code, client: client) { text += "; \(advice)" }
        let isTransient: Bool =
            switch kind {
            case .throttled, .unavailable: true
            default: false
            }
        let wait = headers["Retry-After"].flatMap { RetryAfter.parse($0, now: client.now()) }
        return S3Client.Failure(
            error: ObjectStorageError(kind, store: client.location, key: call.key, message: text),
            verdict: isTransient ? .transient(after: wait) : .permanent, code: code, status: status)
    }

    private static func kind(status: Int, code: String, hasKey: Bool) -> ObjectStorageError.Kind {
        switch code {
        case "NoSuchKey": return .notFound
        case "NoSuchBucket": return .noSuchRoot
        case "NoSuchUpload": return .corrupt
        case "AccessDenied", "AllAccessDisabled", "AccountProblem": return .accessDenied
        case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired",
            "RequestTimeTooSkewed", "AuthorizationHeaderMalformed", "NotSignedUp", "InvalidSecurity":
            return .wrongCredentials
        case "SlowDown", "TooManyRequests", "Throttling", "ThrottlingException", "RequestLimitExceeded": return .throttled
        case "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted", "ConditionalRequestConflict":
            return .unavailable
        case "QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage", "EntityTooLargeQuota":
            return .noSpace
        case "PreconditionFailed": return .alreadyExists
        case "PermanentRedirect", "TemporaryRedirect", "InvalidBucketName", "IllegalLocationConstraintException":
            return .misconfigured
        case "KeyTooLongError", "XMinioInvalidObjectName": return .invalidKey
        case "EntityTooLarge": return .tooLarge
        case "NotImplemented", "MethodNotAllowed": return .unsupported
        default: break
        }
        switch status {
        case 401: return .wrongCredentials
        case 403: return .accessDenied
        case 404: return hasKey ? .notFound : .noSuchRoot
        case 409, 412: return .alreadyExists
        case 429: return .throttled
        case 507: return .noSpace
        case 500...: return .unavailable
        case 300..<400: return .misconfigured
        default: return .corrupt
        }
    }

    private static func advice(_ kind: ObjectStorageError.Kind, code: String, client: S3Client) -> String? {
        switch kind {
        case .noSuchRoot: "create the bucket \(client.configuration.bucket) or correct its name and region"
        case .accessDenied: "give the access key the right to read, write, list and delete below this prefix"
        case .wrongCredentials where code == "RequestTimeTooSkewed": "set this machine's clock"
        case .wrongCredentials where code == "AuthorizationHeaderMalformed":
            "check the region, which is \(client.configuration.region)"
        case .wrongCredentials: "check access key, secret key and session token"
        case .misconfigured: "check endpoint, region and bucket"
        case .noSpace: "free some space, or raise the quota"
        default: nil
        }
    }

    /// Code and message of an error document; empty when it is none, such as a proxy's HTML.
    private static func read(_ document: [UInt8]) -> (code: String, message: String) {
        guard !document.isEmpty else { return ("", "") }
        do throws(XMLReader.Refusal) {
            let root = try XMLReader.read(document)
            guard root.name == "Error" else { return ("", "") }
            return (shown(root["Code"]), shown(root["Message"]))
        } catch {
            return ("", "")
        }
    }

    /// A text of the service, bounded and without control characters.
    private static func shown(_ text: String?) -> String {
        String(String.UnicodeScalarView((text ?? "").unicodeScalars.filter { $0.value >= 0x20 }.prefix(200)))
    }
}
