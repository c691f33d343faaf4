internal import Foundation

/// What a hostile week consists of.
public struct WeekOptions: Sendable {
    /// Everything that is chosen at random follows from it.
    public var seed: UInt64 = 1
    /// Business days.
    public var days = 7
    /// Conversations that start on each day.
    public var conversationsPerDay = 30_000
    /// Evaluations in all, about.
    public var evaluations = 2_000
    /// Users.
    public var users = 500
    /// What goes wrong with requests: `hostile`, or a file with a fault plan.
    public var faults = "hostile"
    /// How many days are extracted on one morning.
    public var daysAtOnce = 1
    /// Whether evaluations are looked through once more at the end, as they are every day.
    public var sweepsAgain = true
    /// Processes of each kind of worker.
    public var workers = 4
    /// Processes killed with -9.
    public var kills = 120
    /// The mean time between two kills.
    public var pace: Duration = .seconds(8)
    /// The most memory that one of our processes may use, bytes.
    public var memoryLimit = 192_000_000
    /// How long nothing may end before what is missing counts as lost.
    public var patience: Duration = .seconds(480)
    /// A broker that runs already, `host:port`; nil starts Tansu.
    public var broker: String?
    /// Everything of the run, logs too; removed when all is well.
    public var directory: String

    /// Options for a directory, with `BROKER` of the environment.
    public init(directory: String) {
        self.directory = directory
        broker = ProcessInfo.processInfo.environment["BROKER"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The command that makes the same run again.
    public var command: String {
        var words = ["make week", "SEED=\(seed)", "DAYS=\(days)", "CONVERSATIONS=\(conversationsPerDay)"]
        words += ["EVALUATIONS=\(evaluations)", "USERS=\(users)", "KILLS=\(kills)"]
        if let broker { words.append("BROKER=\(broker)") }
        return words.joined(separator: " ")
    }

    /// How many conversations there are to one that is evaluated.
    var conversationsToAnEvaluation: Int { max(1, days * conversationsPerDay / max(1, evaluations)) }

    /// Everything that the simulated vendor does wrong, all at once.
    var simulator: [String] {
        [
            "--seed", String(seed), "--users", String(users), "--evaluators", String(min(50, max(3, users / 10))),
            "--evaluation-every", String(conversationsToAnEvaluation), "--long-every", "150", "--awkward-every", "10",
            "--correction-every", "40", "--start-day-rule", "--page-shift", "insert", "--shift-every", "2", "--shift-limit", "12",
            "--hits-jitter", "700", "--wrong-totals", "--listing-page-limit", "25", "--most-hits",
            String(max(50, conversationsPerDay * 2 / 3)), "--evaluation-window-hours", "60", "--token-lifetime", "20",
            "--rate-per-client", "--rate-limit", "400", "--rate-window", "2", "--jobs", "hostile", "--faults", faults,
        ]
    }

    /// What runs: several workers of each kind.
    var members: [StackMember] {
        [.monitor]
            + ["conversation-worker", "evaluation-worker", "user-details-worker"].flatMap { program in
                (1...workers).map { StackMember(program, instance: String($0)) }
            }
    }
}
