internal import Foundation

/// What a development stack consists of.
public struct StackOptions: Sendable {
    /// The directory for the lake, the logs and the configuration.
    public var directory: String
    /// A broker that runs already, `host:port`; nil starts one.
    public var broker: String?
    /// Where a broker that is started listens, and where clients are told to connect: a proxy in between; nil: on a free port.
    public var brokerPorts: (listening: Int, advertised: Int)?
    /// The folder of topic files; nil: the checkout's.
    public var topics: String?
    /// Business days to extract.
    public var days = 3
    /// How many days before today the last of them lies.
    public var lag = 2
    /// The zone of the business days.
    public var zone = "Asia/Manila"
    /// Conversations that start on each day.
    public var conversationsPerDay = 300
    /// Further arguments of the simulator.
    public var simulator: [String] = []
    /// The programs that ``DevelopmentStack/start()`` starts.
    public var members: [StackMember] = [.monitor, .conversationWorker, .scheduler]
    /// Values, as YAML, that replace the usual ones: by program, then by dotted key.
    public var settings: [String: [String: String]] = [:]
    /// What is extracted.
    public var schedules: [StackSchedule] = [.conversations]
    /// Lines that are added to the conversations' schedule, such as `deadline: 12h`.
    public var schedule: [String] = []
    /// How long a program may take to be ready.
    public var readyLimit: Duration = .seconds(60)

    /// Options for a directory, with the broker that `BROKER` names, if any.
    public init(directory: String) {
        self.directory = directory
        broker = ProcessInfo.processInfo.environment["BROKER"].flatMap { $0.isEmpty ? nil : $0 }
    }
}
