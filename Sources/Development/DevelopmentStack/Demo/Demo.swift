internal import Contracts
internal import Foundation
internal import ObjectStorage

/// Three business days of all data sets from a simulated vendor to a lake in a directory, watched on the terminal.
public struct Demo: Sendable {
    /// What can be chosen.
    public struct Options: Sendable {
        /// The working directory.
        public var directory: String
        /// Whether everything goes on at the end until the task is cancelled.
        public var keepsRunning = false
        /// Conversations that start on each day.
        public var conversationsPerDay = 1_500
        /// What goes wrong at the vendor: `none`, `hostile` or a file with a fault plan.
        public var faults = "none"
        /// How long the days may take until the demo gives up.
        public var limit: Duration = .seconds(240)

        /// Options for a directory.
        public init(directory: String) { self.directory = directory }
    }

    private let options: Options
    private let installation: Installation

    /// A demo.
    public init(_ options: Options, installation: Installation) {
        self.options = options
        self.installation = installation
    }

    /// Runs from start to end; everything is stopped when it returns, throws or is cancelled.
    ///
    /// - Returns: whether all days were written, tagged and equal to the vendor's.
    public func run() async throws -> Bool {
        let started = ContinuousClock.now
        let directory = try DemoDirectory(options.directory)
        var screen = Screen()
        screen.line(
            "Switchboard demo: three business days of all data sets, from a simulated Genesys Cloud to a lake in a directory")
        screen.line("starting broker, vendor simulator, scheduler, three workers and monitor …")
        let stack = try await DevelopmentStack.prepare(stackOptions, installation: installation)
        let isGood: Bool
        do {
            try await stack.start()
            isGood = try await watch(stack, &screen, started)
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
        withExtendedLifetime(directory) {}
        return isGood
    }

    private var stackOptions: StackOptions {
        var stack = StackOptions(directory: options.directory)
        stack.conversationsPerDay = options.conversationsPerDay
        // Old enough to be settled.
        stack.lag = 4
        stack.members = [.monitor, .conversationWorker, .evaluationWorker, .userDetailsWorker, .scheduler]
        stack.schedules =
            [.conversations, .evaluations, .userDetails, .evaluationForms, .privacyRequests] + StackSchedule.lookups
        // One worker of a kind is all there is: what the vendor allows is theirs together.
        for (program, percent) in [("conversation-worker", "40"), ("evaluation-worker", "40"), ("user-details-worker", "20")] {
            stack.settings[program] = ["budget.percent": percent]
        }
        stack.settings["conversation-worker"]?["conversations.job-pause"] = "250ms"
        stack.simulator = [
            "--awkward-every", "10", "--huge", "17", "--rate-limit", "3000", "--availability-lag", "0", "--faults",
            options.faults,
        ]
        return stack
    }

    private func watch(_ stack: DevelopmentStack, _ screen: inout Screen, _ started: ContinuousClock.Instant) async throws -> Bool
    {
        let page = try await stack.member(.monitor).admin
        screen.line("everything runs; the monitor's page is \(page)/")
        screen.line()
        let progress = try await follow(stack, &screen, until: started + options.limit)
        let summary = DemoSummary(stack: stack, shownDirectory: shown(options.directory), keepsRunning: options.keepsRunning)
        for line in try await summary.lines(progress) { screen.line(line) }
        let seconds = (ContinuousClock.now - started).components.seconds
        screen.line(
            progress.isGood
                ? "\(stack.days.days.count) days of \(Set(progress.rows.map(\.dataset)).count) data sets complete, each record as the vendor has it, after \(seconds) s."
                : "The days are not what they should be; the logs are in \(shown(options.directory))/logs.")
        if options.keepsRunning {
            for line in try await summary.addresses() { screen.line(line) }
            // Until Ctrl-C: the sleep ends by cancellation only.
            while true { try await Task.sleep(for: .seconds(3600)) }
        }
        return progress.isGood
    }

    // MARK: Watching

    private func follow(
        _ stack: DevelopmentStack, _ screen: inout Screen, until deadline: ContinuousClock.Instant
    ) async throws -> DemoProgress {
        var progress = DemoProgress(
            stack.options.schedules.flatMap { schedule in
                stack.days.days.suffix(schedule.isSnapshot ? 1 : stack.days.days.count).map { (schedule.dataset, $0) }
            })
        var shown = progress.rows
        var different: [String: ContinuousClock.Instant] = [:]
        screen.draw(progress.table)
        while true {
            progress.update(try await overview(stack))
            screen.draw(progress.table)
            for row in progress.uncompared {
                guard let comparison = try await compare(row, stack) else { continue }
                if case .differentRecords = comparison {
                    // A day's rows may belong to a day that came later, whose coming has it run again.
                    let first = different["\(row.dataset) \(row.day)", default: ContinuousClock.now]
                    different["\(row.dataset) \(row.day)"] = first
                    if ContinuousClock.now - first < Self.patience { continue }
                }
                progress.compared(row, comparison)
            }
            screen.draw(progress.table)
            if !screen.isTerminal {
                for (row, former) in zip(progress.rows, shown)
                where row.state != former.state || row.comparison != former.comparison {
                    screen.line(DemoProgress.line(row))
                }
            }
            shown = progress.rows
            if progress.isComplete {
                guard progress.isGood, progress.rows(of: Self.settled).isEmpty else { return progress }
                // What a schedule would do days later: the days once more, as details jobs tell them.
                progress.add(Self.settled, stack.days.days)
                shown = progress.rows
                let jobs = StackJobs(topics: stack.configuration.topics, days: stack.days, now: Date())
                try await jobs.publish(stack.days.days.map { jobs.settlement(of: $0) }, broker: stack.broker)
            }
            if ContinuousClock.now > deadline {
                throw DevelopmentError(
                    "the days were not complete after \(options.limit.components.seconds) s",
                    advice: "see the logs in \(self.shown(options.directory))/logs")
            }
            try await Task.sleep(for: .milliseconds(150))
        }
    }

    /// What the monitor says; an error that tells when a program has died.
    private func overview(_ stack: DevelopmentStack) async throws -> Overview {
        for member in await stack.members {
            guard let end = member.process.end else { continue }
            throw DevelopmentError("\(member.member) \(end):\n\(ReadyFile.tail(of: stack.log(of: member.member)))")
        }
        return try await stack.overview()
    }

    /// How long a day may differ until it counts: corrections of it may be under way.
    private static let patience = Duration.seconds(60)
    private static let settled = "conversations-settled"

    /// Compares a finished day with the vendor; nil while its tag isn't written yet.
    private func compare(_ row: DemoProgress.Row, _ stack: DevelopmentStack) async throws -> DemoProgress.Comparison? {
        let folder = try stack.folder(of: row.day, dataset: row.dataset)
        guard row.state == "done" else {
            guard let tag = try await folder.failure() else { return nil }
            return .failed(tag.split(whereSeparator: \.isNewline).joined(separator: " "))
        }
        guard let manifest = try await folder.success() else { return nil }
        if try await folder.failure() != nil { return .failed("_SUCCESS and _FAILURE both exist") }
        guard row.dataset == StackConfiguration.schedule else {
            return try await DemoComparison(stack).compare(row, manifest, folder)
        }
        let truth = try await stack.truth(of: row.day)
        let lake = try await folder.digest()
        if manifest.records != truth.records { return .failed("_SUCCESS says \(manifest.records) records") }
        return lake == truth ? .equal(lake) : .different(lake: lake, vendor: truth)
    }

    /// A path as short as the reader can use it.
    private func shown(_ path: String) -> String {
        let here = FileManager.default.currentDirectoryPath + "/"
        return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
    }
}
