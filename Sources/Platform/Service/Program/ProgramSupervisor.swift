import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Runs the parts of a program and turns signals into its end.
struct ProgramSupervisor: Sendable {
    let context: ProgramContext
    let common: CommonConfiguration
    let readyFile: String?

    /// Builds and runs the parts until they end or a signal ends them.
    ///
    /// - Throws: What a part threw.
    func run(_ build: @escaping @Sendable () async throws -> ProgramParts) async throws {
        let (cancellations, cancellation) = AsyncStream.makeStream(of: Void.self)
        let control = StopControl { cancellation.yield() }
        // Trapped before anything starts, so that a signal during a slow start is honoured too.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await withThrowingTaskGroup(of: Void.self) { watcher in
            watcher.addTask { await watch(signals, control) }
            defer { watcher.cancelAll() }
            do {
                try await withThrowingTaskGroup(of: Bool.self) { tasks in
                    tasks.addTask {
                        try await runParts(build, control)
                        return true
                    }
                    tasks.addTask {
                        for await _ in cancellations { break }
                        return false
                    }
                    while let partsEnded = try await tasks.next() {
                        tasks.cancelAll()
                        if partsEnded { return }
                    }
                }
            } catch  where control.endsWithoutFailure(after: error) {
                context.logger.debug("interrupted while stopping", metadata: ["error": "\(error)"])
            }
        }
    }

    private func runParts(_ build: @Sendable () async throws -> ProgramParts, _ control: StopControl) async throws {
        let parts = try await build()
        let admin = AdminServer(
            configuration: common.admin, health: context.health, metrics: context.metrics, routes: parts.routes)
        let services: [any ServiceLifecycle.Service] = [admin] + parts.services
        var quiet = context.logger
        quiet.logLevel = max(quiet.logLevel, .notice)
        var configuration = ServiceGroupConfiguration(
            services: services.map { service in
                .init(
                    service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            }, logger: quiet)
        configuration.maximumGracefulShutdownDuration = common.grace
        let group = ServiceGroup(configuration: configuration)
        await control.setGracefulStop { await group.triggerGracefulShutdown() }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await announce(admin) }
            defer { tasks.cancelAll() }
            try await group.run()
        }
        if !control.isStopping {
            throw ProgramFailure(.failure, "a service ended by itself although nothing had asked it to; see the log above")
        }
    }

    private func announce(_ admin: AdminServer) async throws {
        guard let port = await admin.boundPort() else { return }
        context.logger.info(
            "started",
            metadata: [
                "admin": "http://\(common.admin.host):\(port)", "version": "\(ProgramVersion.current)", "pid": "\(getpid())",
            ])
        try await context.health.waitUntilReady()
        context.logger.info("ready")
        guard let readyFile else { return }
        let host = common.admin.host == "0.0.0.0" || common.admin.host == "::" ? "127.0.0.1" : common.admin.host
        let text = "{\"pid\":\(getpid()),\"admin\":\(JSONText.quoted("http://\(host):\(port)"))}\n"
        do {
            try ReadyFile.write(text, to: readyFile)
        } catch {
            context.logger.error(
                "cannot write the ready file; check --ready-file", metadata: ["path": "\(readyFile)", "error": "\(error)"])
        }
    }

    private func watch(_ signals: UnixSignalsSequence, _ control: StopControl) async {
        for await signal in signals {
            switch control.countSignal() {
            case 1:
                context.logger.info("stopping; a second signal stops at once", metadata: ["signal": "\(signal)"])
                context.health.beginDraining()
                await control.stopGracefully()
            case 2:
                context.logger.warning("stopping at once: running work is cancelled", metadata: ["signal": "\(signal)"])
                control.cancel()
            default:
                context.logger.error("ended by repeated signals", metadata: ["signal": "\(signal)"])
                _exit(ProgramExit.failure.rawValue)
            }
        }
    }
}

/// What signals do to the parts, whether these have been built yet or not.
final class StopControl: Sendable {
    private struct State {
        var signals = 0
        var gracefulStop: (@Sendable () async -> Void)?
    }

    private let state = Mutex(State())
    private let cancelParts: @Sendable () -> Void

    /// - Parameter cancelParts: Cancels the task that builds and runs the parts.
    init(cancelParts: @escaping @Sendable () -> Void) { self.cancelParts = cancelParts }

    var isStopping: Bool { state.withLock { $0.signals > 0 } }

    func countSignal() -> Int {
        state.withLock { state in
            state.signals += 1
            return state.signals
        }
    }

    /// Says how to stop gracefully, once there is something to stop.
    func setGracefulStop(_ action: @escaping @Sendable () async -> Void) async {
        let isLate = state.withLock { state in
            state.gracefulStop = action
            return state.signals > 0
        }
        if isLate { await action() }
    }

    /// Stops the running parts gracefully; while they are still being built, cancels the building.
    func stopGracefully() async {
        if let action = state.withLock({ $0.gracefulStop }) { await action() } else { cancelParts() }
    }

    func cancel() { cancelParts() }

    /// What parts throw because they were told to stop is no failure; nor is a start that was interrupted.
    func endsWithoutFailure(after error: any Error) -> Bool {
        state.withLock { $0.signals > 0 && ($0.gracefulStop == nil || error is CancellationError) }
    }
}
