public import Contracts
internal import Foundation

/// The configuration of the stack's programs, made when it is known where broker and vendor listen.
public struct StackConfiguration: Sendable {
    /// The name of the conversations' schedule, also their data set.
    public static let schedule = "conversations"
    /// The vendor account of the schedule.
    public static let source = "genesys/demo"
    /// The environment variable with the secret of the OAuth client.
    static let secretVariable = "GENESYS_CLIENT_SECRET"
    /// The simulator's usual OAuth client.
    static let client = (id: "simulator", secret: "simulator-secret")

    let directory: String
    let bootstrapServers: String
    let prefix: String
    let vendor: Vendor
    let days: BusinessDays
    let options: StackOptions

    /// What topics are called.
    public var topics: TopicNames { TopicNames(prefix: prefix) }

    /// The URL of the lake.
    public var lake: String { "file://\(directory)/lake" }

    /// The configuration of a program.
    public func file(for member: StackMember) -> ConfigurationFile {
        // The development broker answers a joining member after half the session timeout; the broker's least is 6 s.
        let sessionTimeout = "6s"
        var file = ConfigurationFile([
            "service.instance": ConfigurationFile.text(member.instance),
            "admin.port": "0",
            "log.format": "readable",
            "shutdown.grace": "15s",
            "kafka.bootstrap-servers": ConfigurationFile.text(bootstrapServers),
        ])
        if !prefix.isEmpty { file["topics.prefix"] = ConfigurationFile.text(prefix) }
        switch member.program {
        case "scheduler":
            file["scheduler.schedules"] = ConfigurationFile.text(schedulesPath)
            file["scheduler.session-timeout"] = sessionTimeout
        case "monitor":
            file["lake.url"] = ConfigurationFile.text(lake)
            file["monitor.session-timeout"] = sessionTimeout
        case "rehearsal-worker":
            file["lake.url"] = ConfigurationFile.text(lake)
            file["worker.session-timeout"] = sessionTimeout
            file["worker.grace"] = "2s"
        default:
            file["lake.url"] = ConfigurationFile.text(lake)
            file["genesys.login-url"] = ConfigurationFile.text(vendor.login)
            file["genesys.api-url"] = ConfigurationFile.text(vendor.api)
            file["genesys.client-id"] = ConfigurationFile.text(Self.client.id)
            file["genesys.client-secret"] = ConfigurationFile.text("env:\(Self.secretVariable)")
            file["worker.session-timeout"] = sessionTimeout
            file["worker.progress-interval"] = "250ms"
            file["worker.grace"] = "2s"
        }
        for (key, value) in options.settings[member.program] ?? [:] { file[key] = value }
        return file
    }

    var schedulesPath: String { "\(directory)/configuration/schedules.yaml" }

    /// The file of schedules: those of the options, each of which publishes its business days at once.
    var schedules: String {
        "schedules:\n"
            + options.schedules.map { schedule in
                schedule.entry(days, lag: options.lag, lines: schedule == .conversations ? options.schedule : [])
            }.joined()
    }
}
