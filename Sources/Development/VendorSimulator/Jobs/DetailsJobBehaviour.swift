/// How details jobs go: how long they take, how they end, and what their results leave out.
public struct DetailsJobBehaviour: Sendable, Codable, Equatable {
    /// A job is QUEUED when it is looked at so often for the first times,
    public var queuedLooks = 1
    /// then PENDING so often,
    public var pendingLooks = 1
    /// and not done before so many seconds of simulated time.
    public var seconds = 0
    /// Every so many jobs ends FAILED; 0 for none.
    public var failEvery = 0
    /// Every so many jobs ends CANCELLED; 0 for none.
    public var cancelEvery = 0
    /// Every so many jobs is EXPIRED as soon as its first page of results was read; 0 for none.
    public var expireEvery = 0
    /// Every so many jobs is unknown (404) when it is looked at for the second time; 0 for none.
    public var forgetEvery = 0
    /// Results answer 404 so often after FULFILLED.
    public var lateResults = 0
    /// Every so many pages of results is empty but has a cursor; 0 for none.
    public var emptyEvery = 0
    /// Every so many conversations is missing from a job's results, without a word; 0 for none.
    public var omitEvery = 0
    /// Whether the last page repeats its cursor instead of having none.
    public var repeatsCursor = false
    /// Whether a running job is answered with 202.
    public var answersAccepted = true
    /// How far the availability date is behind the clock, in seconds.
    public var availabilityLag = 6 * 3600
    /// How long results live, in seconds of simulated time.
    public var lifetime = 86_400
    /// The largest page of results.
    public var pageLimit = 1_000

    /// Makes jobs that go well.
    public init() {}

    /// Reads a behaviour; fields that are left out have their defaults.
    public init(from decoder: any Decoder) throws {
        let names = [
            "queuedLooks", "pendingLooks", "seconds", "failEvery", "cancelEvery", "expireEvery", "forgetEvery", "lateResults",
            "emptyEvery", "omitEvery", "repeatsCursor", "answersAccepted", "availabilityLag", "lifetime", "pageLimit",
        ]
        try KnownKeys.check(decoder, Set(names), in: "the behaviour of jobs")
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        queuedLooks = try values.decodeIfPresent(Int.self, forKey: .queuedLooks) ?? queuedLooks
        pendingLooks = try values.decodeIfPresent(Int.self, forKey: .pendingLooks) ?? pendingLooks
        seconds = try values.decodeIfPresent(Int.self, forKey: .seconds) ?? seconds
        failEvery = try values.decodeIfPresent(Int.self, forKey: .failEvery) ?? failEvery
        cancelEvery = try values.decodeIfPresent(Int.self, forKey: .cancelEvery) ?? cancelEvery
        expireEvery = try values.decodeIfPresent(Int.self, forKey: .expireEvery) ?? expireEvery
        forgetEvery = try values.decodeIfPresent(Int.self, forKey: .forgetEvery) ?? forgetEvery
        lateResults = try values.decodeIfPresent(Int.self, forKey: .lateResults) ?? lateResults
        emptyEvery = try values.decodeIfPresent(Int.self, forKey: .emptyEvery) ?? emptyEvery
        omitEvery = try values.decodeIfPresent(Int.self, forKey: .omitEvery) ?? omitEvery
        repeatsCursor = try values.decodeIfPresent(Bool.self, forKey: .repeatsCursor) ?? repeatsCursor
        answersAccepted = try values.decodeIfPresent(Bool.self, forKey: .answersAccepted) ?? answersAccepted
        availabilityLag = try values.decodeIfPresent(Int.self, forKey: .availabilityLag) ?? availabilityLag
        lifetime = try values.decodeIfPresent(Int.self, forKey: .lifetime) ?? lifetime
        pageLimit = try values.decodeIfPresent(Int.self, forKey: .pageLimit) ?? pageLimit
        guard pageLimit > 0 else { throw FaultPlanError(reason: "pageLimit must be at least 1, not \(pageLimit)") }
    }

    /// Everything at once.
    public static let hostile: DetailsJobBehaviour = {
        var behaviour = DetailsJobBehaviour()
        behaviour.pendingLooks = 2
        behaviour.failEvery = 5
        behaviour.cancelEvery = 7
        behaviour.expireEvery = 4
        behaviour.forgetEvery = 9
        behaviour.lateResults = 2
        behaviour.emptyEvery = 3
        behaviour.repeatsCursor = true
        return behaviour
    }()
}
