internal import Contracts
internal import Foundation
internal import Kafka
internal import ObjectStorage
internal import Rehearsal
internal import Synchronization

/// Real work while everything around it breaks, and the proof that nothing was lost.
public struct ChaosRun: Sendable {
    private let options: ChaosOptions
    private let installation: Installation

    /// A run.
    public init(_ options: ChaosOptions, installation: Installation) {
        self.options = options
        self.installation = installation
    }

    /// Runs from start to end; everything is stopped when it returns, throws or is cancelled.
    ///
    /// - Parameter report: told what goes on, a line at a time; `isFleeting` lines only matter until the next one.
    /// - Returns: what was found. The directory stays unless all is well.
    public func run(report: @escaping @Sendable (_ line: String, _ isFleeting: Bool) -> Void) async throws -> ChaosVerdict {
        let directory = try DemoDirectory(options.directory, of: "chaos run")
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        let plan = RehearsalPlan(seed: options.seed, jobs: options.jobs, createdAt: now)
        report("the conversations without any fault, to compare with …", false)
        let conversations = try await UndisturbedRun.conversations(options, installation: installation, now: now)
        let chaos = try await ChaosStack.prepare(options, installation: installation, now: now)
        let children = ProcessInfo.processInfo.processIdentifier
        var verdict: ChaosVerdict
        do {
            verdict = try await disturb(chaos, plan, conversations, report)
        } catch {
            await chaos.stop()
            throw error
        }
        await chaos.stop()
        // By what they were started with: whoever runs this may have other children, as a test process does.
        var left = ProcessMemory.children(of: children).filter { $0.command.contains(options.directory) }.map(\.description)
        if let broker = chaos.stack.broker.process, broker.isRunning { left.append("the broker (process \(broker.identifier))") }
        verdict.count("processes left running", left)
        if verdict.isGood { try FileManager.default.removeItem(atPath: options.directory) }
        withExtendedLifetime(directory) {}
        return verdict
    }

    // MARK: Disturbing

    private func disturb(
        _ chaos: ChaosStack, _ plan: RehearsalPlan, _ conversations: [String: LakeSnapshot.Content],
        _ report: @escaping @Sendable (String, Bool) -> Void
    ) async throws -> ChaosVerdict {
        let disturbances = DisturbancePlan(
            seed: options.seed, kills: options.kills, pace: options.pace, links: chaos.links,
            restartsBroker: options.brokerRestart != nil)
        let topics = chaos.stack.configuration.topics
        let crew = ChaosCrew(chaos.stack)
        let publisher = RootPublisher(plan, topics: topics)
        let ledger = LiveLedger()
        let disturber = Disturber(disturbances, crew, chaos, restart: options.brokerRestart)
        let began = ContinuousClock.now
        try await crew.startAll()
        report(
            "\(Layout.number(plan.expectations.count)) rehearsal jobs and \(options.days * 24) of conversations; "
                + "\(options.kills) kills in \(disturbances.duration.components.seconds) s", false)
        // Whichever fails first ends the run; only the waiting for the end ends it well.
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask { try await self.forever { try await ledger.follow(topics.jobEvents, of: chaos.stack.broker) } }
            group.addTask {
                try await publisher.run(over: disturbances.duration * 0.9, broker: chaos.stack.broker)
                return false
            }
            group.addTask {
                try await disturber.run()
                return false
            }
            group.addTask {
                try await self.forever {
                    try await crew.lookAfter()
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
            group.addTask {
                try await waitForEnd(chaos, plan, crew, disturber, publisher, ledger, began, report)
                return true
            }
            while let hasEnded = try await group.next(), !hasEnded {}
            group.cancelAll()
        }
        // Nobody starts anything any more.
        let problems = await crew.stopAll()
        report("everything has ended; comparing …", false)
        let figures = await crew.figures
        var verdict = try await judge(
            chaos, plan, conversations, problems, live: ledger.read { $0 },
            interruptions: figures.kills.values.reduce(0, +) + figures.pauses * ChaosStack.slots)
        note(figures, &verdict)
        verdict.count("programs that crashed", figures.crashes)
        let limit = options.memoryLimit
        verdict.check(
            "most memory of a process", Layout.size(figures.memory.values.max() ?? 0), promise: "≤ \(Layout.size(limit))",
            isKept: figures.memory.values.allSatisfy { $0 <= limit },
            examples: figures.memory.filter { $0.value > limit }.map { "\($0.key): \(Layout.size($0.value))" })
        verdict.figure("time", "\((ContinuousClock.now - began).components.seconds) s")
        return verdict
    }

    private func forever(_ body: @Sendable () async throws -> Void) async throws -> Never {
        while true {
            try await body()
            try Task.checkCancellation()
        }
    }

    /// Waits until everything has ended and every day has its tag, or until nothing more happens.
    private func waitForEnd(
        _ chaos: ChaosStack, _ plan: RehearsalPlan, _ crew: ChaosCrew, _ disturber: Disturber, _ publisher: RootPublisher,
        _ ledger: LiveLedger, _ began: ContinuousClock.Instant, _ report: @Sendable (String, Bool) -> Void
    ) async throws {
        let all = plan.expectations.count + plan.poison.count + options.days * 24
        let tags = Self.tags(of: plan, chaos)
        let lake = try chaos.lake()
        var last = (ended: -1, at: ContinuousClock.now, looked: ContinuousClock.now)
        // On Tansu a monitor that reads live may miss an event for good; the next one that leads finds out what it left undone.
        var replacesMonitors = !options.claimsExactlyOnce
        while true {
            try await Task.sleep(for: .milliseconds(500))
            let ended = ledger.read(\.ended)
            let now = ContinuousClock.now
            let state = disturber.state
            report(
                "\(Layout.right(String((now - began).components.seconds), 4)) s  ended \(Layout.number(ended)) of "
                    + "\(Layout.number(all))  published \(Layout.number(publisher.published)) of "
                    + "\(Layout.number(plan.roots.count))  kills \(state.kills)  \(state.now.joined(separator: "; "))", true)
            if ended != last.ended || !state.isOver { last = (ended, now, now) }
            guard state.isOver else { continue }
            if ended >= all, try await hasAll(tags, lake) { return }
            if now - last.at > options.patience { return }
            // Whoever followed all the time may have missed what somebody who comes now sees: that is judged, not waited for.
            if now - last.looked > .seconds(10) {
                if try await readEvents(chaos).ended >= all {
                    if try await hasAll(tags, lake) { return }
                    if replacesMonitors {
                        replacesMonitors = false
                        await crew.killAll("monitor")
                    }
                }
                last.looked = ContinuousClock.now
            }
        }
    }

    private func readEvents(_ chaos: ChaosStack) async throws -> EventLedger {
        var ledger = EventLedger()
        try await TopicContents.read(chaos.stack.configuration.topics.jobEvents, of: chaos.stack.broker) { ledger.note($0) }
        return ledger
    }

    private func hasAll(_ tags: [String], _ lake: any ObjectStore) async throws -> Bool {
        for tag in tags where try await lake.head(ObjectKey(tag)) == nil { return false }
        return true
    }

    /// The tags that the monitor writes last.
    private static func tags(of plan: RehearsalPlan, _ chaos: ChaosStack) -> [String] {
        let failed = Set(plan.expectations.filter { $0.end == .failed }.map { RehearsalContent.folder(of: $0.job) })
        let folders = Set(plan.roots.map { RehearsalContent.folder(of: $0) })
        let conversations = chaos.stack.days.days.map { day in
            LakeLayout.standard.folder(source: StackConfiguration.source, dataset: StackConfiguration.schedule, day: day)
        }
        return failed.map(LakeLayout.failure) + (folders.subtracting(failed).union(conversations)).map(LakeLayout.success)
    }

    // MARK: Judging

    private func judge(
        _ chaos: ChaosStack, _ plan: RehearsalPlan, _ conversations: [String: LakeSnapshot.Content], _ problems: [String],
        live: EventLedger, interruptions: Int
    ) async throws -> ChaosVerdict {
        var verdict = ChaosVerdict()
        let topics = chaos.stack.configuration.topics
        let broker = chaos.stack.broker
        // Read once more from the beginning, as somebody who comes later does.
        let ledger = try await readEvents(chaos)
        verdict.judgeJobs(
            ledger, plan, conversationJobs: options.days * 24, claimsExactlyOnce: options.claimsExactlyOnce)
        verdict.count(
            "jobs whose end a live reader missed",
            ledger.entries.filter { $0.value.ends > 0 && live[$0.key.id]?.ends ?? 0 == 0 }.map(\.key.id),
            promise: options.claimsExactlyOnce ? "0" : "not claimed on Tansu", isProvable: options.claimsExactlyOnce)
        var dead: [ConsumerRecord] = []
        try await TopicContents.read(topics.dead(RehearsalPlan.kind), of: broker) { dead.append($0) }
        verdict.judgeDead(dead, plan, claimsExactlyOnce: options.claimsExactlyOnce)
        var deadConversations: [String] = []
        try await TopicContents.read(topics.dead("conversation"), of: broker) { record in
            deadConversations.append(record.headers.text(of: JobHeader.deadMessage) ?? "no reason")
        }
        verdict.count("dead conversation jobs", deadConversations)
        let lake = try chaos.lake()
        // What killed processes left half-written is younger than housekeeping's grace period; without it, it must go.
        let abandoned = try await lake.removeAbandoned(olderThan: .zero)
        let abandonedAgain = try await lake.removeAbandoned(olderThan: .zero)
        verdict.figure("temporary objects that kills left", "\(abandoned), removed by housekeeping")
        verdict.count("temporary objects that stay", Array(repeating: "object", count: abandonedAgain))
        let snapshot = try await LakeSnapshot.of(lake)
        var (expected, failureTags) = LakeSnapshot.expected(of: plan)
        expected.merge(conversations) { $1 }
        verdict.judgeLake(
            LakeDifference(snapshot.objects, expected: expected, anyContent: failureTags), checkpoints: snapshot.checkpoints,
            interruptions: interruptions)
        verdict.count("programs that didn't stop when asked", problems)
        verdict.figure("broker", options.broker ?? "Tansu, behind a proxy")
        verdict.figure("attempts started", Layout.number(ledger.entries.values.reduce(0) { $0 + $1.started }))
        verdict.figure("attempts that failed, waits", "\(Layout.number(ledger.retries)), \(Layout.number(ledger.snoozes))")
        verdict.figure("objects that checkpoints saved", Layout.number(ledger.resumedObjects))
        for (link, proxies) in chaos.proxies.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let figures = proxies.map(\.figures)
            let struck = figures.reduce(0) { $0 + $1.requestsStruck }
            verdict.figure(
                "connections to the \(link.rawValue)",
                "\(Layout.number(figures.reduce(0) { $0 + $1.connections })), broken \(Layout.number(figures.reduce(0) { $0 + $1.broken }))"
                    + (struck > 0 ? ", requests struck \(Layout.number(struck))" : ""))
        }
        return verdict
    }

    private func note(_ figures: ChaosCrew.Figures, _ verdict: inout ChaosVerdict) {
        func list(_ counts: [String: Int]) -> String {
            counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }
        verdict.figure("kills", "\(figures.kills.values.reduce(0, +)): \(list(figures.kills))")
        verdict.figure("pauses", String(figures.pauses))
        verdict.figure("ends that nobody caused", figures.ends.isEmpty ? "none" : list(figures.ends))
        for (reason, count) in figures.reasons.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(4) {
            verdict.figure("  \(count) ×", reason)
        }
        verdict.figure(
            "memory, peak",
            figures.memory.sorted { $0.key < $1.key }.map { "\($0.key) \(Layout.size($0.value))" }.joined(separator: ", "))
    }
}
