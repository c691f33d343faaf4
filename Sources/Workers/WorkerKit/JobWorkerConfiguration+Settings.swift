internal import Contracts
internal import Kafka
internal import Messaging
public import Service

extension JobWorkerConfiguration {
    /// Reads `service.instance` and the sections `kafka`, `topics` and `worker`:
    ///
    /// - `topics.prefix` (none): what stands before every topic's name, and the group's.
    /// - `worker.slots` (4): jobs at a time.
    /// - `worker.window` (1): offsets of one partition that may be running or done beyond its base; 1 keeps the order.
    /// - `worker.retry-delays` (1m, 10m, 1h): the delays of the kind's retry topics, ascending.
    /// - `worker.attempts` (8): attempts before a job is given up.
    /// - `worker.attempt-timeout` (6h), `worker.stall-timeout` (15m): an attempt's limits, in all and without progress.
    /// - `worker.crash-limit` (3): starts without an end at which a job is given up unrun.
    /// - `worker.circuit` (true): whether too many deaths stop the taking of work.
    /// - `worker.circuit-deaths` (10): deaths within a minute that do; half of the last 20 jobs does it too.
    /// - `worker.circuit-wait` (15m): how long it is stopped before one job may try.
    /// - `worker.checkpoint-interval` (10s): the least time between two writes of a job's checkpoint.
    /// - `worker.grace` (20s): how long running jobs may go on after a stop signal.
    /// - `worker.progress-interval` (1m): the least time between two progress events of a job.
    /// - `worker.session-timeout` (45s): how long the group waits for a silent worker.
    public init(kind: String, name: String, settings: Settings) {
        self.init(
            kind: kind, name: name, instance: settings.instance,
            kafka: KafkaConfiguration(settings, client: "\(name)@\(settings.instance)"), topics: TopicNames(settings))
        let worker = settings.scoped("worker")
        slots = worker.int("slots", default: slots, in: 1...1000)
        window = worker.int("window", default: window, in: 1...600)
        maximumAttempts = worker.int("attempts", default: maximumAttempts, in: 1...1000)
        attemptTimeout = worker.duration("attempt-timeout", default: attemptTimeout, in: .seconds(1) ... .seconds(7 * 86400))
        stallTimeout = worker.duration("stall-timeout", default: stallTimeout, in: .seconds(1) ... .seconds(86400))
        crashLimit = worker.int("crash-limit", default: crashLimit, in: 2...1_000_000)
        let isCircuitOn = worker.bool("circuit", default: true)
        let deaths = worker.int("circuit-deaths", default: deathBudget.deathsPerMinute ?? 10, in: 1...1_000_000)
        deathBudget.deathsPerMinute = isCircuitOn ? deaths : nil
        deathBudget.wait = worker.duration("circuit-wait", default: deathBudget.wait, in: .seconds(1) ... .seconds(86400))
        checkpointInterval = worker.duration(
            "checkpoint-interval", default: checkpointInterval, in: .zero ... .seconds(3600))
        grace = worker.duration("grace", default: grace, in: .zero ... .seconds(3600))
        progressInterval = worker.duration(
            "progress-interval", default: progressInterval, in: .milliseconds(100) ... .seconds(3600))
        sessionTimeout = worker.duration("session-timeout", default: sessionTimeout, in: .seconds(1) ... .seconds(1800))
        let delays = worker.strings("retry-delays", default: retryDelays.map(TopicNames.text(of:)))
        let parsed = delays.map { DurationText.parse($0) }
        retryDelays = parsed.compactMap { $0 }
        if parsed.contains(where: { $0 == nil || $0.map { $0 <= .zero } == true }) || retryDelays != retryDelays.sorted() {
            worker.reject(
                "retry-delays", given: delays.joined(separator: ","), allowed: "durations in ascending order, such as 1m,10m,1h")
        }
    }
}
