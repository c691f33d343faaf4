public import GenesysCloud
internal import Logging
public import Service
public import Transfer

/// What a program needs to call Genesys Cloud, as its configuration says.
public struct GenesysCloudSettings: Sendable {
    private let configuration: GenesysCloudConfiguration
    private let allowance: Int

    /// Reads the section `genesys`:
    ///
    /// - `genesys.domain` (required unless both addresses are given): the region's domain, such as `mypurecloud.ie`.
    /// - `genesys.login-url`, `genesys.api-url`: replace `https://login.<domain>` and `https://api.<domain>`.
    /// - `genesys.client-id` (required): the OAuth client's id.
    /// - `genesys.client-secret` (required, secret reference): the OAuth client's secret.
    /// - `genesys.requests-per-minute` (300): what the account is allowed, all workers together, before the vendor's headers say
    ///   otherwise; 0 for no limit.
    public init(_ settings: Settings) {
        let genesys = settings.scoped("genesys")
        let login = genesys.optionalURL("login-url")
        let api = genesys.optionalURL("api-url")
        let domain: String
        if login != nil, api != nil {
            domain = genesys.string("domain", default: "mypurecloud.com")
        } else {
            domain = genesys.string("domain")
        }
        if !domain.isEmpty, let allowed = GenesysCloudConfiguration.problem(withDomain: domain) {
            genesys.reject("domain", given: domain, allowed: allowed)
        }
        let secret = genesys.secret("client-secret")
        configuration = GenesysCloudConfiguration(
            domain: domain, loginURL: login, apiURL: api, clientID: genesys.string("client-id"), clientSecret: { secret.reveal() }
        )
        allowance = genesys.int("requests-per-minute", default: 300, in: 0...1_000_000)
    }

    /// A client that shares one allowance among everything in this process.
    ///
    /// - Parameter budget: what of the allowance is for this process, where others call on behalf of the same OAuth client.
    public func makeClient(transport: any HTTPTransport, budget: (any RequestBudget)? = nil) -> GenesysCloudClient {
        // Without a limit the limiter still pauses everybody on 429 and follows the vendor's headers.
        let limiter = RateLimiter(
            RateLimiter.Allowance(requests: allowance == 0 ? 1_000_000_000 : allowance, per: .seconds(60)), budget: budget)
        return GenesysCloudClient(configuration, transport: transport, limiter: limiter)
    }
}
