import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals
import VendorSimulator

/// The program `vendor-simulator`.
@main
struct VendorSimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vendor-simulator",
        abstract: "Plays the vendors' APIs on loopback, with computed data, a fault plan and a clock that can be moved.",
        discussion: """
            When it listens it prints one line to standard output:

              ready login=http://127.0.0.1:PORT api=http://127.0.0.1:PORT control=http://127.0.0.1:PORT

            and logs to standard error. SIGTERM and SIGINT end it at once.

            The control address: GET /health, GET|DELETE /requests, GET|POST /truth, GET|POST /truth/digest, GET|POST /clock,
            POST /tokens/revoke, GET|PUT|POST /faults, PUT /rate-limit, POST /conversations/delete, POST /conversations/revise.
            """)

    @OptionGroup(title: "Addresses")
    var addresses: AddressOptions

    @OptionGroup(title: "Access")
    var access: AccessOptions

    @OptionGroup(title: "Data")
    var data: DataOptions

    @OptionGroup(title: "Behaviour")
    var behaviour: BehaviourOptions

    func run() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "vendor-simulator")
        logger.logLevel = .warning
        var configuration = SimulatorConfiguration()
        addresses.apply(to: &configuration)
        try access.apply(to: &configuration)
        try data.apply(to: &configuration)
        try behaviour.apply(to: &configuration)
        let simulator: VendorSimulator
        do {
            simulator = try VendorSimulator(configuration, logger: logger)
        } catch let error as SimulatorConfigurationError {
            throw ValidationError(error.description)
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [simulator, ReadyAnnouncement(simulator: simulator, file: addresses.readyFile)],
                cancellationSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch is CancellationError {
            return
        } catch {
            FileHandle.standardError.write(Data("vendor-simulator: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }
}

/// The ready file could not be written.
private struct UnwritableReadyFile: Error, CustomStringConvertible {
    let file: String
    let reason: String

    var description: String { "the ready file \(file) cannot be written: \(reason)" }
}

/// Tells whoever started the program where it listens.
private struct ReadyAnnouncement: Service {
    let simulator: VendorSimulator
    let file: String?

    func run() async throws {
        let addresses = try await simulator.addresses()
        let line = "ready login=\(addresses.login) api=\(addresses.api) control=\(addresses.control)\n"
        if let file {
            // Atomic: written beside it and renamed, so that a reader sees all of the line or no file.
            do {
                try Data(line.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
            } catch {
                throw UnwritableReadyFile(file: file, reason: error.localizedDescription)
            }
        }
        try FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
        // A service that returns would end its group.
        try await gracefulShutdown()
    }
}
