internal import Contracts
internal import Foundation

/// The conversations of a seed without any fault: what the disturbed run's lake is compared with.
enum UndisturbedRun {
    /// Extracts the days and returns every object, tags included.
    static func conversations(
        _ options: ChaosOptions, installation: Installation, now: Date
    ) async throws -> [String: LakeSnapshot.Content] {
        let directory = "\(options.directory)/undisturbed"
        var stackOptions = ChaosStack.stackOptions(options)
        stackOptions.directory = directory
        stackOptions.members = [.monitor, .conversationWorker, .scheduler]
        stackOptions.simulator = ["--seed", String(options.seed), "--rate-limit", "0"]
        stackOptions.settings["conversation-worker"]?["genesys.requests-per-minute"] = "0"
        try RehearsalTopics.write(installation, folder: "\(options.directory)/topics")
        let stack = try await DevelopmentStack.prepare(stackOptions, installation: installation, now: now)
        do {
            try await stack.start()
            try await awaitSuccess(stack)
            for day in stack.days.days {
                let (lake, truth) = (try await stack.folder(of: day).digest(), try await stack.truth(of: day))
                guard lake.records == truth.records else {
                    throw DevelopmentError(
                        "even without faults \(day) has \(lake.records) records and the vendor \(truth.records)",
                        advice: "see the logs in \(directory)/logs")
                }
            }
            let snapshot = try await LakeSnapshot.of(try stack.lake())
            await stack.stop()
            return snapshot.objects
        } catch {
            await stack.stop()
            throw error
        }
    }

    private static func awaitSuccess(_ stack: DevelopmentStack) async throws {
        let deadline = ContinuousClock.now + .seconds(600)
        for day in stack.days.days {
            let folder = try stack.folder(of: day)
            while try await folder.success() == nil {
                guard ContinuousClock.now < deadline else {
                    throw DevelopmentError(
                        "the undisturbed run didn't end", advice: "see the logs in \(stack.options.directory)/logs")
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
