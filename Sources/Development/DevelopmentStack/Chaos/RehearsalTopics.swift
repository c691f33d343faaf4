internal import Foundation
internal import Rehearsal

/// The topics of a rehearsal: those of the checkout with delays of seconds, and the rehearsal's own.
public enum RehearsalTopics {
    /// The delays of all retry topics, and what `worker.retry-delays` must be.
    public static let retryDelays = "[1s, 3s]"

    /// Writes the topic files into a folder of the run's own, so that what production has stays as it is.
    public static func write(_ installation: Installation, folder: String) throws {
        let files = FileManager.default
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in try files.contentsOfDirectory(atPath: installation.topics) where name.hasSuffix(".yaml") {
            let text = try String(contentsOfFile: "\(installation.topics)/\(name)", encoding: .utf8)
            let delays = text.replacing(/delays: \[[^\]]*\]/, with: "delays: \(retryDelays)")
            try Data(delays.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
        }
        let rehearsal = """
            topic: jobs.\(RehearsalPlan.kind)
            owner: development
            about: Work whose result follows from a seed.
            key: job id
            message: Job
            partitions: 12
            replication: 1
            retention: 7d
            retry: { delays: \(retryDelays), partitions: 3 }
            dead: { retention: 30d }

            """
        try Data(rehearsal.utf8).write(to: URL(filePath: "\(folder)/jobs.\(RehearsalPlan.kind).yaml"))
    }
}
