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
