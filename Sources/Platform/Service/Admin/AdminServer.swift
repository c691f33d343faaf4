import HTTPServing
import HTTPTypes
public import Hummingbird
import Logging
import NIOCore
public import ServiceLifecycle
import Synchronization

/// Adds routes of a program to its admin server, next to `/metrics`, `/healthz` and `/readyz`.
public typealias AdminRoutes = @Sendable (Router<BasicRequestContext>) -> Void

/// Where the admin server listens.
public struct AdminConfiguration: Sendable {
    /// The address to bind; `0.0.0.0` in containers.
    public var host: String
    /// The port; 0 takes a free one.
    public var port: Int

    /// Creates a configuration.
    ///
    /// - Parameters:
    ///   - host: The address to bind.
    ///   - port: The port; 0 takes a free one.
    public init(host: String = "127.0.0.1", port: Int = 0) {
        self.host = host
        self.port = port
    }

    /// Reads `host` and `port`.
    ///
    /// - Parameter settings: The section, usually `admin`.
    public init(_ settings: Settings) {
        host = settings.string("host", default: "127.0.0.1")
        port = settings.int("port", default: 0, in: 0...65_535)
    }
}

/// The HTTP server for operators: `GET /metrics` (Prometheus text), `/healthz` (liveness) and `/readyz` (readiness).
///
/// The health routes answer 200 or 503 with a JSON body that names what fails:
/// `{"status":"failing","failing":{"kafka":"no broker answers"}}`.
public final class AdminServer: ServiceLifecycle.Service {
    private struct State {
        var port: Int?
        var waiters: [CheckedContinuation<Int?, Never>] = []
        var hasEnded = false
    }

    private let configuration: AdminConfiguration
    private let health: HealthRegistry
    private let metrics: PrometheusMetrics
    /// Replaced when the program's own routes come, which it has only once its parts are made.
    private let responder: Mutex<any HTTPResponder<BasicRequestContext>>
    private let state = Mutex(State())

    /// Creates a server; ``run()`` starts it.
    ///
    /// - Parameters:
    ///   - configuration: Where it listens.
    ///   - health: What the health routes ask.
    ///   - metrics: What `/metrics` renders.
    ///   - routes: Adds the program's own routes.
    public init(
        configuration: AdminConfiguration, health: HealthRegistry, metrics: PrometheusMetrics,
        routes: @escaping AdminRoutes = { _ in }
    ) {
        self.configuration = configuration
        self.health = health
        self.metrics = metrics
        responder = Mutex(Self.responder(health, metrics, routes))
    }

    /// Adds the program's own routes, in place of those it had.
    ///
    /// - Parameter routes: Adds the routes.
    public func setRoutes(_ routes: AdminRoutes) {
        let renewed = Self.responder(health, metrics, routes)
        responder.withLock { $0 = renewed }
    }

    /// The port that the server listens on, waiting until it does.
    ///
    /// - Returns: Nil when the server ended without having listened.
    public func boundPort() async -> Int? {
        await withCheckedContinuation { continuation in
            let answer: Int?? = state.withLock { state in
                if let port = state.port { return .some(port) }
                if state.hasEnded { return .some(nil) }
                state.waiters.append(continuation)
                return .none
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: ``ProgramFailure`` (configuration) when the address cannot be bound.
    public func run() async throws {
        defer { settle(port: nil) }
        var logger = Logger(label: "admin")
        // What the server library logs, down to errors, is about single connections, cut ones at shutdown above all.
        logger.logLevel = .critical
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { [self] request, context in
                let responder = self.responder.withLock { $0 }
                return try await responder.respond(to: request, context: context)
            },
            server: .http1StoppableAnytime,
            configuration: .init(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { [weak self] channel in self?.settle(port: channel.localAddress?.port) },
            logger: logger)
        do {
            try await application.run()
        } catch  where state.withLock({ $0.port }) == nil && !(error is CancellationError) {
            throw ProgramFailure(
                .configuration,
                "admin.host, admin.port: cannot listen on \(configuration.host):\(configuration.port) (\(error)); choose another port, or 0 for a free one"
            )
        }
    }

    private func settle(port: Int?) {
        let waiters = state.withLock { state in
            if let port { state.port = port } else { state.hasEnded = true }
            defer { state.waiters.removeAll() }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: port) }
    }

    private static func responder(
        _ health: HealthRegistry, _ metrics: PrometheusMetrics, _ routes: AdminRoutes
    ) -> any HTTPResponder<BasicRequestContext> {
        let router = Router()
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: PrometheusMetrics.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.render())))
        }
        for (path, kind) in [("healthz", HealthKind.liveness), ("readyz", .readiness)] {
            router.get(RouterPath(path)) { _, _ in
                let report = health.report(kind)
                return Response(
                    status: report.isPassing ? .ok : .serviceUnavailable,
                    headers: [.contentType: "application/json", .cacheControl: "no-store"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: report.json + "\n")))
            }
        }
        routes(router)
        return router.buildResponder()
    }
}

extension HealthReport {
    /// The body of a health answer.
    var json: String {
        let reasons = failing.sorted { $0.key < $1.key }.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
        return
            #"{"status":"\#(isPassing ? "passing" : "failing")","checks":\#(checks),"failing":{\#(reasons.joined(separator: ","))}}"#
    }
}
