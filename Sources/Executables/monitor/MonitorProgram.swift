import Monitor
import Service
import Transfer

/// Turns job events into tags, alerts and a page.
@main
enum MonitorProgram {
    private struct Configuration {
        let monitor: MonitorConfiguration
        let lake: LakeSettings
        let http: HTTPClientConfiguration
    }

    static func main() async {
        await Program("monitor", summary: "turns job events into tags, alerts and a page") { settings in
            Configuration(
                monitor: MonitorConfiguration(settings), lake: LakeSettings(settings), http: HTTPClientConfiguration(settings))
        } build: { configuration, context in
            let http = HTTPClient(configuration.http)
            let store = try await configuration.lake.open(http: http, context: context)
            let monitor = MonitorService(configuration.monitor, store: store, health: context.health, logger: context.logger)
            return ProgramParts(services: [HTTPClientService(http), monitor], routes: StatusPage.routes(monitor))
        }.main()
    }
}
