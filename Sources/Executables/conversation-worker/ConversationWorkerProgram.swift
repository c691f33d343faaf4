import Conversation
import GenesysCloud
import GenesysCloudSettings
import Service
import Transfer
import WorkerKit

/// Does conversation jobs.
@main
enum ConversationWorkerProgram {
    private struct Configuration {
        let worker: JobWorkerConfiguration
        let conversations: ConversationConfiguration
        let genesys: GenesysCloudSettings
        let budget: SharedBudget
        let lake: LakeSettings
        let http: HTTPClientConfiguration
    }

    static func main() async {
        await Program("conversation-worker", summary: "extracts conversations from Genesys Cloud into the lake") { settings in
            Configuration(
                worker: JobWorkerConfiguration(kind: "conversation", name: "conversation-worker", settings: settings),
                conversations: ConversationConfiguration(settings), genesys: GenesysCloudSettings(settings),
                budget: SharedBudget(settings), lake: LakeSettings(settings), http: HTTPClientConfiguration(settings))
        } build: { configuration, context in
            let http = HTTPClient(configuration.http)
            let store = try await configuration.lake.open(http: http, context: context)
            let handler = ConversationHandler(
                client: configuration.genesys.makeClient(transport: http, budget: configuration.budget), store: store,
                configuration: configuration.conversations)
            return ProgramParts(services: [
                HTTPClientService(http), LakeHousekeeping(store, logger: context.logger),
                JobWorker(
                    configuration.worker, handler: handler, state: store, budget: configuration.budget, health: context.health,
                    logger: context.logger),
            ])
        }.main()
    }
}
