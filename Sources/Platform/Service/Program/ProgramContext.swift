import Glibc
public import Logging

/// What a program gives its parts.
public struct ProgramContext: Sendable {
    /// The program's name.
    public let name: String
    /// What tells this process from others of its kind (`service.instance`).
    public let instance: String
    /// The configuration.
    public let settings: Settings
    /// Where parts register their health.
    public let health: HealthRegistry
    /// The metrics registry, for help texts and gauges that are set when rendered.
    public let metrics: PrometheusMetrics
    /// A logger labelled with the program's name.
    public let logger: Logger

    init(name: String, instance: String, settings: Settings, health: HealthRegistry, metrics: PrometheusMetrics) {
        self.name = name
        self.instance = instance
        self.settings = settings
        self.health = health
        self.metrics = metrics
        logger = Logger(label: name)
    }
}

/// The keys that every program has.
struct CommonConfiguration: Sendable {
    let log: LogConfiguration
    let admin: AdminConfiguration
    let instance: String
    let grace: Duration

    init(_ settings: Settings) {
        log = LogConfiguration(settings.scoped("log"))
        admin = AdminConfiguration(settings.scoped("admin"))
        instance = settings.instance
        grace = settings.duration("shutdown.grace", default: .seconds(25), in: .zero ... .seconds(3600))
    }
}

extension Settings {
    /// What tells this process from others of the same program: `service.instance`, by default the host's name.
    ///
    /// It must survive a restart and differ between two copies, because transactional ids are made of it: a pod's name does,
    /// and so does the host's where each program runs once.
    public var instance: String { string("service.instance", default: Self.hostName) }

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        let host = gethostname(&buffer, buffer.count - 1) == 0 ? buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) } : []
        return host.isEmpty ? "localhost" : String(decoding: host, as: UTF8.self)
    }
}

/// The version of all programs.
public enum ProgramVersion {
    /// The version.
    public static let current = "0.1.0"
}
