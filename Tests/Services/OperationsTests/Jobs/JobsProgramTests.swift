import Contracts
import Foundation
import Kafka
import TestSupport
import Testing

@testable import Operations

@Suite("switchboard jobs and switchboard dead, as they are used", .timeLimit(.minutes(5)))
struct JobsProgramTests {
    private static let commands: [[String]] =
        [["jobs"], ["dead"]]
        + ["submit", "backfill", "rerun", "status", "list", "watch", "cancel", "pause", "resume", "limit", "control"]
        .map { ["jobs", $0] } + ["list", "show", "redrive", "export", "discard"].map { ["dead", $0] }

    @Test("every command's help says how it ends and ends with examples that name it", arguments: commands)
    func help(command: [String]) async throws {
        let run = try await SwitchboardRun.run(command + ["--help"])
        let parts = run.output.components(separatedBy: "\nEXAMPLES:\n")
        #expect(run.code == 0 && parts.count == 2, "\(run)")
        #expect(command.count == 1 || parts[0].contains("Exit codes: 0"), "\(run)")
        let examples = parts.last?.split(separator: "\n").filter { !$0.contains("#") } ?? []
        #expect(
            !examples.isEmpty && examples.allSatisfy { $0.contains("switchboard \(command.joined(separator: " "))") }, "\(run)")
    }

    @Test(
        "a wrong use is one line that says what to do, with code 64",
        arguments: [
            (["jobs", "submit", "--kind", "conversation"], "--source is missing; give a vendor account"),
            (
                ["jobs", "submit", "--kind", "a b", "--source", "x", "--dataset", "y", "--day", "z"],
                "--kind: \"a b\" is not allowed"
            ),
            (["jobs", "submit", "--kind", "a", "--source", "x", "--dataset", "y"], "give --day, --from and --to, or --id"),
            (["jobs", "submit", "--file", "/nowhere"], "a file that can be read"),
            (["jobs", "submit", "--schedule", "s"], "--schedules is missing"),
            (["jobs", "submit", "--parameters", "{"], "a JSON object such as"),
            (["jobs", "backfill", "--schedule", "s", "--schedules", "/nowhere", "--from", "1", "--to", "2"], "YAML"),
            (["jobs", "rerun"], "it doesn't say which jobs"), (["jobs", "status", "a/b"], "the id of a job"),
            (["jobs", "list", "--state", "dead"], "active, expected, running"),
            (["jobs", "list", "--day", "2026-02-30"], "yyyy-MM-dd"),
            (["jobs", "list", "--since", "yesterday"], "@-2h"), (["jobs", "watch", "--timeout", "soon"], "a duration such as"),
            (["jobs", "cancel"], "missing expected argument '<ids>"),
            (["jobs", "cancel", "x", "--for", "0s"], "a duration such as"),
            (["jobs", "pause"], "give --kind or --source"),
            (["jobs", "pause", "--kind", "a", "--source", "b"], "give one of them"),
            (["jobs", "limit", "--kind", "a"], "--slots"), (["jobs", "limit", "--kind", "a", "--slots", "0"], "1 to 1000"),
            (["dead", "list"], "missing expected argument '<kind>'"),
            (["dead", "list", "x", "--by", "color"], "error, source, tenant"),
            (["dead", "show", "x", "1"], "partition:offset, such as 3:42"),
            (["dead", "list", "x", "--at", "a:b"], "partition:offset"),
            (["dead", "redrive", "x", "--rate", "fast"], "letters a second"),
            (["dead", "redrive", "x", "--max-new-deaths", "200%"], "a share such as 5%"),
            (["dead", "discard", "x", "--reason", "old"], "--everything"),
            (["dead", "discard", "x", "--everything"], "--reason"),
            (["dead", "list", "x", "--since", "@-1h", "--until", "@-2h"], "is not before --until"),
        ])
    func wrongUse(arguments: [String], mention: String) async throws {
        let run = try await SwitchboardRun.run(arguments)
        #expect(run.code == 64 && run.output.isEmpty && run.errors.contains(mention), "\(run)")
        #expect(run.errors.split(separator: "\n").count == 1 && run.errors.contains("see switchboard"), "\(run)")
    }

    private func switchboard(_ trial: OperatorTrial, _ arguments: String...) async throws -> SwitchboardRun {
        try await SwitchboardRun.run(
            arguments + ["--bootstrap-servers", trial.kafka.bootstrapServers, "--prefix", trial.topics.prefix])
    }

    @Test("a job is submitted once: shown, published, known, refused, run again")
    func submit() async throws {
        let trial = try await OperatorTrial.make()
        let job = [
            "jobs", "submit", "--kind", "conversation", "--source", "genesys/main", "--dataset", "conversations", "--day",
            "2026-03-01", "--zone", "Asia/Manila",
        ]
        let id = "conversation-genesys.main-conversations-20260228T160000Z-20260301T160000Z"
        func submit(_ more: String...) async throws -> SwitchboardRun {
            try await SwitchboardRun.run(
                job + more + ["--bootstrap-servers", trial.kafka.bootstrapServers, "--prefix", trial.topics.prefix])
        }
        let shown = try await submit()
        #expect(shown.code == 2 && shown.output.contains(id) && shown.errors.contains("--execute"), "\(shown)")
        #expect(try await trial.records(trial.topics.jobs("conversation")).isEmpty)
        let published = try await submit("--execute")
        #expect(published.code == 0 && published.errors.contains("published 1 job"), "\(published)")
        let again = try await submit("--execute", "--json")
        let report = try again.json() as? [String: Any]
        #expect(again.code == 3 && (report?["refused"] as? [Any])?.count == 1 && (report?["publish"] as? [Any])?.isEmpty ?? false)

        let list = try await switchboard(trial, "jobs", "list", "--json")
        let jobs = (try list.json() as? [String: Any])?["jobs"] as? [[String: Any]]
        #expect(jobs?.count == 1 && jobs?.first?["state"] as? String == "expected", "\(list)")
        let record = try #require(try await trial.records(trial.topics.jobs("conversation")).first)
        try await trial.send(trial.event(.completed, of: record))
        let watch = try await switchboard(trial, "jobs", "watch", id, "--timeout", "20s")
        #expect(watch.code == 0 && watch.errors.contains("1 completed"), "\(watch)")
        let rerun = try await switchboard(trial, "jobs", "rerun", "--day", "2026-03-01", "--execute")
        #expect(rerun.code == 0, "\(rerun)")
        let revisions = try await trial.records(trial.topics.jobs("conversation")).map { try Job.decode($0.value).revision }
        #expect(revisions.sorted() == [0, 1])
        let status = try await switchboard(trial, "jobs", "status", id)
        #expect(
            status.code == 0 && status.output.contains("revision  1") && status.output.contains("revision 0 completed"),
            "\(status)")
        #expect(try await switchboard(trial, "jobs", "status", "nobody").code == 1)
    }

    @Test("a backfill publishes what the scheduler would have, once, and not more than allowed")
    func backfill() async throws {
        let trial = try await OperatorTrial.make()
        let file = FileManager.default.temporaryDirectory.appending(path: "schedules-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        let text = """
            schedules:
              - {name: s, kind: conversation, dataset: conversations, source: genesys/main, cron: "0 6 * * *", zone: UTC, lag: 1, window: 1h}
            """
        try Data(text.utf8).write(to: file)
        let range = ["--schedule", "s", "--schedules", file.path(), "--from", "2026-03-01", "--to", "2026-03-10"]
        func backfill(_ more: String...) async throws -> SwitchboardRun {
            try await SwitchboardRun.run(
                ["jobs", "backfill"] + range + more
                    + ["--bootstrap-servers", trial.kafka.bootstrapServers, "--prefix", trial.topics.prefix])
        }
        let shown = try await backfill()
        #expect(shown.code == 2 && shown.output.contains("240 to publish for 10 days, 2026-03-01 to 2026-03-10"), "\(shown)")
        let refused = try await backfill("--max", "100", "--execute")
        #expect(refused.code == 3 && refused.errors.contains("--max 240"), "\(refused)")
        #expect(try await trial.records(trial.topics.jobs("conversation")).isEmpty)
        #expect(try await backfill("--yes").code == 0)
        let again = try await backfill("--execute")
        #expect(again.code == 0 && again.output.contains("left out: 240 active"), "\(again)")
        let ids = try await trial.records(trial.topics.jobs("conversation")).map { try Job.decode($0.value).id }
        #expect(ids.count == 240 && Set(ids).count == 240 && ids.contains("s-20260301T000000Z-20260301T010000Z"))
    }

    @Test("workers are told, and told no longer")
    func control() async throws {
        let trial = try await OperatorTrial.make()
        let shown = try await switchboard(trial, "jobs", "pause", "--kind", "conversation")
        #expect(shown.code == 2, "\(shown)")
        #expect(try await trial.records(trial.topics.control).isEmpty)
        let wrong = try await switchboard(trial, "jobs", "pause", "--kind", "conversations", "--execute")
        #expect(wrong.code == 64 && wrong.errors.contains("allowed is conversation;"), "\(wrong)")
        let paused = try await switchboard(trial, "jobs", "pause", "--kind", "conversation", "--for", "1h", "--execute")
        #expect(paused.code == 0, "\(paused)")
        #expect(try await trial.jobs.control().state.pause(kind: "conversation", at: Date()) != nil)
        let told = try await switchboard(trial, "jobs", "control")
        #expect(told.output.contains("pause kind conversation until"), "\(told)")
        #expect(try await switchboard(trial, "jobs", "resume", "--kind", "conversation", "--execute").code == 0)
        let nothing = try await switchboard(trial, "jobs", "resume", "--kind", "conversation", "--execute")
        #expect(nothing.code == 0 && nothing.output.contains("isn't paused"), "\(nothing)")

        let unknown = try await switchboard(trial, "jobs", "cancel", "x", "--execute")
        #expect(unknown.code == 3 && unknown.output.contains("--revision"), "\(unknown)")
        try await trial.send([Sample.event(.started, of: Sample.job("x", revision: 2), after: 1)])
        #expect(try await switchboard(trial, "jobs", "cancel", "x", "--execute").code == 0)
        let state = try await trial.jobs.control().state
        #expect(state.cancellation(of: JobReference(Sample.job("x", revision: 2)), at: Date()) != nil)
        #expect(state.cancellation(of: JobReference(Sample.job("x", revision: 3)), at: Date()) == nil)
    }

    @Test("dead letters are counted, shown, exported, sent back and put away; what they hold never reaches the terminal raw")
    func dead() async throws {
        let trial = try await OperatorTrial.make(partitions: 1)
        try await trial.bury([Sample.job("a"), Sample.job("b")], poison: [Array("\u{1b}[31m\u{7}".utf8)])
        let list = try await switchboard(trial, "dead", "list", "conversation")
        #expect(list.code == 0 && list.output.contains("3  vendor") && list.errors.contains("3 in all"), "\(list)")
        let shown = try await switchboard(trial, "dead", "show", "conversation", "0:2")
        #expect(shown.code == 0 && shown.output.contains("1b 5b 33 31 6d 07") && !shown.output.contains("\u{1b}"), "\(shown)")
        let pretty = try await switchboard(trial, "dead", "show", "conversation", "0:0")
        #expect(
            pretty.output.contains("\n    \"dataset\": \"conversations\",\n")
                && pretty.output.contains("first in  \(trial.topics.jobs("conversation"))-7 at 0"), "\(pretty)")
        #expect(try await switchboard(trial, "dead", "show", "conversation", "0:99").code == 1)

        let file = FileManager.default.temporaryDirectory.appending(path: "dead-\(UUID().uuidString).ndjson").path()
        defer { try? FileManager.default.removeItem(atPath: file) }
        let export = try await switchboard(trial, "dead", "export", "conversation", file)
        #expect(export.code == 0 && export.errors.contains("3 letters"), "\(export)")
        let lines = try String(contentsOf: URL(filePath: file), encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 3 && lines[2].contains(Data("\u{1b}[31m\u{7}".utf8).base64EncodedString()))
        #expect(try await switchboard(trial, "dead", "export", "conversation", file).code == 3, "a file is never written over")
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)

        let plan = try await switchboard(trial, "dead", "redrive", "conversation", "--error", "vendor")
        #expect(plan.code == 2 && plan.output.contains("2 to send back") && plan.output.contains("1 unreadable"), "\(plan)")
        #expect(try await trial.records(trial.topics.jobs("conversation")).isEmpty)
        let run = try await trial.withWorker {
            trial.event(.completed, of: $0)
        } _: {
            try await switchboard(trial, "dead", "redrive", "conversation", "--execute", "--canary-wait", "20s")
        }
        #expect(run.code == 0 && run.errors.contains("2 of 2 sent back, 2 succeeded"), "\(run)")
        #expect(try await switchboard(trial, "dead", "redrive", "conversation", "--id", "a,b").code == 0)
        let put = try await switchboard(
            trial, "dead", "discard", "conversation", "--unreadable", "--reason", "old producer", "--execute")
        #expect(put.code == 0 && put.errors.contains("1 letter put away"), "\(put)")
        let rest = try await switchboard(trial, "dead", "list", "conversation", "--json")
        let report = try rest.json() as? [String: Any]
        #expect(report?["total"] as? Int == 0 && report?["done"] as? Int == 3, "\(rest)")
        let all = try await switchboard(trial, "dead", "list", "conversation", "--all")
        #expect(all.output.contains("redriven") && all.output.contains("discarded"), "\(all)")
        #expect(try await trial.records(trial.topics.dead("conversation")).count == 3, "nothing is deleted")
    }
}
