import Contracts
import Foundation
import Kafka
import ObjectStorage
import TestSupport
import Testing

@testable import Operations

@Suite("switchboard gdpr", .timeLimit(.minutes(5)))
struct PrivacyProgramTests {
    /// A lake of files and a configuration that names it.
    private struct Place {
        let root: URL
        let lake: PrivacyLake
        let trial: OperatorTrial

        static func make() async throws -> Place {
            let root = FileManager.default.temporaryDirectory.appending(path: "gdpr-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: root.appending(path: "lake"), withIntermediateDirectories: true)
            let trial = try await OperatorTrial.make()
            let url = "file://\(root.path(percentEncoded: false))/lake"
            let yaml = """
                kafka:
                  bootstrap-servers: \(trial.kafka.bootstrapServers)
                topics:
                  prefix: \(trial.topics.prefix)
                lake:
                  url: \(url)
                """
            try Data(yaml.utf8).write(to: root.appending(path: "switchboard.yaml"))
            return Place(
                root: root, lake: PrivacyLake(store: try ObjectStorageLocation.open(url, settings: ObjectStorageSettings())),
                trial: trial)
        }

        func run(_ arguments: String...) async throws -> SwitchboardRun {
            try await SwitchboardRun.run(["gdpr"] + arguments, directory: root)
        }

        func job(_ revision: Int = 0) -> Job {
            Job(
                id: "conversations-2026-03-01", kind: "conversation", source: "genesys/main", dataset: "conversations",
                day: "2026-03-01", revision: revision, createdAt: Date(timeIntervalSince1970: 1_772_000_000))
        }
    }

    @Test("a request is listed, planned, carried out once, told as a new revision, and noted; a day whose job runs is left")
    func wholeWay() async throws {
        let place = try await Place.make()
        defer { try? FileManager.default.removeItem(at: place.root) }
        let id = "5f2b7a10-7d0c-4e2b-9f3d-0a4c6a1f0d11"
        try await place.lake.write("2026-03-04", [[PrivacyLake.request()]], dataset: PrivacyScope.requests)
        let kept = (3...9).map { PrivacyLake.record($0) }
        try await place.lake.write(
            "2026-03-01",
            [
                [PrivacyLake.record(1, contact: PrivacyLake.contact)] + kept,
                [PrivacyLake.record(2, ani: "tel:\(PrivacyLake.phone)")],
            ])
        let before = try await place.lake.contents()
        let at = Date(timeIntervalSince1970: 1_772_000_000)
        try await place.trial.send([
            JobEvent(.completed, of: place.job(), at: at, attempt: 1, manifest: "m"),
            JobEvent(.started, of: place.job(1), at: at.addingTimeInterval(60), attempt: 1),
        ])

        let list = try await place.run("list")
        #expect(list.code == 0 && list.output.contains("\(id)  GDPR_DELETE  COMPLETED"), "\(list)")
        let plan = try await place.run("apply", "--request", id)
        #expect(plan.code == 2 && plan.output.contains("2 of 9 records in 1 manifests are concerned"), "\(plan)")
        let busy = try await place.run("apply", "--request", id, "--execute")
        #expect(busy.code == 3 && busy.errors.contains("conversations-2026-03-01 is running"), "\(busy)")
        #expect(try await place.lake.contents() == before, "something was changed")

        try await place.trial.send([
            JobEvent(.completed, of: place.job(1), at: at.addingTimeInterval(120), attempt: 1, manifest: "m")
        ])
        let done = try await place.run("apply", "--request", id, "--execute")
        #expect(done.code == 0 && done.errors.contains("done: 2 records in 1 manifests"), "\(done)")
        #expect(try await place.lake.lines("2026-03-01") == kept)
        #expect(try await place.lake.taggedLines("2026-03-01") == kept)
        let events = try await place.trial.records(place.trial.topics.jobEvents).compactMap { try? JobEvent.decode($0.value) }
        let last = try #require(events.last)
        #expect(last.event == .completed && last.job.revision == 2 && last.figures["records"] == kept.count)
        #expect(last.manifest == "genesys/conversations/2026/03/01/_manifest.conversations-2026-03-01.json")

        let again = try await place.run("apply", "--request", id, "--execute", "--json")
        #expect(again.code == 0, "\(again)")
        let listed = try await place.run("list", "--json")
        let requests = try #require((try listed.json() as? [String: Any])?["requests"] as? [[String: Any]])
        #expect(requests.first?["records"] as? Int == 2 && requests.first?["applied"] != nil, "\(listed)")
        for run in [list, plan, busy, done, again, listed] {
            #expect(!(run.output + run.errors).contains("Abad") && !(run.output + run.errors).contains("9170000001"), "\(run)")
        }
    }

    @Test("conversations go by their ids; what is wrong is said in a line")
    func conversations() async throws {
        let place = try await Place.make()
        defer { try? FileManager.default.removeItem(at: place.root) }
        try await place.lake.write("2026-03-01", [[PrivacyLake.record(1), PrivacyLake.record(2)]])
        let done = try await place.run(
            "apply", "--conversation", PrivacyLake.id(1), "--from", "2026-03-01", "--to", "2026-03-01", "--execute")
        #expect(done.code == 0, "\(done)")
        #expect(try await place.lake.lines("2026-03-01") == [PrivacyLake.record(2)])
        for (arguments, code, word) in [
            (["apply"], Int32(64), "--request or --conversation"), (["apply", "--conversation", "a/b"], 64, "--conversation"),
            (["apply", "--request", "x", "--from", "2026-02-30"], 64, "--from"),
            (["apply", "--request", "x"], 1, "gdpr_requests"),
        ] {
            let run = try await SwitchboardRun.run(["gdpr"] + arguments, directory: place.root)
            #expect(run.code == code && run.errors.contains(word), "\(run)")
        }
        // Commands that don't look into the lake leave its section alone.
        let other = try await SwitchboardRun.run(["jobs", "list"], directory: place.root)
        #expect(other.code == 0, "\(other)")
    }
}
