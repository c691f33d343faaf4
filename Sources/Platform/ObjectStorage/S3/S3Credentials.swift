/// Credentials of an S3 account.
public struct S3Credentials: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// The public half.
    public let accessKey: String
    /// The secret half.
    let secretKey: String
    /// The token of temporary credentials.
    let sessionToken: String?

    /// Makes credentials.
    public init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }

    /// The credentials in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; nil when the first two aren't set.
    public init?(environment: [String: String]) {
        guard let accessKey = environment["AWS_ACCESS_KEY_ID"], let secretKey = environment["AWS_SECRET_ACCESS_KEY"],
            !accessKey.isEmpty, !secretKey.isEmpty
        else { return nil }
        let token = environment["AWS_SESSION_TOKEN"]
        self.init(accessKey: accessKey, secretKey: secretKey, sessionToken: token?.isEmpty == true ? nil : token)
    }

    /// The public half alone.
    public var description: String { "access key \(accessKey)" }

    /// Hides the secrets from `dump` and interpolation.
    public var customMirror: Mirror { Mirror(self, children: ["accessKey": accessKey]) }
}
