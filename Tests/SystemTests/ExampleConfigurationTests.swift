import DevelopmentStack
import Foundation
import Testing

extension SystemTests {
    @Suite("example configurations")
    struct Examples {
        @Test(
            "config/ has one for each program, which it reads without a problem",
            arguments: ["scheduler", "monitor", "conversation-worker", "evaluation-worker", "user-details-worker"])
        func example(program: String) async throws {
            let installation = try Installation.current()
            try await withDirectory { directory in
                let secrets = ["KAFKA_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GENESYS_CLIENT_SECRET"]
                var environment = Dictionary(uniqueKeysWithValues: secrets.map { ($0, "do-not-tell" as String?) })
                // Found from wherever the tests run.
                if program == "scheduler" {
                    environment["SWITCHBOARD_SCHEDULER_SCHEDULES"] = "\(installation.repository)/config/schedules.yaml"
                }
                let process = try await ManagedProcess.start(
                    ProcessCommand(
                        program, program: try installation.program(program),
                        arguments: ["--config", "\(installation.repository)/config/\(program).yaml", "--print-config"],
                        environment: environment, output: "\(directory)/output"))
                let end = await process.awaitEnd(within: .seconds(60))
                let text = try String(contentsOfFile: "\(directory)/output", encoding: .utf8)
                #expect(end == .exited(0), "\(text)")
                #expect(text.contains("kafka-1.example.net:9093"))
                #expect(text.contains("env:KAFKA_PASSWORD"))
                #expect(!text.contains("do-not-tell"))
            }
        }
    }
}
