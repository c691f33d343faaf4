import Rehearsal
import Service
import Transfer
import WorkerKit

/// Does rehearsal jobs: work whose result follows from a seed, for `make chaos`.
@main
enum RehearsalWorkerProgram {
    private struct Configuration {
        let worker: JobWorkerConfiguration
        let vendor: String?
        let lake: LakeSettings
        let http: HTTPClientConfiguration
    }

    static func main() async {
        await Program("rehearsal-worker", summary: "does work whose result follows from a seed, for development") { settings in
            Configuration(
                worker: JobWorkerConfiguration(kind: RehearsalPlan.kind, name: "rehearsal-worker", settings: settings),
                vendor: settings.scoped("rehearsal").optionalURL("vendor"), lake: LakeSettings(settings),
                http: HTTPClientConfiguration(settings))
        } build: { configuration, context in
            let http = HTTPClient(configuration.http)
            let store = try await configuration.lake.open(http: http, context: context)
            let handler = RehearsalHandler(store: store, http: http, vendor: configuration.vendor)
            return ProgramParts(services: [
                HTTPClientService(http), LakeHousekeeping(store, logger: context.logger),
                JobWorker(
                    configuration.worker, handler: handler, state: store, health: context.health, logger: context.logger),
            ])
        }.main()
    }
}
