import Glibc
import Logging
import ServiceLifecycle

/// Runs the parts of a program and turns signals into its end.
struct ProgramSupervisor: Sendable {
    let context: ProgramContext
    let common: CommonConfiguration
    let readyFile: String?
    /// Ends the process without asking anybody; a test of the supervisor is not the process to end.
    var endByForce: @Sendable () -> Void = { _exit(ProgramExit.failure.rawValue) }

    /// How long cancelled parts may take after the grace period.
    private static let cancellationGrace = Duration.seconds(10)

    /// Builds and runs the parts until they end or a signal ends them.
    ///
    /// - Parameters:
    ///   - signals: The signals as they arrive.
    ///   - build: Makes the parts.
    /// - Throws: What a part threw.
    func run<Signals>(
        signals: Signals, _ build: @escaping @Sendable () async throws -> ProgramParts
    ) async throws where Signals: AsyncSequence & Sendable, Signals.Element: CustomStringConvertible {
        let (cancellations, cancellation) = AsyncStream.makeStream(of: Void.self)
        let control = StopControl { cancellation.yield() }
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { watcher in
            watcher.addTask { try await watch(signals, control, stop) }
            watcher.addTask { try await endOverdueStop(after: stops) }
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
            // A group of services that was cancelled forgets what they said at their end, such as that they left work behind.
            if let failure = control.failure { throw failure }
        }
    }

    /// Serves the operators first, so that they see what the building of the parts waits for, and until the parts have ended.
    private func runParts(
        _ build: @escaping @Sendable () async throws -> ProgramParts, _ control: StopControl
    ) async throws {
        let starting = context.health.indicator("start", initially: .failing("the program is still being put together"))
        let admin = AdminServer(configuration: common.admin, health: context.health, metrics: context.metrics)
        let failure = await withTaskGroup(of: (areParts: Bool, failure: (any Error)?).self) { tasks in
            tasks.addTask {
                let failure = await Self.failure { try await admin.run() }
                if !Task.isCancelled { await control.stopGracefully() }
                return (false, failure)
            }
            tasks.addTask { (false, await Self.failure { try await announce(admin) }) }
            tasks.addTask {
                let failure = await Self.failure {
                    guard await admin.boundPort() != nil else { return }
                    let parts = try await build()
                    admin.setRoutes(parts.routes)
                    starting.set(.passing)
                    try await run(parts, control)
                }
                return (true, failure)
            }
            // What failed first says how the program ends; what follows from it doesn't.
            var first: (any Error)?
            for await end in tasks {
                if end.areParts || !(end.failure is CancellationError) { first = first ?? end.failure }
                if end.areParts { tasks.cancelAll() }
            }
            return first
        }
        if let failure { throw failure }
    }

    private static func failure(of body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    private func run(_ parts: ProgramParts, _ control: StopControl) async throws {
        let services = parts.services.map { WatchedService(service: $0, control: control, logger: context.logger) }
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
        try await group.run()
        if !control.isStopping {
            throw ProgramFailure(.failure, "a service ended by itself although nothing had asked it to; the log says which")
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

    /// Ends the process when its parts neither stop nor heed their cancellation.
    private func endOverdueStop(after stops: AsyncStream<Void>) async throws {
        for await _ in stops { break }
        try await Task.sleep(for: common.grace + Self.cancellationGrace)
        context.logger.critical("ended by force: a part has neither stopped nor heeded its cancellation")
        endByForce()
    }

    private func watch<Signals>(
        _ signals: Signals, _ control: StopControl, _ stop: AsyncStream<Void>.Continuation
    ) async throws
    where Signals: AsyncSequence & Sendable, Signals.Element: CustomStringConvertible {
        for try await signal in signals {
            switch control.countSignal() {
            case 1:
                context.logger.info("stopping; a second signal stops at once", metadata: ["signal": "\(signal)"])
                context.health.beginDraining()
                stop.yield()
                await control.stopGracefully()
            case 2:
                context.logger.warning("stopping at once: running work is cancelled", metadata: ["signal": "\(signal)"])
                control.cancel()
            default:
                context.logger.error("ended by repeated signals", metadata: ["signal": "\(signal)"])
                endByForce()
            }
        }
    }
}
