internal import Foundation

/// What a chaos run consists of.
public struct ChaosOptions: Sendable {
    /// Where objects are kept.
    public enum Lake: String, Sendable, CaseIterable {
        /// SeaweedFS behind a proxy that breaks requests.
        case s3
        /// A directory, where storage has no faults.
        case file
    }

    /// Everything that is chosen at random follows from it.
    public var seed: UInt64 = 1
    /// Rehearsal jobs, children too.
    public var jobs = 10_000
    /// Processes killed with -9.
    public var kills = 200
    /// The mean time between two kills.
    public var pace: Duration = .milliseconds(2_000)
    /// A broker that runs already, `host:port`, taken for Apache Kafka; nil starts Tansu behind a proxy.
    public var broker: String?
    /// A shell command that restarts that broker.
    public var brokerRestart: String?
    /// Offsets of a partition that may be running or done beyond its base.
    public var window = 1
    /// Where objects are kept.
    public var lake = Lake.s3
    /// Business days of conversations, each of 24 jobs.
    public var days = 4
    /// Conversations that start on each day.
    public var conversationsPerDay = 1_000
    /// The most memory that one of our processes may use, bytes.
    public var memoryLimit = 128_000_000
    /// How long nothing may end, once all is calm, before what is missing counts as lost.
    public var patience: Duration = .seconds(120)
    /// Everything of the run, logs too; removed when all is well.
    public var directory: String

    /// Options for a directory, with `BROKER` and `BROKER_RESTART` of the environment.
    public init(directory: String) {
        self.directory = directory
        func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        broker = variable("BROKER")
        brokerRestart = variable("BROKER_RESTART")
    }

    /// Whether the broker keeps what exactly-once needs (design, section 5).
    public var claimsExactlyOnce: Bool { broker != nil }

    /// The command that makes the same run again.
    public var command: String {
        var words = ["make chaos", "SEED=\(seed)", "JOBS=\(jobs)", "KILLS=\(kills)", "WINDOW=\(window)"]
        if pace != .milliseconds(2_000) { words.append("PACE=\(Int(pace / .milliseconds(1)))") }
        if memoryLimit != 128_000_000 { words.append("MEMORY=\(memoryLimit / 1_000_000)") }
        if lake != .s3 { words.append("LAKE=\(lake.rawValue)") }
        if let broker { words.append("BROKER=\(broker)") }
        if let brokerRestart { words.append("BROKER_RESTART='\(brokerRestart)'") }
        return words.joined(separator: " ")
    }
}
