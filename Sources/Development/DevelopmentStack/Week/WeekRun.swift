internal import Contracts
internal import Foundation
internal import Kafka
internal import ObjectStorage
internal import Rehearsal

/// Seven days of all data sets from a vendor that does everything wrong, to workers that are killed again and again; in the end
/// the lake must be what the vendor has.
///
/// Each morning, by the vendor's clock, the day before is extracted while conversations, evaluations and statuses are still open.
/// Days later the clock has moved on: what was open has ended, records were corrected, evaluations were released and scored again.
/// Then the sweeps run, and each day is settled.
public struct WeekRun: Sendable {
    private let options: WeekOptions
    private let installation: Installation

    private static let kinds = ["conversation", "evaluation", "user-details"]

    /// A run.
    public init(_ options: WeekOptions, installation: Installation) {
        self.options = options
        self.installation = installation
    }

    /// Runs from start to end; everything is stopped when it returns, throws or is cancelled.
    ///
    /// - Parameter report: told what goes on, a line at a time; `isFleeting` lines only matter until the next one.
    /// - Returns: what was found. The directory stays unless all is well.
    public func run(report: @escaping @Sendable (_ line: String, _ isFleeting: Bool) -> Void) async throws -> ChaosVerdict {
        let directory = try DemoDirectory(options.directory, of: "week")
        let began = ContinuousClock.now
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        try RehearsalTopics.write(installation, folder: "\(options.directory)/topics")
        let stack = try await DevelopmentStack.prepare(stackOptions, installation: installation, now: now)
        var verdict: ChaosVerdict
        do {
            verdict = try await play(stack, now, report)
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
        verdict.figure("time", "\((ContinuousClock.now - began).components.seconds) s")
        if verdict.isGood { try FileManager.default.removeItem(atPath: options.directory) }
        withExtendedLifetime(directory) {}
        return verdict
    }

    private var stackOptions: StackOptions {
        var stack = StackOptions(directory: options.directory)
        stack.broker = options.broker
        stack.days = options.days
        // Old enough to be settled.
        stack.lag = 6
        stack.conversationsPerDay = options.conversationsPerDay
        stack.simulator = options.simulator
        stack.members = options.members
        stack.topics = "\(options.directory)/topics"
        for program in ["conversation-worker", "evaluation-worker", "user-details-worker"] {
            stack.settings[program] = [
                "worker.retry-delays": RehearsalTopics.retryDelays, "worker.attempts": "50", "worker.crash-limit": "50",
                "worker.circuit": "false", "worker.progress-interval": "5s", "genesys.requests-per-minute": "0",
            ]
        }
        stack.settings["conversation-worker"]?["conversations.availability-wait"] = "1s"
        stack.settings["conversation-worker"]?["conversations.job-resubmissions"] = "20"
        stack.settings["conversation-worker"]?["conversations.job-pause"] = "100ms"
        stack.settings["evaluation-worker"]?["evaluations.sweep-days"] = String(options.days + 3)
        stack.settings["user-details-worker"]?["user-details.job-pause"] = "100ms"
        return stack
    }

    // MARK: The acts

    private func play(
        _ stack: DevelopmentStack, _ now: Date, _ report: @escaping @Sendable (String, Bool) -> Void
    ) async throws -> ChaosVerdict {
        let crew = ChaosCrew(stack)
        try await crew.startAll()
        // Whichever fails first ends the run; only the last act ends it well.
        let lookAfter = { @Sendable in
            while true {
                try await crew.lookAfter()
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await lookAfter()
                return false
            }
            group.addTask {
                try await kill(crew)
                return false
            }
            group.addTask {
                try await act(stack, crew, now, report)
                return true
            }
            while let isOver = try await group.next(), !isOver {}
            group.cancelAll()
        }
        let problems = await crew.stopAll()
        report("everything has ended; comparing …", false)
        let figures = await crew.figures
        var verdict = try await judge(stack)
        verdict.count("programs that didn't stop when asked", problems)
        verdict.count("programs that crashed", figures.crashes)
        verdict.figure(
            "kills",
            "\(figures.kills.values.reduce(0, +)): "
                + figures.kills.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        let limit = options.memoryLimit
        verdict.check(
            "most memory of a process", Layout.size(figures.memory.values.max() ?? 0), promise: "≤ \(Layout.size(limit))",
            isKept: figures.memory.values.allSatisfy { $0 <= limit },
            examples: figures.memory.filter { $0.value > limit }.map { "\($0.key): \(Layout.size($0.value))" })
        return verdict
    }

    private func kill(_ crew: ChaosCrew) async throws {
        var random = SeededRandom(seed: SeededRandom.seed(options.seed, -2))
        let pace = Int(options.pace / .milliseconds(1))
        for _ in 0..<options.kills {
            try await Task.sleep(for: .milliseconds(random.number(in: pace / 2...pace * 3 / 2)))
            _ = await crew.kill(choice: random.next(), restart: .milliseconds(random.number(in: 0...1_500)))
        }
    }

    private func act(
        _ stack: DevelopmentStack, _ crew: ChaosCrew, _ now: Date, _ report: @escaping @Sendable (String, Bool) -> Void
    ) async throws {
        let jobs = StackJobs(topics: stack.configuration.topics, days: stack.days, now: now)
        func publish(_ title: String, _ published: [Job]) async throws {
            try await jobs.publish(published, broker: stack.broker)
            try await awaitEnds(stack, title, report)
        }
        var rest = stack.days.days[...]
        while !rest.isEmpty {
            let days = rest.prefix(options.daysAtOnce)
            rest = rest.dropFirst(options.daysAtOnce)
            guard let day = days.last, let interval = stack.days.interval(of: day) else { continue }
            try await stack.vendor.setClock(interval.end.addingTimeInterval(900))
            try await publish("the morning after \(day)", days.flatMap { jobs.morning(after: $0) })
        }
        guard let last = stack.days.days.last else { return }
        report("days later: the vendor's clock moves on", false)
        try await stack.vendor.setClock(now)
        // The truth is what the vendor has now, so that is what its jobs must know.
        try await stack.vendor.setAvailability(now)
        try await publish("lists and sweeps", jobs.lists(of: last) + jobs.sweeps(on: last))
        var settlement = stack.days.days.map { jobs.settlement(of: $0) }
        let lake = WeekLake(store: try stack.lake(), source: StackConfiguration.source)
        // The first day again by a details job; what was asked for by query must be right by itself.
        for day in stack.days.days.prefix(1) {
            guard let revision = try await lake.manifests("user_details", day).map(\.revision).max() else { continue }
            settlement.append(jobs.userDetailsAgain(of: day, after: revision))
        }
        try await publish("settlement", settlement)
        if options.sweepsAgain {
            // What turned up late while the first sweep looked is found by the next day's.
            try await publish("the next sweep", [jobs.evaluationSweep(on: last, id: "again")])
        }
        // On Tansu a monitor that reads live may miss an event for good; the next one that leads finds out what it left undone.
        if try await !awaitTags(stack), options.broker == nil {
            await crew.killAll("monitor")
            _ = try await awaitTags(stack)
        }
    }

    /// Waits until every job that was published has ended, or until nothing more happens.
    private func awaitEnds(
        _ stack: DevelopmentStack, _ title: String, _ report: @Sendable (String, Bool) -> Void
    ) async throws {
        let began = ContinuousClock.now
        var last = (ended: -1, at: began)
        var isQuiet = false
        while true {
            try await Task.sleep(for: .milliseconds(500))
            let progress = try await WeekProgress.read(stack.configuration.topics, kinds: Self.kinds, of: stack.broker)
            let now = ContinuousClock.now
            let line =
                "\(title): \((now - began).components.seconds) s, \(progress.ends.count) of \(progress.jobs.count) jobs have ended"
            report(line, true)
            if progress.open.isEmpty {
                // What a completion publishes is seen with it or not at all, but by two readings.
                if isQuiet { return report(line, false) }
                isQuiet = true
            } else {
                isQuiet = false
            }
            if progress.ends.count != last.ended { last = (progress.ends.count, now) }
            if now - last.at > options.patience { return report("\(line); nothing more happens", false) }
        }
    }

    /// Whether every day has its tag before the time is up.
    private func awaitTags(_ stack: DevelopmentStack) async throws -> Bool {
        let lake = WeekLake(store: try stack.lake(), source: StackConfiguration.source)
        let deadline = ContinuousClock.now + .seconds(120)
        for dataset in Self.datasets {
            for day in stack.days.days {
                while try await !lake.isTagged(dataset, day) {
                    guard ContinuousClock.now < deadline else { return false }
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
        }
        return true
    }

    // MARK: Judging

    private static let datasets = ["conversations", "evaluations", "user_details"]

    private func judge(_ stack: DevelopmentStack) async throws -> ChaosVerdict {
        var verdict = ChaosVerdict()
        let topics = stack.configuration.topics
        let progress = try await WeekProgress.read(topics, kinds: Self.kinds, of: stack.broker)
        verdict.figure("jobs", Layout.number(progress.jobs.count))
        verdict.figure("attempts that failed, waits", "\(Layout.number(progress.retries)), \(Layout.number(progress.snoozes))")
        verdict.count("jobs lost", progress.open.map { "\($0.id), revision \($0.revision)" })
        verdict.count("jobs that failed", progress.failures)
        var dead: [String] = []
        for kind in Self.kinds {
            try await TopicContents.read(topics.dead(kind), of: stack.broker) { record in
                dead.append(record.headers.text(of: JobHeader.deadMessage) ?? "no reason")
            }
        }
        verdict.count("dead letters", dead)
        try await judgeLake(stack, &verdict)
        for (dataset, figures) in progress.figures.sorted(by: { $0.key < $1.key }) {
            let told = figures.filter { $0.value != 0 }.sorted { $0.key < $1.key }
            guard !told.isEmpty else { continue }
            verdict.figure("told of \(dataset)", told.map { "\($0.key) \(Layout.number($0.value))" }.joined(separator: ", "))
        }
        try await judgeVendor(stack, &verdict)
        return verdict
    }

    private func judgeLake(_ stack: DevelopmentStack, _ verdict: inout ChaosVerdict) async throws {
        let lake = WeekLake(store: try stack.lake(), source: StackConfiguration.source)
        let truth = WeekTruth(vendor: stack.vendor)
        var (conversations, users) = (RecordTally(), RecordTally())
        var (trueConversations, trueUsers, earlierUsers) = (RecordTally(), RecordTally(), RecordTally())
        var evaluations = EvaluationComparison()
        var strays: [String] = []
        var untagged: [String] = []
        for day in stack.days.days {
            guard let interval = stack.days.interval(of: day) else { continue }
            try await truth.conversations(interval, into: &trueConversations)
            try await truth.userDetails(interval, into: &trueUsers)
            evaluations.expect(try await truth.evaluations(interval))
            try await lake.tally("conversations", day, into: &conversations)
            try await lake.tally("user_details", day, into: &users)
            try await lake.read("evaluations", day) { evaluations.found($0) }
            for dataset in Self.datasets {
                strays += try await lake.strays(dataset, day)
                if try await !lake.isTagged(dataset, day) { untagged.append("\(dataset) \(day)") }
            }
        }
        // What had begun before the first day and reached into it has no day of its own.
        if let first = stack.days.days.first.flatMap({ stack.days.interval(of: $0) }),
            let before = Interval(start: first.start.addingTimeInterval(-10 * 86_400), end: first.start)
        {
            try await truth.userDetails(before, into: &earlierUsers)
        }
        verdict.judge("conversations", conversations.difference(from: trueConversations))
        verdict.judge("user details", users.difference(from: trueUsers, permitting: earlierUsers))
        verdict.judge("evaluations", evaluations.difference)
        verdict.count("evaluations whose latest version is missing", evaluations.missing)
        verdict.figure("earlier versions of evaluations", Layout.number(evaluations.earlierVersions))
        verdict.count("objects that no manifest names", strays)
        verdict.count("days without _SUCCESS, or with _FAILURE", untagged)
    }

    private func judgeVendor(_ stack: DevelopmentStack, _ verdict: inout ChaosVerdict) async throws {
        let counts = try await stack.vendor.requestCounts()
        var faults: [String: Int] = [:]
        for count in counts where count.status != 200 && count.status != 202 && count.status != 204 {
            faults[count.status == 0 ? "reset" : String(count.status), default: 0] += count.count
        }
        for count in counts { if let fault = count.fault, count.status == 200 { faults[fault, default: 0] += count.count } }
        verdict.figure("requests to the vendor", Layout.number(counts.reduce(0) { $0 + $1.count }))
        verdict.figure(
            "answers that went wrong",
            faults.sorted { $0.key < $1.key }.map { "\($0.key) \(Layout.number($0.value))" }.joined(separator: ", "))
    }
}

extension ChaosVerdict {
    /// Judges a data set.
    fileprivate mutating func judge(_ name: String, _ difference: RecordDifference) {
        let permitted = difference.permitted > 0 ? ", and \(Layout.number(difference.permitted)) begun before the week" : ""
        figure("\(name) as they should be", Layout.number(difference.equal) + permitted)
        for (what, count) in [
            ("missing", difference.missing), ("there twice", difference.doubled), ("the vendor doesn't have", difference.strange),
        ] { check("\(name) \(what)", Layout.number(count), promise: "0", isKept: count == 0) }
        check("\(name) compared", Layout.number(difference.equal), promise: "> 0", isKept: difference.equal > 0)
    }
}
