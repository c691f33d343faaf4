import Contracts
import DevelopmentStack
import Foundation
import Testing

extension SystemTests {
    @Suite("throttling")
    struct Throttling {
        @Test("eight workers of one OAuth client in a storm of 429 settle: no job fails, none spends an attempt, all is there")
        func storm() async throws {
            let workers = (1...8).map { StackMember("conversation-worker", instance: "\($0)") }
            try await withStack { options in
                options.days = 8
                options.conversationsPerDay = 300
                options.members = [.monitor] + workers + [.scheduler]
                let plan = "\(options.directory)/faults.json"
                // Others use the same client: of what the workers may ask, a third is refused, whatever they count themselves.
                let rules = ["current", "older"].map { wording in
                    #"{"path":"/api/","probability":0.2,"fault":{"kind":"throttle","reset":1,"wording":"\#(wording)"}}"#
                }
                try Data(#"{"seed":7,"mercy":4,"rules":[\#(rules.joined(separator: ","))]}"#.utf8).write(to: URL(filePath: plan))
                options.simulator = ["--rate-limit", "40", "--rate-window", "1", "--rate-per-client", "--faults", plan]
            } _: { stack in
                try await stack.start()
                try await until("all days are there") {
                    try await stack.overview().days.count { $0.state == "done" } == stack.days.days.count
                }
                try await stack.expectTruth()
                let refused = try await stack.vendor.requestCounts().filter { $0.status == 429 }.reduce(0) { $0 + $1.count }
                #expect(refused >= 10, "there was no storm")
                for event in try await TopicReader.events(of: stack) {
                    #expect(event.attempt <= 1 && event.failure == nil, "\(event.job.id): \(event.event) \(event.attempt)")
                }
            }
        }
    }
}
