import DevelopmentStack
import Foundation
import Glibc
import Testing

extension SystemTests {
    @Suite("the demo and the life of the stack")
    struct StackLife {
        /// Starts `development-stack demo`, as `make demo` does.
        private func demo(_ directory: String, _ arguments: [String] = [], log: String = "output") async throws -> ManagedProcess
        {
            try await ManagedProcess.start(
                ProcessCommand(
                    "development-stack", program: try Installation.current().program("development-stack"),
                    arguments: ["demo", "--directory", "\(directory)/demo", "--conversations", "200"] + arguments,
                    output: "\(directory)/\(log)"))
        }

        private func output(_ directory: String, log: String = "output") -> String {
            (try? String(contentsOfFile: "\(directory)/\(log)", encoding: .utf8)) ?? ""
        }

        @Test("the demo shows three days that equal the vendor's and ends with 0; the next one begins anew")
        func demo() async throws {
            try await withDirectory { directory in
                let first = try await demo(directory)
                #expect(await first.awaitEnd(within: .seconds(240)) == .exited(0), "\(output(directory))")
                let text = output(directory)
                #expect(text.contains(" × _SUCCESS, 0 × _FAILURE") && text.contains("Alerts:  none firing"))
                #expect(text.contains("data sets complete, each record as the vendor has it"))
                let done = text.split(separator: "\n").filter { $0.contains(" done ") }
                func days(_ dataset: String, _ verdict: String) -> Int {
                    let lines = done.filter { $0.contains(verdict) }.map {
                        $0.split(separator: " ", omittingEmptySubsequences: true)
                    }
                    return Set(lines.filter { $0.count > 1 && $0[0] == dataset }.map { $0[1] }).count
                }
                #expect(days("conversations", "equal: ") == 3)
                for dataset in ["evaluations", "user_details", "conversations-settled"] { #expect(days(dataset, "equal: ") == 3) }
                for dataset in ["evaluation_forms", "gdpr_requests", "users", "queues", "flows", "teams"] {
                    #expect(days(dataset, "as its manifest says: ") == 1, "\(dataset)")
                }
                #expect(!text.contains("\u{1B}"), "no terminal, no control sequences")

                let stray = "\(directory)/demo/lake/stray"
                try Data().write(to: URL(filePath: stray))
                let second = try await demo(directory)
                #expect(await second.awaitEnd(within: .seconds(240)) == .exited(0), "\(output(directory))")
                #expect(!FileManager.default.fileExists(atPath: stray))
                #expect(
                    Set(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/demo"))
                        == ["lake", "logs", "configuration", "ready", "lock"])
            }
        }

        @Test("the demo refuses a directory that isn't its own or is in use, and leaves it alone")
        func refusals() async throws {
            try await withDirectory { directory in
                try FileManager.default.createDirectory(atPath: "\(directory)/demo", withIntermediateDirectories: true)
                try Data().write(to: URL(filePath: "\(directory)/demo/letter"))
                let first = try await demo(directory)
                #expect(await first.awaitEnd(within: .seconds(60)) == .exited(1))
                #expect(output(directory).contains("\(directory)/demo is not empty and no demo made it"))
                #expect(FileManager.default.fileExists(atPath: "\(directory)/demo/letter"))

                try FileManager.default.removeItem(atPath: "\(directory)/demo/letter")
                let owner = try await demo(directory)
                try await until("the first demo runs") { output(directory).contains("starting broker") }
                let other = try await demo(directory, log: "other")
                #expect(await other.awaitEnd(within: .seconds(60)) == .exited(1))
                #expect(
                    output(directory, log: "other").contains("another demo uses \(directory)/demo (process \(owner.identifier))"))
                await owner.kill()
            }
        }

        @Test(
            "nothing survives a demo that is interrupted or killed, early or in the middle",
            arguments: [SIGINT, SIGTERM, SIGKILL], ["starting broker", "everything runs"])
        func nothingSurvives(signal: Int32, moment: String) async throws {
            try await withDirectory { directory in
                // A slow vendor: the jobs run when the signal comes.
                let plan = #"{"rules":[{"path":"/api/","every":1,"fault":{"kind":"slow","milliseconds":60000}}]}"#
                try Data(plan.utf8).write(to: URL(filePath: "\(directory)/plan.json"))
                let stack = try await demo(directory, ["--faults", "\(directory)/plan.json"])
                try await until("the demo says: \(moment)") { output(directory).contains(moment) }
                var children: [ProcessTable.Entry] = []
                try await until("it has children") {
                    children = ProcessTable.children(of: stack.identifier)
                    return children.count >= (moment == "everything runs" ? (isOnKafka ? 4 : 5) : 1)
                }
                stack.send(signal)
                let end = await stack.awaitEnd(within: .seconds(60))
                #expect(end == (signal == SIGKILL ? .killed(signal: SIGKILL) : .exited(130)), "\(output(directory))")
                try await until("all children are gone", within: .seconds(30)) { ProcessTable.alive(children).isEmpty }
            }
        }

        @Test("a stack that fails to start says what is wrong and leaves nothing running")
        func failedStart() async throws {
            try await withDirectory { directory in
                var options = StackOptions(directory: directory)
                options.settings["monitor"] = ["monitor.verify": "perhaps"]
                let stack = try await DevelopmentStack.prepare(options, installation: try .current())
                let error = await #expect(throws: DevelopmentError.self) { try await stack.start() }
                await stack.stop()
                #expect(error?.message.contains("monitor-1 exited with 78 before it was ready") == true)
                #expect(error?.message.contains("monitor.verify: perhaps is not allowed") == true)
                let parts = stack.partIdentifiers
                #expect(parts.allSatisfy { ProcessTable.entry($0) == nil })
            }
        }
    }
}
