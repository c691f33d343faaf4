import ArgumentParser
import Contracts
import Foundation
import Service
import WorkerKit

/// The worker that the flood runs through: a process like every worker, whose jobs do nothing.
struct PoisonWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poison-worker", abstract: "The worker of `poison`.", shouldDisplay: false)

    static let kind = "poison"

    @Option(help: "The configuration file.")
    var config: String

    private struct Handler: JobHandler {
        func handle(_ job: Job, _ context: JobContext) async throws -> Outcome { .done(JobResult()) }
    }

    func run() async throws {
        let program = Program("poison-worker", summary: "does nothing, quickly") { settings in
            var worker = JobWorkerConfiguration(kind: Self.kind, name: "poison-worker", settings: settings)
            // A job may ask to wait for years: here it is done at once.
            worker.retryDelays = []
            return worker
        } build: { configuration, context in
            ProgramParts(services: [
                JobWorker(configuration, handler: Handler(), state: nil, health: context.health, logger: context.logger)
            ])
        }
        let code = await program.run(
            ProgramOptions(configurationFile: config), environment: ProcessInfo.processInfo.environment)
        throw ExitCode(code.rawValue)
    }
}
