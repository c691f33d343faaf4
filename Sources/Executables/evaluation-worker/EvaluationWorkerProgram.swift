import Evaluation
import GenesysCloud
import GenesysCloudSettings
import Service
import Transfer
import WorkerKit

/// Does evaluation jobs.
@main
enum EvaluationWorkerProgram {
    private struct Configuration {
        let worker: JobWorkerConfiguration
        let evaluations: EvaluationConfiguration
        let genesys: GenesysCloudSettings
        let budget: SharedBudget
        let lake: LakeSettings
        let http: HTTPClientConfiguration
    }

    static func main() async {
        await Program("evaluation-worker", summary: "extracts evaluations and their forms from Genesys Cloud into the lake") {
            settings in
            Configuration(
                worker: JobWorkerConfiguration(kind: "evaluation", name: "evaluation-worker", settings: settings),
                evaluations: EvaluationConfiguration(settings), genesys: GenesysCloudSettings(settings),
                budget: SharedBudget(settings), lake: LakeSettings(settings), http: HTTPClientConfiguration(settings))
        } build: { configuration, context in
            let http = HTTPClient(configuration.http)
            let store = try await configuration.lake.open(http: http, context: context)
            let handler = EvaluationHandler(
                client: configuration.genesys.makeClient(transport: http, budget: configuration.budget), store: store,
                configuration: configuration.evaluations)
            return ProgramParts(services: [
                HTTPClientService(http), LakeHousekeeping(store, logger: context.logger),
                JobWorker(
                    configuration.worker, handler: handler, state: store, budget: configuration.budget, health: context.health,
                    logger: context.logger),
            ])
        }.main()
    }
}
