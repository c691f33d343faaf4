import Scheduler
import Service

/// Publishes jobs by schedule.
@main
enum SchedulerProgram {
    static func main() async {
        await Program("scheduler", summary: "publishes jobs to Kafka by schedule") { settings in
            try SchedulerConfiguration(settings)
        } build: { configuration, context in
            ProgramParts(services: [SchedulerService(configuration, health: context.health, logger: context.logger)])
        }.main()
    }
}
