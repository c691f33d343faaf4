import GenesysCloud
import GenesysCloudSettings
import Service
import Transfer
import UserDetails
import WorkerKit

/// Does user details jobs and lookups.
@main
enum UserDetailsWorkerProgram {
    private struct Configuration {
        let worker: JobWorkerConfiguration
        let details: UserDetailsConfiguration
        let genesys: GenesysCloudSettings
        let budget: SharedBudget
        let lake: LakeSettings
        let http: HTTPClientConfiguration
    }

    static func main() async {
        await Program(
            "user-details-worker", summary: "extracts presence, routing status and lookups from Genesys Cloud into the lake"
        ) { settings in
            Configuration(
                worker: JobWorkerConfiguration(kind: "user-details", name: "user-details-worker", settings: settings),
                details: UserDetailsConfiguration(settings), genesys: GenesysCloudSettings(settings),
                budget: SharedBudget(settings), lake: LakeSettings(settings), http: HTTPClientConfiguration(settings))
        } build: { configuration, context in
            let http = HTTPClient(configuration.http)
            let store = try await configuration.lake.open(http: http, context: context)
            let handler = UserDetailsHandler(
                client: configuration.genesys.makeClient(transport: http, budget: configuration.budget), store: store,
                configuration: configuration.details)
            return ProgramParts(services: [
                HTTPClientService(http), LakeHousekeeping(store, logger: context.logger),
                JobWorker(
                    configuration.worker, handler: handler, state: store, budget: configuration.budget, health: context.health,
                    logger: context.logger),
            ])
        }.main()
    }
}
