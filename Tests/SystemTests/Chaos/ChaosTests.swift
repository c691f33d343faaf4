import DevelopmentStack
import Foundation
import Testing

extension DisturbedSystemTests {
    @Suite("chaos")
    struct Chaos {
        @Test("a small run: everything breaks for a while, nothing is lost and the lake is as it must be")
        func small() async throws {
            try await withDirectory { directory in
                var options = ChaosOptions(directory: "\(directory)/chaos")
                options.seed = 11
                options.jobs = 200
                options.kills = 8
                options.days = 1
                options.conversationsPerDay = 300
                // Where the broker keeps commit metadata jobs may end out of order.
                options.window = isOnKafka ? 16 : 1
                // What a debug build takes says nothing about a release.
                options.memoryLimit = 500_000_000
                let verdict = try await ChaosRun(options, installation: try .current()).run { _, _ in }
                guard verdict.isGood else {
                    throw NeverHappened(
                        description: "promises were broken:\n\(verdict.lines.joined(separator: "\n"))\n\(options.command)")
                }
                #expect(verdict.checks.count > 15)
            }
        }
    }
}
