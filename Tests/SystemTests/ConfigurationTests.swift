import DevelopmentStack
import Foundation
import Glibc
import Testing

extension SystemTests {
    @Suite("configuration and surroundings")
    struct Configuration {
        /// A configuration with which each program would start if there were a broker at this port.
        private func working(_ program: String, port: Int, _ directory: String) throws -> ConfigurationFile {
            var file = ConfigurationFile([
                "service.instance": "test", "log.format": "json",
                "kafka.bootstrap-servers": ConfigurationFile.text("127.0.0.1:\(port)"),
            ])
            if program == "scheduler" {
                let schedules = "\(directory)/schedules.yaml"
                try Data("schedules: []\n".utf8).write(to: URL(filePath: schedules))
                file["scheduler.schedules"] = ConfigurationFile.text(schedules)
            } else {
                try FileManager.default.createDirectory(atPath: "\(directory)/lake", withIntermediateDirectories: true)
                file["lake.url"] = ConfigurationFile.text("file://\(directory)/lake")
            }
            if program == "conversation-worker" {
                file["genesys.domain"] = "mypurecloud.ie"
                file["genesys.client-id"] = "client"
                file["genesys.client-secret"] = "env:SYSTEM_TEST_SECRET"
            }
            return file
        }

        private func start(_ program: String, _ file: ConfigurationFile, _ directory: String) async throws -> ManagedProcess {
            let path = "\(directory)/\(program).yaml"
            try Data(file.yaml.utf8).write(to: URL(filePath: path))
            return try await ManagedProcess.start(
                ProcessCommand(
                    program, program: try Installation.current().program(program),
                    arguments: ["--config", path, "--ready-file", "\(directory)/ready-\(program)"],
                    environment: ["SYSTEM_TEST_SECRET": "do-not-tell"], output: "\(directory)/\(program).log"))
        }

        private func log(_ program: String, _ directory: String) throws -> String {
            try String(contentsOfFile: "\(directory)/\(program).log", encoding: .utf8)
        }

        @Test(
            "a wrong configuration ends a program at once with 78 and one line that names the key, the value and what is allowed",
            arguments: [
                ("scheduler", "scheduler.interval", "soon", "soon"),
                ("scheduler", "scheduler.schedules", "/nowhere/schedules.yaml", "/nowhere/schedules.yaml"),
                ("scheduler", "admin.port", "70000", "70000"), ("monitor", "monitor.verify", "perhaps", "perhaps"),
                ("monitor", "lake.url", "ftp://lake", "ftp://lake"), ("monitor", "monitor.keep-days", "-1", "-1"),
                ("conversation-worker", "worker.slots", "many", "many"),
                ("conversation-worker", "worker.retry-delays", "[1h, 1m]", "1h,1m"),
                ("conversation-worker", "conversations.page-size", "101", "101"),
                ("conversation-worker", "genesys.domain", "\"https://mypurecloud.ie/\"", "https://mypurecloud.ie/"),
                ("conversation-worker", "genesys.client-secret", "env:SYSTEM_TEST_NOT_SET", "env:SYSTEM_TEST_NOT_SET"),
                ("conversation-worker", "topics.prefix", "\"a b\"", "a b"),
                ("conversation-worker", "lake.day-folder", "\"../{dataset}/{day}\"", "../{dataset}/{day}"),
            ])
        func wrong(program: String, key: String, value: String, shown: String) async throws {
            try await withDirectory { directory in
                var file = try working(program, port: 1, directory)
                file[key] = value
                let process = try await start(program, file, directory)
                #expect(await process.awaitEnd(within: .seconds(60)) == .exited(78))
                await process.kill()
                let lines = try log(program, directory).split(separator: "\n")
                #expect(lines.count == 1, "\(lines)")
                let line = lines.first ?? ""
                #expect(line.hasPrefix("\(program): \(key): \(shown) is not allowed: "), "\(line)")
            }
        }

        @Test(
            "everything that is wrong is told at once, misspelt keys too",
            arguments: ["scheduler", "monitor", "conversation-worker"])
        func several(program: String) async throws {
            try await withDirectory { directory in
                var file = try working(program, port: 1, directory)
                file["kafka.bootstrap-servers"] = nil
                file["kafka.bootstrap-server"] = "here"
                file["log.level"] = "loud"
                let process = try await start(program, file, directory)
                #expect(await process.awaitEnd(within: .seconds(60)) == .exited(78))
                await process.kill()
                let text = try log(program, directory)
                #expect(text.split(separator: "\n").count == 3, "\(text)")
                #expect(text.contains("\(program): log.level: loud is not allowed: "))
                #expect(text.contains("\(program): kafka.bootstrap-servers is missing: "))
                #expect(text.contains("\(program): kafka.bootstrap-server: unknown key in \(directory)/\(program).yaml line "))
                #expect(text.contains("did you mean kafka.bootstrap-servers?"))
            }
        }

        @Test("a lake that can't be written ends a program with 78 and says so", arguments: ["monitor", "conversation-worker"])
        func unwritableLake(program: String) async throws {
            try await withDirectory { directory in
                // What nobody can write, not root either.
                for lake in ["file:///proc", "file:///proc/nowhere"] {
                    var file = try working(program, port: 1, directory)
                    file["lake.url"] = ConfigurationFile.text(lake)
                    let process = try await start(program, file, directory)
                    #expect(await process.awaitEnd(within: .seconds(60)) == .exited(78))
                    await process.kill()
                    let text = try log(program, directory)
                    #expect(text.contains("lake.url \(lake): "), "\(text)")
                }
            }
        }

        @Test(
            "a program whose lake isn't there waits for it, alive but not ready, says why, and stops when asked",
            arguments: ["monitor", "conversation-worker"])
        func missingLake(program: String) async throws {
            try await withDirectory { directory in
                let (admin, lake) = (try LoopbackPort.free(), try LoopbackPort.free())
                var file = try working(program, port: 1, directory)
                file["admin.port"] = "\(admin)"
                file["lake.url"] = "s3://lake"
                file["lake.endpoint"] = ConfigurationFile.text("http://127.0.0.1:\(lake)")
                file["lake.access-key"] = "env:SYSTEM_TEST_SECRET"
                file["lake.secret-key"] = "env:SYSTEM_TEST_SECRET"
                let process = try await start(program, file, directory)
                let http = LocalAPI()
                try await until("it says that it waits", within: .seconds(60)) {
                    try log(program, directory).contains("waiting for the lake")
                }
                let ready = try await http.get("http://127.0.0.1:\(admin)/readyz")
                #expect(ready.status == 503 && ready.text.contains("waiting for the lake: s3://lake"), "\(ready.text)")
                #expect(try await http.get("http://127.0.0.1:\(admin)/healthz").status == 200)
                #expect(!FileManager.default.fileExists(atPath: "\(directory)/ready-\(program)"))
                #expect(await process.stop(grace: .seconds(10)) == .exited(0), "it was asked to stop while it waited")
                await http.close()
            }
        }

        @Test(
            "a program whose broker isn't there waits, alive but not ready, says why, stops when asked, and goes on when it comes",
            .enabled(if: !isOnKafka, "starts a broker on a port that it has chosen"))
        func missingBroker() async throws {
            try await withDirectory { directory in
                let programs = ["scheduler", "monitor", "conversation-worker"]
                let port = try LoopbackPort.free()
                let http = LocalAPI()
                var processes: [ManagedProcess] = []
                var others: [ManagedProcess] = []
                let elsewhere = "\(directory)/others"
                try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: true)
                var admins: [String: String] = [:]
                for program in programs {
                    let admin = try LoopbackPort.free()
                    admins[program] = "http://127.0.0.1:\(admin)"
                    var file = try working(program, port: port, directory)
                    file["admin.port"] = "\(admin)"
                    for key in ["scheduler", "monitor"] where key == program { file["\(key).session-timeout"] = "6s" }
                    if program == "conversation-worker" { file["worker.session-timeout"] = "6s" }
                    processes.append(try await start(program, file, directory))
                    others.append(try await start(program, try working(program, port: port, elsewhere), elsewhere))
                }
                for program in programs {
                    let admin = try #require(admins[program])
                    try await until("\(program) says that it waits", within: .seconds(60)) {
                        try log(program, directory).contains("waiting for kafka")
                            && log(program, elsewhere).contains("waiting for kafka")
                    }
                    let ready = try await http.get("\(admin)/readyz")
                    #expect(ready.status == 503, "\(program)")
                    #expect(ready.text.contains("kafka"), "\(program): \(ready.text)")
                    #expect(try await http.get("\(admin)/healthz").status == 200, "\(program)")
                    #expect(!FileManager.default.fileExists(atPath: "\(directory)/ready-\(program)"))
                }
                try await withThrowingTaskGroup(of: (String, ProcessEnd).self) { group in
                    for other in others { group.addTask { (other.command.name, await other.stop(grace: .seconds(10))) } }
                    for try await (program, end) in group {
                        #expect(end == .exited(0), "\(program) was asked to stop while it waited")
                    }
                }

                let broker = try await TansuBroker.start(try .current(), port: port, log: "\(directory)/broker.log")
                let topics = try await ManagedProcess.start(
                    ProcessCommand(
                        "switchboard", program: try Installation.current().program("switchboard"),
                        arguments: [
                            "topics", "apply", "--execute", "--environment", "development", "--topics",
                            try Installation.current().topics,
                            "--bootstrap-servers", broker.bootstrapServers,
                        ], output: "\(directory)/topics.log"))
                #expect(try await topics.awaitEnd() == .exited(0))
                for program in programs {
                    let admin = try #require(admins[program])
                    try await until("\(program) is ready") { try await http.get("\(admin)/readyz").status == 200 }
                    try await until("it says so") { FileManager.default.fileExists(atPath: "\(directory)/ready-\(program)") }
                }
                for process in processes { #expect(await process.stop() == .exited(0), "\(process.command.name)") }
                await broker.stop()
                await http.close()
            }
        }

        @Test("a password or secret is in no log, no metric and no error", arguments: ["conversation-worker"])
        func secrets(program: String) async throws {
            try await withDirectory { directory in
                var file = try working(program, port: 1, directory)
                file["log.level"] = "trace"
                let path = "\(directory)/configuration.yaml"
                try Data(file.yaml.utf8).write(to: URL(filePath: path))
                let process = try await ManagedProcess.start(
                    ProcessCommand(
                        program, program: try Installation.current().program(program),
                        arguments: ["--config", path, "--print-config"],
                        environment: ["SYSTEM_TEST_SECRET": "do-not-tell"], output: "\(directory)/output"))
                #expect(await process.awaitEnd(within: .seconds(60)) == .exited(0))
                let text = try String(contentsOfFile: "\(directory)/output", encoding: .utf8)
                #expect(text.contains("env:SYSTEM_TEST_SECRET"))
                #expect(!text.contains("do-not-tell"))
            }
        }
    }
}
