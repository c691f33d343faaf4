import DevelopmentStack
import Foundation
import Testing

extension DisturbedSystemTests {
    @Suite("a hostile week")
    struct HostileWeek {
        /// Everything that the hostile plan has, with pauses that are rarer and shorter.
        private static let faults = """
            {"seed":9,"mercy":2,"rules":[
              {"path":"/oauth/token","requests":[1],"fault":{"kind":"status","status":503,"body":"html"}},
              {"path":"/api/v2/analytics","requests":[9,60],"fault":{"kind":"revoke"}},
              {"path":"/api/","requests":[20,120],"fault":{"kind":"throttle","reset":1}},
              {"path":"/api/","probability":0.02,"fault":{"kind":"reset"}},
              {"path":"/api/","probability":0.03,"fault":{"kind":"truncate","keep":0.6}},
              {"path":"/api/","probability":0.01,"fault":{"kind":"status","status":500,"body":"json"}},
              {"path":"/api/","probability":0.01,"fault":{"kind":"status","status":502,"body":"html"}},
              {"path":"/api/","probability":0.01,"fault":{"kind":"status","status":503,"body":"empty"}},
              {"path":"/api/","probability":0.01,"fault":{"kind":"status","status":504,"body":"html"}},
              {"path":"/api/","probability":0.05,"fault":{"kind":"slow","milliseconds":40}},
              {"path":"/api/","probability":0.05,"fault":{"kind":"trickle","milliseconds":40}}]}
            """

        @Test(
            "two days of all data sets from a vendor that does everything wrong, workers killed: the lake is what the vendor has")
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
                options.faults = "\(directory)/faults.json"
                try Data(Self.faults.utf8).write(to: URL(filePath: options.faults))
                options.sweepsAgain = false
                options.kills = 2
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
