import Contracts
import Foundation
import ObjectStorage
import Records
import Service
import Testing
import VendorSimulator
import WorkerKit

@testable import UserDetails

@Suite("Lookups", .timeLimit(.minutes(5)))
struct LookupTests {
    private func ids(_ running: SimulatedUsers.Running, _ dataset: String) async throws -> [String] {
        try await running.lines(dataset).map { line in
            line.withUnsafeBytes { RawRecord(bytes: $0).string(of: "id") } ?? "none"
        }
    }

    @Test("every lookup of the table is read to its end, each entity once", arguments: LookupTable.all.map(\.dataset))
    func each(_ dataset: String) async throws {
        var users = SimulatedUsers(users: 120) { $0.listingPageLimit = 4 }
        users.configuration.lookupPageSize = 7
        try await users.run { running in
            let result = try await running.done(SimulatedUsers.lookup(dataset))
            let ids = try await ids(running, dataset)
            #expect(ids.count > 2 && Set(ids).count == ids.count && !ids.contains("none"))
            #expect(result.figures["records"] == ids.count && result.figures["passes"] == 1)
            #expect(result.manifest == "genesys/\(dataset)/2026/03/02/_manifest.\(dataset)-20260302.json")
            let again = try await running.done(SimulatedUsers.lookup(dataset))
            #expect(again.figures["records"] == ids.count)
        }
    }

    @Test("users of every state are there, those too who left")
    func states() async throws {
        try await SimulatedUsers(users: 500).run { running in
            try await running.done(SimulatedUsers.lookup("users"))
            let lines = try await running.lines("users")
            #expect(Set(try await ids(running, "users")) == Set(running.simulator.userIdentifiers) && lines.count == 500)
            let states = Set(lines.compactMap { line in line.withUnsafeBytes { RawRecord(bytes: $0).string(of: "state") } })
            #expect(states == ["active", "inactive", "deleted"])
        }
    }

    @Test("what the configuration names is asked for on every page, and kept as it came")
    func expansions() async throws {
        var users = SimulatedUsers(users: 120) { $0.listingPageLimit = 50 }
        users.configuration = try configuration("lookups: {expand: {users: [authorization, dateLastLogin]}}")
        try await users.run { running in
            try await running.done(SimulatedUsers.lookup("users"))
            let lines = try await running.lines("users")
            let expanded = lines.count { line in
                line.withUnsafeBytes { RawRecord(bytes: $0).rawValue(of: "authorization") != nil }
            }
            #expect(lines.count == 120 && expanded == 120)
            try await running.done(SimulatedUsers.lookup("queues"))
        }
    }

    @Test("names that can't be the vendor's are refused, and lookups that don't exist")
    func strangeExpansions() {
        #expect(throws: SettingsError.self) { try configuration("lookups: {expand: {users: ['a&state=active']}}") }
        #expect(throws: SettingsError.self) { try configuration("lookups: {expand: {strangers: [team]}}") }
    }

    private func configuration(_ yaml: String) throws -> UserDetailsConfiguration {
        let settings = try Settings(yaml: yaml)
        let configuration = UserDetailsConfiguration(settings)
        try settings.finish()
        return configuration
    }

    @Test("totals that are wrong cost two more passes, not an entity")
    func wrongTotals() async throws {
        try await SimulatedUsers(users: 300) { $0.wrongTotals = true }.run { running in
            let result = try await running.done(SimulatedUsers.lookup("users"))
            #expect(result.figures["records"] == 300 && result.figures["passes"] == 3)
            #expect(result.figures["wrong-totals"] ?? 0 > 0 && result.figures["unsettled"] == 0)
        }
    }

    @Test("names of the lookups are data sets of the lake, and no two are the same")
    func names() {
        #expect(Set(LookupTable.all.map(\.dataset)).count == LookupTable.all.count)
        #expect(LookupTable.all.allSatisfy { Job.isIdentifier($0.dataset) && $0.path.hasPrefix("/api/v2/") })
    }
}
