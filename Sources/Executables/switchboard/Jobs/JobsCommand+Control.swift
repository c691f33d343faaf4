import ArgumentParser
import Contracts
import Foundation
import Operations

extension JobsCommand {
    /// `switchboard jobs cancel`.
    struct Cancel: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Calls jobs off, with everything that they were fanned out to.",
            discussion: """
                Running jobs stop at once, waiting ones are called off when a worker reads them. It holds for revisions up to \
                the latest that is known, or --revision: a later rerun runs.

                Exit codes: 0 done or nothing to do, 1 error, 2 there is something to do and --execute was not given, 3 a job is \
                not known, 64 wrong usage.
                """)

        static let examples = """
            switchboard jobs cancel conversations-20260228T160000Z-20260301T160000Z --reason "wrong day"
            switchboard jobs cancel conversations-20260228T160000Z-20260301T160000Z --execute --wait
            """

        @Argument(help: "Ids of roots or parts.")
        var ids: [String]

        @Option(help: "The highest revision to cancel, instead of the latest that is known.")
        var revision: Int?

        @Option(name: .customLong("for"), help: ArgumentHelp("How long it holds.", valueName: "duration"))
        var duration = "7d"

        @Flag(help: "Wait until the jobs have ended.")
        var wait = false

        @Option(help: ArgumentHelp("With --wait: give up after so long.", valueName: "duration"))
        var timeout = "10m"

        @OptionGroup var options: ControlOptions

        func run() async throws {
            let now = Date()
            for id in ids { try JobFilterOptions.check(id: id) }
            if let revision, revision < 0 { throw UsageProblem("--revision", given: "\(revision)", allowed: "0 or more") }
            let expiry = try DurationOption.expiry(duration, "--for", now: now)
            let timeout = try DurationOption.parse(timeout, "--timeout")
            let (ids, given, wait, options) = (Array(Set(ids)).sorted(), revision, wait, options)
            let reason = try options.checkedReason
            try await options.run { operations, _ in
                var plan = ControlPlan()
                for id in ids {
                    let story = JobStory(of: id, events: try await operations.story(of: id).events)
                    let state = story.map { $0.id == $0.run.root ? $0.run.state : $0.node?.state ?? $0.run.state }
                    guard let revision = given ?? story?.run.revision else {
                        plan.refused.append(
                            "\(id): no event of it is kept; look for it with `switchboard jobs list`, or cancel it unseen with --revision"
                        )
                        continue
                    }
                    if given == nil, let state, state.isTerminal {
                        plan.nothing.append("\(id): it is \(state.rawValue) at revision \(revision)")
                        continue
                    }
                    plan.publish(
                        .cancel(
                            job: id, revision: revision, by: OperatorName.current, reason: reason, at: now, expiresAt: expiry),
                        now: state.map { state in
                            let next = story?.run.nextAttempt.map {
                                ", and is called off when its next attempt is due, \(Timestamp.string($0))"
                            }
                            return "it is \(state.rawValue)" + (state == .waiting ? next ?? "" : "")
                        })
                }
                return plan
            } afterwards: { operations, plan in
                guard wait, !plan.publish.isEmpty else { return }
                try await Self.await(plan.publish.compactMap(\.control.job), operations, timeout: timeout)
            }
        }

        /// Returns when all the jobs have ended.
        private static func await(_ ids: [String], _ operations: JobOperations, timeout: Duration?) async throws {
            let left = try await withThrowingTaskGroup(of: [String]?.self) { group in
                group.addTask {
                    for id in ids {
                        let story = try await operations.story(of: id)
                        var events = story.events
                        func isOver() -> Bool {
                            guard let story = JobStory(of: id, events: events) else { return false }
                            return id == story.run.root ? story.run.state.isTerminal : story.node?.state.isTerminal ?? false
                        }
                        if isOver() { continue }
                        let root = events.first?.job.root ?? id
                        try await operations.follow(from: story.positions) { event in
                            guard event.job.root == root else { return true }
                            events.append(event)
                            return !isOver()
                        }
                    }
                    return []
                }
                if let timeout {
                    group.addTask {
                        try await Task.sleep(for: timeout)
                        return nil
                    }
                }
                let result = try await group.next() ?? nil
                group.cancelAll()
                return result
            }
            guard left != nil else {
                throw Failure("not all of them have ended yet; look with `switchboard jobs status`, and whether workers run")
            }
            for id in ids {
                let story = JobStory(of: id, events: try await operations.story(of: id).events)
                Output.note("\(id): \(story.map { ($0.node?.state ?? $0.run.state).rawValue } ?? "unknown")")
            }
        }
    }

    /// `switchboard jobs pause`.
    struct Pause: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Lets workers begin no jobs of a kind or source until it is resumed.",
            discussion: """
                Jobs that run go on. Nothing is lost: paused jobs stay where they are.

                Exit codes: 0 done, 1 error, 2 --execute was not given, 64 wrong usage.
                """)

        static let examples = """
            switchboard jobs pause --source genesys/main --for 2h --reason "vendor maintenance" --execute
            switchboard jobs pause --kind conversation --execute
            """

        @OptionGroup var scope: ScopeOptions

        @Option(
            name: .customLong("for"),
            help: ArgumentHelp("How long it holds; without it, until it is resumed.", valueName: "duration"))
        var duration: String?

        @OptionGroup var options: ControlOptions

        func run() async throws {
            let now = Date()
            let target = try scope.target()
            let expiry = try DurationOption.expiry(duration, "--for", now: now)
            let reason = try options.checkedReason
            try await options.run { operations, state in
                try await ScopeOptions.check(target, operations)
                var plan = ControlPlan()
                plan.publish(
                    .pause(target, by: OperatorName.current, reason: reason, at: now, expiresAt: expiry),
                    now: state.entries[Control.key(.pause, target)].flatMap {
                        $0.isActive(at: now) ? "it is paused already" : nil
                    })
                return plan
            }
        }
    }

    /// `switchboard jobs resume`.
    struct Resume: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Lets workers begin jobs of a paused kind or source again.",
            discussion: "Exit codes: 0 done or not paused, 1 error, 2 --execute was not given, 64 wrong usage.")

        static let examples = """
            switchboard jobs resume --source genesys/main --execute
            """

        @OptionGroup var scope: ScopeOptions
        @OptionGroup var options: ControlOptions

        func run() async throws {
            let target = try scope.target()
            try await options.run { _, state in
                var plan = ControlPlan()
                plan.takeBack(Control.key(.pause, target), in: state, otherwise: "it isn't paused")
                return plan
            }
        }
    }

    /// `switchboard jobs limit`.
    struct Limit: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Lowers how many jobs of a kind each worker runs at a time, or how often all together call a source.",
            discussion: "Exit codes: 0 done or nothing to remove, 1 error, 2 --execute was not given, 64 wrong usage.")

        static let examples = """
            switchboard jobs limit --source genesys/main --requests-per-minute 120 --for 1d --execute
            switchboard jobs limit --kind conversation --slots 1 --execute
            switchboard jobs limit --source genesys/main --remove --execute
            """

        @OptionGroup var scope: ScopeOptions

        @Option(help: "With --kind: jobs at a time in each worker.")
        var slots: Int?

        @Option(help: "With --source: calls a minute of all workers together.")
        var requestsPerMinute: Int?

        @Flag(help: "Take the limit back.")
        var remove = false

        @Option(
            name: .customLong("for"),
            help: ArgumentHelp("How long it holds; without it, until it is removed.", valueName: "duration")
        )
        var duration: String?

        @OptionGroup var options: ControlOptions

        func run() async throws {
            let now = Date()
            let target = try scope.target()
            let expiry = try DurationOption.expiry(duration, "--for", now: now)
            let control = try control(target, expiry, now)
            try await options.run { operations, state in
                var plan = ControlPlan()
                guard let control else {
                    plan.takeBack(Control.key(.limit, target), in: state, otherwise: "it isn't limited")
                    return plan
                }
                try await ScopeOptions.check(target, operations)
                plan.publish(
                    control,
                    now: state.entries[Control.key(.limit, target)].flatMap {
                        $0.isActive(at: now) ? "now: \(ControlPlan.words($0))" : nil
                    })
                return plan
            }
        }

        /// The entry; nil to remove it.
        private func control(_ target: Control.Target, _ expiry: Date?, _ now: Date) throws -> Control? {
            let reason = try options.checkedReason
            if remove {
                guard slots == nil, requestsPerMinute == nil else {
                    throw UsageProblem("--remove takes a limit back; leave --slots and --requests-per-minute out")
                }
                return nil
            }
            switch (target, slots, requestsPerMinute) {
            case (.kind(let kind), let slots?, nil):
                guard (1...1_000).contains(slots) else {
                    throw UsageProblem("--slots", given: "\(slots)", allowed: "1 to 1000; `switchboard jobs pause` stops a kind")
                }
                return .limit(kind: kind, slots: slots, by: OperatorName.current, reason: reason, at: now, expiresAt: expiry)
            case (.source(let source), nil, let requests?):
                guard (1...1_000_000).contains(requests) else {
                    throw UsageProblem(
                        "--requests-per-minute", given: "\(requests)",
                        allowed: "1 to 1000000; `switchboard jobs pause` stops a source")
                }
                return .limit(
                    source: source, requestsPerMinute: requests, by: OperatorName.current, reason: reason, at: now,
                    expiresAt: expiry)
            default:
                throw UsageProblem("give --kind with --slots, or --source with --requests-per-minute, or --remove")
            }
        }
    }

    /// `switchboard jobs control`.
    struct ShowControl: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            commandName: "control",
            abstract: "Shows what workers are told now: cancellations, pauses and limits.",
            discussion: "Exit codes: 0 shown, 1 error, 64 wrong usage.")

        static let examples = """
            switchboard jobs control
            switchboard jobs control --json
            """

        @Flag(help: "Show entries that have expired, too.")
        var all = false

        @Flag(help: "Print them as JSON.")
        var json = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        func run() async throws {
            let now = Date()
            let (kafka, topics) = try await connection.connect()
            let operations = JobOperations(kafka, topics: topics, report: JobOperations.progress("read"))
            let found = try await Interruption.cancelling { try await operations.control() }.result
            let entries = found.state.entries.filter { all || $0.value.isActive(at: now) }.sorted { $0.key < $1.key }
            if json {
                try Output.json(
                    entries.map { ControlEntry(key: $0.key, isActive: $0.value.isActive(at: now), control: $0.value) })
            } else if entries.isEmpty {
                Output.note("workers are told nothing")
            } else {
                Output.result(ControlEntry.table(entries.map(\.value), now: now))
            }
            if found.unreadable > 0 { Output.note("\(found.unreadable) entries couldn't be read; workers pass them over, too") }
        }
    }
}
