public import Contracts
internal import Foundation
public import Kafka
internal import Messaging
public import Service

/// How the scheduler runs.
public struct SchedulerConfiguration: Sendable {
    /// How to reach the cluster.
    public var kafka: KafkaConfiguration
    /// What topics are called.
    public var topics: TopicNames
    /// The schedules.
    public var schedules: [ScheduleDefinition]
    /// How long a dead leader keeps its place.
    public var sessionTimeout: Duration
    /// The longest time between two looks at the clock.
    public var interval: Duration

    /// A configuration, as tests make it.
    public init(
        kafka: KafkaConfiguration, topics: TopicNames = TopicNames(), schedules: [ScheduleDefinition],
        sessionTimeout: Duration = .seconds(10), interval: Duration = .seconds(1)
    ) {
        self.kafka = kafka
        self.topics = topics
        self.schedules = schedules
        self.sessionTimeout = sessionTimeout
        self.interval = interval
    }

    /// Reads the sections `kafka`, `topics` and `scheduler`:
    ///
    /// - `scheduler.schedules` (required): the file of schedules; see ``ScheduleFile``.
    /// - `scheduler.session-timeout` (10s): how long a dead leader keeps its place.
    /// - `scheduler.interval` (1s): the longest time between two looks at the clock.
    ///
    /// - Throws: a `ProgramFailure` with one line for each problem of the schedules.
    public init(_ settings: Settings) throws {
        let scheduler = settings.scoped("scheduler")
        let file = scheduler.string("schedules")
        self.init(
            kafka: KafkaConfiguration(settings, client: "scheduler@\(settings.instance)"), topics: TopicNames(settings),
            schedules: [],
            sessionTimeout: scheduler.duration("session-timeout", default: .seconds(10), in: .seconds(1) ... .seconds(300)),
            interval: scheduler.duration("interval", default: .seconds(1), in: .milliseconds(10) ... .seconds(60)))
        guard !file.isEmpty else { return }
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            scheduler.reject("schedules", given: file, allowed: "a readable file of schedules in UTF-8")
            return
        }
        do {
            schedules = try ScheduleFile.parse(yaml: text)
        } catch {
            let lines = error.lines.map { "\(file): \($0)" }.joined(separator: "\n")
            throw ProgramFailure(.configuration, lines)
        }
    }
}
