/// What topics are called on this cluster.
public struct TopicNames: Sendable, Hashable {
    /// What stands before every name, such as `prod.`; empty for none.
    public let prefix: String

    /// Names with a prefix.
    public init(prefix: String = "") { self.prefix = prefix }

    /// Work of a kind, to be done now.
    public func jobs(_ kind: String) -> String { "\(prefix)jobs.\(kind)" }

    /// Work of a kind, to be done after `delay`: every message of the topic waits the same time.
    public func retry(_ kind: String, after delay: Duration) -> String { "\(jobs(kind)).retry-\(Self.text(of: delay))" }

    /// Work of a kind that was given up, bytes untouched.
    public func dead(_ kind: String) -> String { "\(jobs(kind)).dead" }

    /// What happened to jobs.
    public var jobEvents: String { "\(prefix)job.events" }

    /// What people should know.
    public var alerts: String { "\(prefix)alerts" }

    /// What the scheduler has published.
    public var scheduleState: String { "\(prefix)schedule.state" }

    /// What operators tell the workers.
    public var control: String { "\(prefix)control" }

    /// What operators did about work that was given up.
    public var deadMarks: String { "\(prefix)dead.marks" }

    /// A delay as topic names carry it: `1m`, `10m`, `1h`, `250ms`.
    public static func text(of delay: Duration) -> String {
        let milliseconds = Int64(delay / .milliseconds(1))
        for (unit, length) in [("h", Int64(3_600_000)), ("m", 60_000), ("s", 1000)]
        where milliseconds >= length && milliseconds % length == 0 {
            return "\(milliseconds / length)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}
