import Contracts
import Evaluation
import Foundation
import GenesysCloud
import Logging
import ObjectStorage
import Synchronization
import Transfer
import VendorSimulator
import WorkerKit

/// A day of evaluations against the vendor's allowance: how much of it is used while the worker has something to ask.
struct EvaluationListings {
    let evaluators: Int
    /// Pages of each, of a hundred evaluations.
    let pages: Int
    /// What the vendor allows in a window.
    let allowance: Int
    let window: Int

    struct Figures {
        var evaluations: Int
        var pages: Int
        var calls: Int
        var throttled: Int
        var seconds: Double
        /// The vendor's windows that were over before the day was done.
        var windows: Int
        /// The time that these windows take, divided by the time that they took.
        var used: Double
        var isTrue: Bool
    }

    private static let interval = "2026-03-01T16:00:00.000Z/2026-03-02T16:00:00.000Z"

    func run() async throws -> Figures {
        var vendor = SimulatorConfiguration()
        vendor.now = SimulatorInstant("2026-03-09T00:00:00Z")
        vendor.isClockFrozen = true
        vendor.rateLimit = allowance
        vendor.rateWindow = window
        vendor.data.evaluators = evaluators
        vendor.data.plainEvaluations = true
        vendor.data.evaluationEvery = 1
        // Every conversation that isn't abandoned is evaluated, so about nine tenths; half a page less than full, by chance.
        vendor.data.conversationsPerDay = Int(Double(evaluators) * (Double(pages) - 0.5) * 100 / 0.92)
        vendor.data.longEvery = 0
        let simulator = try VendorSimulator(vendor)
        // The day is computed before it is measured.
        guard let interval = SimulatorInterval(Self.interval) else { throw BenchError("the interval is wrong") }
        let truth = simulator.evaluations(interval).evaluations.count
        let http = HTTPClient(HTTPClientConfiguration())
        let figures = try await simulator.whileRunning { addresses in
            try await measure(simulator, addresses, http, truth: truth)
        }
        await http.shutdown()
        return figures
    }

    private func measure(
        _ simulator: VendorSimulator, _ addresses: SimulatorAddresses, _ http: HTTPClient, truth: Int
    ) async throws -> Figures {
        let genesys = GenesysCloudConfiguration(
            domain: "example.com", loginURL: addresses.login, apiURL: addresses.api, clientID: "simulator"
        ) { "simulator-secret" }
        let transport = TimedTransport(http: http)
        let client = GenesysCloudClient(
            genesys, transport: transport,
            limiter: RateLimiter(RateLimiter.Allowance(requests: allowance, per: .seconds(window))))
        var configuration = EvaluationConfiguration()
        configuration.discovery = [.evaluators]
        let handler = EvaluationHandler(client: client, store: MemoryObjectStore(), configuration: configuration)
        let halves = Self.interval.split(separator: "/").compactMap { Timestamp.date(String($0)) }
        let job = Job(
            id: "bench", kind: "evaluation", source: "genesys/main", dataset: "evaluations", day: "2026-03-02",
            interval: Interval(start: halves[0], end: halves[1]), createdAt: Date())
        let context = JobContext(attempt: 1, worker: "bench@0", logger: Logger(label: "bench"))
        guard case .done(let result) = try await handler.handle(job, context) else { throw BenchError("the day wasn't done") }
        let served = transport.served
        guard let first = served.first, let last = served.last else { throw BenchError("nothing was asked") }
        // Whoever loses no time has the first call of a window as soon as all windows before it are over.
        let windows = (served.count - 1) / allowance
        let needed = (served[windows * allowance] - first) / .seconds(1)
        return Figures(
            evaluations: result.figures["records"] ?? 0, pages: result.figures["pages"] ?? 0, calls: served.count,
            throttled: simulator.requests.entries.count { $0.status == 429 }, seconds: (last - first) / .seconds(1),
            windows: windows, used: needed > 0 ? Double(windows * window) / needed : 1,
            isTrue: result.figures["records"] == truth)
    }
}

/// Notes when calls of the API were answered.
private final class TimedTransport: HTTPTransport {
    private let http: HTTPClient
    private let times = Mutex<[ContinuousClock.Instant]>([])

    init(http: HTTPClient) { self.http = http }

    /// When calls that succeeded were answered, in order.
    var served: [ContinuousClock.Instant] { times.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws(TransferError) -> HTTPResponse {
        let response = try await http.send(request)
        if response.status == 200, request.method == .get { times.withLock { $0.append(.now) } }
        return response
    }
}
