import Foundation
import Testing

@Suite("How switchboard is used")
struct CommandUseTests {
    private static let commands: [[String]] = [
        [], ["topics"], ["topics", "check"], ["topics", "plan"], ["topics", "apply"], ["topics", "describe"], ["offsets"],
        ["offsets", "show"], ["offsets", "reset"], ["cursor"], ["cursor", "show"], ["cursor", "set"], ["replay"], ["tail"],
        ["completion"], ["config"], ["config", "import"], ["gdpr"], ["gdpr", "list"], ["gdpr", "apply"],
    ]

    @Test("every command's help says what it does and ends with examples that name it", arguments: commands)
    func help(_ command: [String]) async throws {
        let run = try await SwitchboardRun.run(command + ["--help"])
        #expect(run.code == 0 && run.errors.isEmpty && run.output.hasPrefix("OVERVIEW: "), "\(run)")
        let parts = run.output.components(separatedBy: "\nEXAMPLES:\n")
        #expect(parts.count == 2, "\(run)")
        let examples = parts.last?.split(separator: "\n").filter { !$0.contains("#") } ?? []
        #expect(!examples.isEmpty && examples.allSatisfy { $0.contains("switchboard") }, "\(run)")
        #expect(parts[0].contains("USAGE: " + (["switchboard"] + command).joined(separator: " ")), "\(run)")
        let other = try await SwitchboardRun.run(["help"] + command)
        #expect(other.output == run.output)
    }

    @Test(
        "a wrong use is one line that says what is wrong and where the help is, with code 64",
        arguments: [
            (["foo"], "there is no command \"foo\"; there are topics", "switchboard --help"),
            (["offsets", "foo"], "there are show, reset", "switchboard offsets --help"),
            (["topics", "plan", "--foo"], "unknown option '--foo'", "switchboard topics plan --help"),
            (["offsets", "reset"], "missing --group", "switchboard offsets reset --help"),
            (["offsets", "reset", "--group", "g"], "missing --to", "switchboard offsets reset --help"),
            (["offsets", "reset", "--group", "g", "--to", "latest"], "missing --topic", "switchboard offsets reset --help"),
            (
                ["offsets", "reset", "--group", "g", "--topic", "t", "--to", "tomorrow"], "--to: \"tomorrow\" is not allowed",
                "switchboard offsets reset --help"
            ),
            (
                ["offsets", "reset", "--group", "g", "--topic", "t:x", "--to", "latest"], "--topic: \"t:x\" is not allowed",
                "switchboard offsets reset --help"
            ),
            (["offsets", "reset", "--from-file", "/nowhere"], "--from-file: \"/nowhere\"", "switchboard offsets reset --help"),
            (["offsets", "show", "--zone", "Moon/Sea"], "--zone: \"Moon/Sea\"", "switchboard offsets show --help"),
            (["replay"], "missing expected argument", "switchboard replay --help"),
            (["replay", "t"], "--from", "switchboard replay --help"),
            (["replay", "t", "--from", "2026-03-01"], "without a zone", "switchboard replay --help"),
            (["replay", "t", "--from", "@-1h", "--rate", "fast"], "--rate: \"fast\"", "switchboard replay --help"),
            (["replay", "t", "--from", "@-1h", "--day", "yesterday"], "--day: \"yesterday\"", "switchboard replay --help"),
            (["replay", "t", "--from", "@-1h", "--to", "@-2h"], "--from must be before --to", "switchboard replay --help"),
            (["replay", "t", "--from", "@-1h", "--continue-from", "1"], "--continue-from: \"1\"", "switchboard replay --help"),
            (["cursor", "set", "s", "--to", "?"], "--to: \"?\"", "switchboard cursor set --help"),
            (["cursor", "show", "--schedules", "/nowhere"], "--schedules: \"/nowhere\"", "switchboard cursor show --help"),
            (["tail"], "<topic>", "switchboard tail --help"),
            (["tail", "t", "--limit", "0"], "--limit", "switchboard tail --help"),
            (["tail", "t", "--where", "="], "--where: \"=\"", "switchboard tail --help"),
            (["tail", "t", "--from", "99999999999999999999"], "--from", "switchboard tail --help"),
            (["completion", "tcsh"], "bash, zsh or fish", "switchboard completion --help"),
        ])
    func wrongUse(_ arguments: [String], _ mention: String, _ help: String) async throws {
        let run = try await SwitchboardRun.run(arguments)
        #expect(run.code == 64 && run.output.isEmpty, "\(run)")
        #expect(run.errors.hasPrefix("switchboard") && run.errors.hasSuffix("; see \(help)\n"), "\(run)")
        #expect(run.errors.contains(mention) && run.errors.count { $0 == "\n" } == 1, "\(run)")
    }

    @Test("what the arguments hold never reaches the terminal raw")
    func hostileArguments() async throws {
        for arguments in [["\u{1b}[31mred"], ["tail", "t", "--from", "\u{1b}[31m"], ["completion", "\u{9b}31m"]] {
            let run = try await SwitchboardRun.run(arguments)
            #expect(run.code == 64 && !run.errors.unicodeScalars.contains { $0.value == 0x1b || $0.value == 0x9b }, "\(run)")
        }
    }

    @Test("completion scripts are what their shells read", arguments: ["bash", "zsh", "fish"])
    func completion(_ shell: String) async throws {
        let run = try await SwitchboardRun.run(["completion", shell])
        #expect(run.code == 0 && run.output.contains("switchboard") && run.output.contains("offsets"), "\(run.code)")
    }

    @Test("a configuration file is found where it belongs: the one that SWITCHBOARD_CONFIG names, or switchboard.yaml here")
    func standardFiles() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "switchboard-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let text = "kafka:\n  bootstrap-servers: 127.0.0.1:1\n  nonsense: 1\n"
        try Data(text.utf8).write(to: directory.appending(path: "switchboard.yaml"))
        let here = try await SwitchboardRun.run(["cursor", "show"], directory: directory)
        #expect(here.code == 1 && here.errors.contains("nonsense"), "\(here)")
        let named = try await SwitchboardRun.run(
            ["cursor", "show"], environment: ["SWITCHBOARD_CONFIG": directory.appending(path: "switchboard.yaml").path()])
        #expect(named.code == 1 && named.errors.contains("nonsense"), "\(named)")
        let nowhere = try await SwitchboardRun.run(["cursor", "show"])
        #expect(nowhere.code == 1 && nowhere.errors.contains("kafka.bootstrap-servers is missing"), "\(nowhere)")
    }
}
