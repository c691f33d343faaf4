import DevelopmentStack
import Foundation
import Testing

extension SystemTests {
    @Suite("a hostile week")
    struct HostileWeek {
        @Test("two days of all data sets from a vendor that does everything wrong, workers killed: the lake is what the vendor has")
        func small() async throws {
            try await withDirectory { directory in
                var options = WeekOptions(directory: "\(directory)/week")
                options.seed = 5
                options.days = 2
                options.conversationsPerDay = 300
                options.evaluations = 40
                options.users = 20
                options.workers = 2
                options.daysAtOnce = 2
                options.sweepsAgain = false
                options.kills = 3
                options.pace = .milliseconds(4_000)
                // What a debug build takes says nothing about a release.
                options.memoryLimit = 500_000_000
                let verdict = try await WeekRun(options, installation: try .current()).run { _, _ in }
                guard verdict.isGood else {
                    throw NeverHappened(
                        description: "promises were broken:\n\(verdict.lines.joined(separator: "\n"))\n\(options.command)")
                }
                #expect(verdict.checks.count > 15)
            }
        }
    }
}
