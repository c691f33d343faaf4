/// Plays the vendors that Switchboard talks to, over real HTTP on loopback, for development and tests.
///
/// The data are computed from a seed, never stored, so that a day of 200,000 conversations costs no memory and its exact
/// bytes can be asked for again (``Truth``). In reading order:
///
/// - ``SimulatorConfiguration``: everything that can be set; ``ConversationData``: what conversations there are.
/// - ``VendorSimulator/VendorSimulator``: the running servers; ``SimulatorAddresses``: where they listen.
/// - ``Truth``: what a perfect reader has at the end.
/// - ``FaultPlan``: what goes wrong; ``PageShift``: how records move while they are read; ``QueryWidth``: what times out;
///   ``SimulatorClock``: time.
/// - ``RequestLog``: what was asked.
///
/// Guarantees: the same configuration and the same clock give the same bytes; the same requests in the same order meet the
/// same faults; a record's bytes change only by the clock (it ends, gains an evaluation, is corrected), by the page shift or
/// by a control call.
///
/// What the vendor does is taken from its published SDK definitions and from clients that work in the field; where those are
/// silent the behaviour is an option.
public import Logging
public import ServiceLifecycle

/// Where a running simulator listens.
public struct SimulatorAddresses: Sendable, Equatable {
    /// The base URL for tokens.
    public var login: String
    /// The base URL of the API.
    public var api: String
    /// The base URL for steering; see the list of paths in the program's help.
    public var control: String
}

/// Says which address could not be opened, and why.
public struct SimulatorAddressError: Error, CustomStringConvertible {
    /// Host and port.
    public let address: String
    /// What the system says.
    public let reason: String

    /// The address and the reason.
    public var description: String { "cannot listen on \(address): \(reason)" }
}

/// A simulated vendor.
///
///     let simulator = try VendorSimulator(configuration)
///     try await simulator.whileRunning { addresses in … }
///
/// or as a service in a group, with ``addresses()`` to learn the ports.
public final class VendorSimulator: Service {
    /// The time of the simulated world.
    public let clock: SimulatorClock
    /// What was asked and answered.
    public let requests = RequestLog()

    private let configuration: SimulatorConfiguration
    private let genesys: GenesysServices
    private let injector: FaultInjector
    private let readiness = Readiness()
    private let logger: Logger

    /// Prepares a simulator; it listens when ``run()`` is called.
    ///
    /// - Throws: ``SimulatorConfigurationError`` naming everything that is out of range.
    public init(_ configuration: SimulatorConfiguration, logger: Logger = Logger(label: "vendor-simulator")) throws {
        let problems = configuration.problems
        guard problems.isEmpty else { throw SimulatorConfigurationError(problems: problems) }
        self.configuration = configuration
        self.logger = logger
        clock = SimulatorClock(start: configuration.now ?? .realTime, isFrozen: configuration.isClockFrozen)
        let organisation = Organisation(
            seed: configuration.data.seed, users: configuration.users.count, evaluators: configuration.data.evaluators)
        let store = try ConversationStore(
            data: configuration.data, organisation: organisation, clock: clock,
            settings: ConversationStore.Settings(
                startDayRule: configuration.startDayRule, hitsJitter: configuration.hitsJitter,
                pageShift: configuration.pageShift))
        let users = UserDetailsStore(
            timeline: UserTimeline(seed: configuration.data.seed, data: configuration.users, organisation: organisation),
            clock: clock, shift: configuration.pageShift, hitsJitter: configuration.hitsJitter)
        genesys = GenesysServices(
            store: store,
            tokens: TokenIssuer(
                clients: configuration.clients, lifetime: configuration.tokenLifetime, clock: clock, seed: configuration.data.seed
            ),
            limiter: RateLimiter(
                RateLimiter.Allowance(requests: configuration.rateLimit, window: configuration.rateWindow), clock: clock),
            listings: ListingTable(
                organisation: organisation, pageLimit: configuration.listingPageLimit, wrongTotals: configuration.wrongTotals),
            directory: DirectoryListings(organisation: organisation, pageLimit: configuration.listingPageLimit), users: users,
            jobs: DetailsJobStore(behaviour: configuration.jobs, clock: clock, seed: configuration.data.seed) { query, instant in
                switch query {
                case .conversations(let query, let startOfDay):
                    .conversations(store.jobRows(query, startOfDay: startOfDay, at: instant), now: instant)
                case .users(let query): .users(users.listed(query, now: instant), query, now: instant)
                }
            },
            quality: QualityService(
                book: EvaluationBook(store: store, renderer: store.world.evaluations), pageLimit: configuration.listingPageLimit,
                wrongTotals: configuration.wrongTotals, longestWindow: configuration.longestEvaluationWindow),
            privacy: PrivacyRequestBook(seed: configuration.data.seed), depthLimit: configuration.depthLimit,
            countsClients: configuration.countsClients, width: configuration.width)
        injector = FaultInjector(configuration.faults)
    }

    /// Serves until the task is cancelled or the service group shuts down; to be called once.
    ///
    /// - Throws: ``SimulatorAddressError`` when a port cannot be had; ``addresses()`` then throws the same error.
    public func run() async throws {
        // The servers call it an error when a connection ends without notice, which here is the fault plan's doing.
        var serverLogger = logger
        serverLogger.logLevel = .critical
        let correlation = CorrelationCounter(seed: configuration.data.seed)
        func vendor(_ service: String) -> FaultyHost {
            FaultyHost(service: service, genesys: genesys, faults: injector, log: requests, correlation: correlation)
        }
        let hosts: [(Readiness.Name, any SimulatedHost, Int)] = [
            (.login, vendor("login"), configuration.loginPort),
            (.api, vendor("api"), configuration.apiPort),
            (.control, ControlHost(genesys: genesys, faults: injector, log: requests), configuration.controlPort),
        ]
        let host = configuration.host
        do {
            let services = try hosts.map { name, responder, port in
                try responder.server(host, port: port, logger: serverLogger) { [readiness] port in
                    readiness.opened(name, "http://\(host):\(port)")
                }
            }
            try await ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: serverLogger)).run()
            readiness.end(CancellationError())
        } catch {
            readiness.end(error)
            throw error
        }
    }

    /// The addresses, as soon as all of them are open.
    ///
    /// - Throws: what kept ``run()`` from opening them; `CancellationError` when it ended before.
    public func addresses() async throws -> SimulatorAddresses {
        try await readiness.addresses()
    }

    /// Runs the simulator for as long as `body` does.
    public func whileRunning<Result: Sendable>(
        _ body: @escaping @Sendable (SimulatorAddresses) async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                do {
                    try await self.run()
                } catch is CancellationError {
                    // The body is done and has ended us.
                }
                return nil
            }
            group.addTask { try await body(try await self.addresses()) }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let result = finished { return result }
            }
            throw CancellationError()
        }
    }

    /// What a perfect reader has of the conversations that started in an interval.
    public func truth(_ interval: SimulatorInterval) -> Truth {
        Truth(store: genesys.store, query: ConversationQuery(interval: interval))
    }

    /// What a perfect reader has of a details query, given as the JSON that it sends; its paging is ignored.
    public func truth(query: [UInt8]) throws -> Truth {
        Truth(store: genesys.store, query: try ConversationQuery(body: query, depthLimit: nil))
    }

    /// Every record of presence and routing status that begins in an interval, one a line: `{"userId":…,"kind":…,"record":…}`.
    ///
    /// - Parameter reaching: also those that began before it and reach into it.
    public func userTruth(_ interval: SimulatorInterval, reaching: Bool = false) -> [[UInt8]] {
        genesys.users.truth(interval, reaching: reaching)
    }

    /// The ids of all users.
    public var userIdentifiers: [String] { genesys.users.timeline.users.map(\.id) }

    /// The details jobs submitted so far.
    public var submittedJobs: Int { genesys.jobs.submitted }

    /// Changes how details jobs go from now on.
    public func setJobs(_ behaviour: DetailsJobBehaviour) { genesys.jobs.behaviour = behaviour }

    /// Holds the date still before which the data of jobs are complete; nil lets it follow the clock.
    public func setAvailability(_ instant: SimulatorInstant?) { genesys.jobs.setAvailability(instant) }

    /// What a perfect reader has of the evaluations that were assigned in an interval.
    public func evaluations(_ interval: SimulatorInterval) -> EvaluationTruth {
        EvaluationTruth(book: genesys.quality.book, interval: interval)
    }

    /// Adds a privacy request, given as the JSON that the control host takes; returns its id.
    public func addPrivacyRequest(_ json: String) throws -> String {
        try genesys.privacy.add(Array(json.utf8), in: genesys.store)
    }

    /// Carries a privacy request out; returns how many conversations it deleted or changed, nil when there is no such request.
    @discardableResult
    public func executePrivacyRequest(_ id: String) -> Int? { genesys.privacy.execute(id, in: genesys.store) }

    /// The ids of the members of the evaluators' role, deleted ones among them.
    public var evaluators: [String] { genesys.quality.book.renderer.organisation.evaluators.map(\.id) }

    /// Removes conversations for good, and with them their evaluations; how many there were.
    @discardableResult
    public func deleteConversations(_ ids: [String]) -> Int {
        ids.compactMap { ConversationID($0) }.count { genesys.store.delete($0) }
    }

    /// Changes what goes wrong from now on.
    public func setFaults(_ plan: FaultPlan) {
        injector.plan = plan
    }

    /// Makes every token that was issued so far invalid and says how many still were valid.
    @discardableResult
    public func revokeTokens() -> Int {
        genesys.tokens.revokeAll()
    }
}
