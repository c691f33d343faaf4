public import Transfer

/// Where an organisation lives and who calls it.
public struct GenesysCloudConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
    /// Returns the secret of the OAuth client; asked anew for each token, so that a rotated secret is picked up.
    public typealias ClientSecret = @Sendable () async throws -> String

    /// The address of the login service, without a slash at its end.
    public var loginURL: String
    /// The address of the API, without a slash at its end.
    public var apiURL: String
    /// The id of the OAuth client (grant "client credentials").
    public var clientID: String
    /// The secret of the OAuth client.
    public var clientSecret: ClientSecret
    /// How failed attempts of one call are repeated.
    public var retry: RetryPolicy
    /// The longest time that one call waits because it is throttled; then it fails as throttled.
    public var maximumThrottleWait: Duration
    /// Limits of each request.
    public var limits: TransferLimits

    /// Creates a configuration.
    ///
    /// - Parameters:
    ///   - domain: The region's domain, such as `mypurecloud.ie`; see ``problem(withDomain:)``.
    ///   - loginURL: Replaces `https://login.<domain>`.
    ///   - apiURL: Replaces `https://api.<domain>`.
    ///   - clientID: The id of the OAuth client.
    ///   - clientSecret: The secret of the OAuth client.
    public init(
        domain: String, loginURL: String? = nil, apiURL: String? = nil, clientID: String, clientSecret: @escaping ClientSecret
    ) {
        self.loginURL = Self.withoutSlash(loginURL ?? "https://login.\(domain)")
        self.apiURL = Self.withoutSlash(apiURL ?? "https://api.\(domain)")
        self.clientID = clientID
        self.clientSecret = clientSecret
        retry = RetryPolicy(maximumAttempts: 6, firstDelay: .milliseconds(250), maximumDelay: .seconds(10))
        maximumThrottleWait = .seconds(180)
        limits = TransferLimits(maximumResponseBytes: 1 << 30)
    }

    /// Says what is wrong with a region's domain.
    ///
    /// The list of regions grows, so any host name is accepted.
    ///
    /// - Parameter domain: The domain from the configuration.
    /// - Returns: What is allowed; nil when nothing is wrong.
    public static func problem(withDomain domain: String) -> String? {
        let labels = domain.split(separator: ".", omittingEmptySubsequences: false)
        let isFine =
            labels.count >= 2 && domain.utf8.count <= 200
            && labels.allSatisfy { label in
                !label.isEmpty && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d }
            }
        let isHost = domain.hasPrefix("api.") || domain.hasPrefix("login.") || domain.hasPrefix("apps.")
        return isFine && !isHost ? nil : "the region's domain alone, in lower case, such as mypurecloud.com or euw2.pure.cloud"
    }

    /// The API's address and the client's id.
    public var description: String { "\(apiURL) as \(clientID)" }
    /// A mirror without the secret.
    public var customMirror: Mirror { Mirror(self, children: ["apiURL": apiURL, "loginURL": loginURL, "clientID": clientID]) }

    private static func withoutSlash(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }
}

extension RateLimiter.Allowance {
    /// What Genesys Cloud allows a client-credentials token by default: 300 requests a minute.
    ///
    /// Organisations can have more; the client learns it from the answers' headers.
    public static var genesysCloud: RateLimiter.Allowance { RateLimiter.Allowance(requests: 300, per: .seconds(60)) }
}
