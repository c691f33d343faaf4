internal import Synchronization

/// Makes things go wrong as planned.
final class Disturber: Sendable {
    /// How far it is.
    struct State: Sendable {
        /// Processes that were killed.
        var kills = 0
        /// What is wrong now.
        var now: [String] = []
        /// Whether all is calm for good.
        var isOver = false
    }

    private let plan: DisturbancePlan
    private let crew: ChaosCrew
    private let chaos: ChaosStack
    private let restart: String?
    private let current = Mutex(State())

    init(_ plan: DisturbancePlan, _ crew: ChaosCrew, _ chaos: ChaosStack, restart: String?) {
        self.plan = plan
        self.crew = crew
        self.chaos = chaos
        self.restart = restart
    }

    /// How far it is.
    var state: State { current.withLock { $0 } }

    /// Carries out the plan, then makes everything work again.
    func run() async throws {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for step in plan.steps {
                try await Task.sleep(until: start + step.at, clock: .continuous)
                // Each in a task of its own: a fault that lasts doesn't hold up the next kill.
                group.addTask { try await self.carryOut(step.action) }
            }
            try await group.waitForAll()
        }
        chaos.calm()
        try await crew.calm()
        current.withLock { $0.isOver = true }
    }

    private func carryOut(_ action: DisturbancePlan.Action) async throws {
        switch action {
        case .kill(let choice, let restart):
            if await crew.kill(choice: choice, restart: restart) != nil { current.withLock { $0.kills += 1 } }
        case .pause(let choice, let time):
            guard let member = await crew.pause(choice: choice, time: time) else { return }
            try await show("\(member) stands still", for: time)
        case .cut(let link): chaos.cut(link)
        case .fault(let link, let fault, let time):
            chaos.set(fault, on: link)
            try await show("\(link.rawValue) \(fault)", for: time)
            chaos.set(nil, on: link)
        case .restartBroker: try await restartBroker()
        }
    }

    private func show(_ text: String, for time: Duration) async throws {
        current.withLock { $0.now.append(text) }
        defer {
            current.withLock { state in
                if let index = state.now.firstIndex(of: text) { state.now.remove(at: index) }
            }
        }
        try await Task.sleep(for: time)
    }

    private func restartBroker() async throws {
        guard let restart else { return }
        let log = "\(chaos.stack.options.directory)/logs/broker-restart.log"
        let process = try await ManagedProcess.start(
            ProcessCommand("broker-restart", program: "/bin/sh", arguments: ["-c", restart], output: log))
        let end = await process.awaitEnd(within: .seconds(120))
        guard end == .exited(0) else {
            await process.kill()
            throw DevelopmentError("BROKER_RESTART \(end?.description ?? "takes more than 120 s")", advice: "see \(log)")
        }
    }
}
