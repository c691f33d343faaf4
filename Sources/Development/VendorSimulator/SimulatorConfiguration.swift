/// Says how the simulated vendor behaves.
public struct SimulatorConfiguration: Sendable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port of the login address; 0 for a free one.
    public var loginPort = 0
    /// The port of the API address; 0 for a free one.
    public var apiPort = 0
    /// The port of the control address; 0 for a free one.
    public var controlPort = 0
    /// The secrets of the OAuth clients by their ids.
    public var clients = ["simulator": "simulator-secret"]
    /// Seconds that a token is valid.
    public var tokenLifetime = 86_400
    /// Requests that a token may make in a window; nil for no limit and no rate limit headers.
    public var rateLimit: Int? = 300
    /// Seconds that a rate limit window lasts.
    public var rateWindow = 60
    /// Whether the tokens of an OAuth client share one allowance; practitioners disagree on what the vendor does.
    public var countsClients = false
    /// When simulated time begins; nil for the real time.
    public var now: SimulatorInstant?
    /// Whether simulated time stands still unless it is moved. Only then does the data not change by itself between two looks.
    public var isClockFrozen = false
    /// What conversations there are.
    public var data = ConversationData()
    /// Whether a query returns all conversations that started on a UTC day touched by its interval and were active in it, as
    /// the vendor's definition says, instead of those that started in it.
    public var startDayRule = false
    /// Records that paging of one query reaches; nil for any number.
    public var depthLimit: Int? = 100_000
    /// What is too wide for the vendor's backend and answered with 504.
    public var width = QueryWidth()
    /// `totalHits` is wrong by up to so many records, differently on each page.
    public var hitsJitter = 0
    /// How records move while they are paged through.
    public var pageShift = PageShift()
    /// The largest page of plain listings, below the endpoints' own limits.
    public var listingPageLimit = 500
    /// Whether plain listings state a wrong total and page count.
    public var wrongTotals = false
    /// What users there are.
    public var users = UserData()
    /// How details jobs go.
    public var jobs = DetailsJobBehaviour()
    /// The evaluations query answers 504 to longer windows; nil for any.
    public var longestEvaluationWindow: Duration?
    /// What goes wrong.
    public var faults = FaultPlan()

    /// Makes the default vendor: well-behaved, 300 requests a minute, 2,000 conversations a day.
    public init() {}

    /// Names what is out of range, one sentence each; empty when all is well.
    public var problems: [String] {
        var problems = data.problems + pageShift.problems + width.problems + users.problems
        for (name, port) in [("login", loginPort), ("api", apiPort), ("control", controlPort)] where !(0...65_535).contains(port)
        {
            problems.append("the \(name) port must be 0 to 65535, not \(port)")
        }
        if clients.isEmpty { problems.append("at least one client is needed") }
        if tokenLifetime < 1 { problems.append("the token lifetime must be at least 1 second, not \(tokenLifetime)") }
        if let rateLimit, rateLimit < 1 { problems.append("the rate limit must be at least 1 request, not \(rateLimit)") }
        if rateWindow < 1 { problems.append("the rate window must be at least 1 second, not \(rateWindow)") }
        if let depthLimit, depthLimit < 1 { problems.append("the depth limit must be at least 1 record, not \(depthLimit)") }
        if !(0...1_000_000).contains(hitsJitter) { problems.append("the hits jitter must be 0 to 1000000, not \(hitsJitter)") }
        if listingPageLimit < 1 { problems.append("the listing page limit must be at least 1, not \(listingPageLimit)") }
        return problems
    }
}

/// Says why a simulator cannot be started.
public struct SimulatorConfigurationError: Error, CustomStringConvertible {
    /// What is out of range, one sentence each.
    public let problems: [String]

    /// All problems, one a line.
    public var description: String { problems.joined(separator: "\n") }
}
