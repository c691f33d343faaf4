import Foundation
import TestSupport
import Testing

@Suite("switchboard config import")
struct ConfigProgramTests {
    @Test(
        "files are printed, written, and never overwritten unless that is asked for; the code says whether something is left to do"
    )
    func files() async throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "import-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        let source = Repository.root.appending(path: "Tests/Services/Golden/ConfigurationImport/conversations.json").path()
        let shown = try await SwitchboardRun.run(["config", "import", source], directory: place)
        #expect(
            shown.code == 2 && shown.output.contains("# ---- schedules.yaml") && shown.output.contains("# carried   gcs_report"),
            "\(shown)")
        let written = try await SwitchboardRun.run(
            ["config", "import", source, "-o", "out", "--zone", "Asia/Manila"], directory: place)
        #expect(written.code == 2 && written.errors.contains("wrote out/schedules.yaml"), "\(written)")
        let file = place.appending(path: "out/schedules.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.contains("zone: Asia/Manila"))
        let refused = try await SwitchboardRun.run(["config", "import", source, "-o", "out"], directory: place)
        #expect(refused.code == 3 && refused.errors.contains("exists already"), "\(refused)")
        #expect(try String(contentsOf: file, encoding: .utf8) == text)
        let forced = try await SwitchboardRun.run(
            ["config", "import", source, "-o", "out", "--force", "--json"], directory: place)
        let paths = (try forced.json() as? [String: Any])?["written"] as? [String]
        #expect(forced.code == 2 && paths == ["out/schedules.yaml", "out/conversation-worker.yaml"], "\(forced)")
        #expect(try String(contentsOf: file, encoding: .utf8) != text)
        for run in [shown, written, refused, forced] { #expect(!(run.output + run.errors).contains("s3cr3t"), "\(run)") }
    }

    @Test(
        "what is wrong is one line",
        arguments: [
            (["/nowhere.json"], Int32(64), "file: \"/nowhere.json\""), (["/dev/null"], 64, "no JSON"),
            (["-", "--zone", "Mars"], 64, "no JSON"),
            (["/etc"], 1, "can't be read"),
        ])
    func wrong(_ arguments: [String], _ code: Int32, _ mention: String) async throws {
        let run = try await SwitchboardRun.run(["config", "import"] + arguments)
        #expect(run.code == code && run.errors.contains(mention) && run.errors.split(separator: "\n").count == 1, "\(run)")
    }
}
