import CoreMetrics
import Glibc
import Logging
public import ServiceLifecycle
import UnixSignals

/// A long-running program: configuration, logs, metrics, health, signals, graceful shutdown and exit codes.
///
/// ```swift
/// await Program("scheduler", summary: "publishes jobs by schedule") { settings in
///     SchedulerConfiguration(settings)
/// } build: { configuration, context in
///     ProgramParts(services: [try Scheduler(configuration, health: context.health)])
/// }.main()
/// ```
///
/// 1. The configuration is read by `configure`; any problem ends the program with 78 before anything is opened.
/// 2. `build` makes the services; they run until SIGTERM or SIGINT and are then stopped in reverse order.
/// 3. A second signal, or the end of `shutdown.grace`, cancels what still runs; a third, or ten seconds without effect,
///    end the process at once.
/// 4. A service that throws or returns by itself stops the others gracefully and ends the program with a code that
///    tells the supervisor whether a restart helps.
public struct Program<Configuration: Sendable>: Sendable {
    /// Reads the configuration; problems are collected by the settings.
    public typealias Configure = @Sendable (Settings) throws -> Configuration
    /// Makes the services.
    public typealias Build = @Sendable (Configuration, ProgramContext) async throws -> ProgramParts
    /// Says what errors of libraries mean for the exit code; nil leaves the decision to others.
    public typealias Classify = @Sendable (any Error) -> ProgramFailure?

    let name: String
    let summary: String
    let googleCloudSecrets: SecretResolver.GoogleCloud?
    let classify: Classify
    let configure: Configure
    let build: Build

    /// Describes a program.
    ///
    /// - Parameters:
    ///   - name: The name in logs and messages.
    ///   - summary: One line for `--help`.
    ///   - googleCloudSecrets: What fetches `gcp-secret:` references.
    ///   - classify: Says what errors of libraries mean for the exit code.
    ///   - configure: Reads the configuration.
    ///   - build: Makes the services.
    public init(
        _ name: String, summary: String, googleCloudSecrets: SecretResolver.GoogleCloud? = nil,
        classify: @escaping Classify = { _ in nil }, configure: @escaping Configure, build: @escaping Build
    ) {
        self.name = name
        self.summary = summary
        self.googleCloudSecrets = googleCloudSecrets
        self.classify = classify
        self.configure = configure
        self.build = build
    }

    /// Parses the command line, runs, and ends the process with the right exit code.
    ///
    /// - Parameter arguments: The arguments after the program's name.
    public func main(arguments: [String] = Array(CommandLine.arguments.dropFirst())) async -> Never {
        // A reader that goes away is an error to handle where we write, not a reason to die.
        signal(SIGPIPE, SIG_IGN)
        let code: ProgramExit
        do throws(ProgramFailure) {
            switch try ProgramOptions.parse(arguments) {
            case .run(let options): code = await run(options, environment: ProcessEnvironment.current)
            case .help:
                StandardStreams.print(ProgramOptions.help(name: name, summary: summary))
                code = .clean
            case .version:
                StandardStreams.print("\(name) \(ProgramVersion.current)\n")
                code = .clean
            }
        } catch {
            StandardStreams.printError("\(name): \(error.message)\n")
            code = error.exit
        }
        exit(code.rawValue)
    }

    /// Runs until stopped; for programs with a command line of their own.
    ///
    /// - Parameters:
    ///   - options: What the command line said.
    ///   - environment: The environment variables.
    /// - Returns: How to end the process.
    public func run(_ options: ProgramOptions, environment: [String: String]) async -> ProgramExit {
        let loaded: (settings: Settings, common: CommonConfiguration, own: Configuration)
        do {
            loaded = try await load(options, environment)
        } catch {
            let failure = self.failure(for: error)
            for line in failure.message.split(whereSeparator: \.isNewline) { StandardStreams.printError("\(name): \(line)\n") }
            return failure.exit
        }
        if options.printsConfiguration {
            StandardStreams.print(loaded.settings.effective)
            return .clean
        }
        let metrics = PrometheusMetrics()
        Logs.bootstrap(loaded.common.log, service: name, instance: loaded.common.instance)
        MetricsSystem.bootstrap(metrics)
        let context = ProgramContext(
            name: name, instance: loaded.common.instance, settings: loaded.settings, health: HealthRegistry(), metrics: metrics)
        if !loaded.settings.unusedEnvironment.isEmpty {
            context.logger.notice(
                "environment variables are set that this program does not use",
                metadata: ["variables": "\(loaded.settings.unusedEnvironment.joined(separator: ","))"])
        }
        let supervisor = ProgramSupervisor(context: context, common: loaded.common, readyFile: options.readyFile)
        do {
            // Trapped before anything starts, so that a signal during a slow start is honoured too.
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            try await supervisor.run(signals: signals) { try await build(loaded.own, context) }
            context.logger.info("stopped")
            return .clean
        } catch {
            let failure = self.failure(for: error)
            context.logger.critical(
                "ended by an error", metadata: ["error": "\(failure.message)", "exit": "\(failure.exit.rawValue)"])
            return failure.exit
        }
    }

    private func load(
        _ options: ProgramOptions, _ environment: [String: String]
    ) async throws -> (Settings, CommonConfiguration, Configuration) {
        let settings = try await Settings.load(
            file: options.configurationFile, environment: environment, googleCloudSecrets: googleCloudSecrets)
        let common = CommonConfiguration(settings)
        let own = try configure(settings)
        try settings.finish()
        return (settings, common, own)
    }

    private func failure(for error: any Error) -> ProgramFailure {
        if let failure = error as? ProgramFailure { return failure }
        if let failure = classify(error) { return failure }
        if let error = error as? SettingsError { return ProgramFailure(.configuration, error.description) }
        if let error = error as? SecretError { return ProgramFailure(.configuration, error.description) }
        if error is CancellationError { return ProgramFailure(.failure, "cancelled before it had stopped by itself") }
        return ProgramFailure(.failure, "\(error)")
    }
}

/// What a program is made of.
public struct ProgramParts: Sendable {
    /// The services, in starting order; they are stopped in reverse order.
    public var services: [any ServiceLifecycle.Service]
    /// Adds the program's own routes to the admin server.
    public var routes: AdminRoutes

    /// Creates parts.
    ///
    /// - Parameters:
    ///   - services: The services, in starting order.
    ///   - routes: Adds the program's own routes to the admin server.
    public init(services: [any ServiceLifecycle.Service], routes: @escaping AdminRoutes = { _ in }) {
        self.services = services
        self.routes = routes
    }
}
