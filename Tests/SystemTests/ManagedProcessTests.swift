import DevelopmentStack
import Foundation
import Glibc
import Testing

extension SystemTests {
    @Suite("managed processes")
    struct ManagedProcesses {
        private func shell(_ script: String, in directory: String, environment: [String: String?] = [:]) -> ProcessCommand {
            ProcessCommand(
                "shell", program: "/bin/sh", arguments: ["-c", script], environment: environment, output: "\(directory)/log")
        }

        private func log(_ directory: String) throws -> String { try String(contentsOfFile: "\(directory)/log", encoding: .utf8) }

        @Test("tells how a process ended, and keeps what it wrote")
        func end() async throws {
            try await withDirectory { directory in
                let first = try await ManagedProcess.start(shell("echo one; echo two >&2; exit 7", in: directory))
                #expect(try await first.awaitEnd() == .exited(7))
                #expect(!first.isRunning)
                let second = try await ManagedProcess.start(shell("kill -USR1 $$; sleep 60", in: directory))
                #expect(try await second.awaitEnd() == .killed(signal: SIGUSR1))
                #expect(try log(directory) == "one\ntwo\n")
            }
        }

        @Test("names the program that can't be started, and says what to do")
        func missing() async throws {
            try await withDirectory { directory in
                let command = ProcessCommand("worker", program: "\(directory)/worker", output: "\(directory)/log")
                let error = await #expect(throws: DevelopmentError.self) { try await ManagedProcess.start(command) }
                #expect(error?.message == "cannot start worker: \(directory)/worker is not an executable file")
                #expect(error?.advice?.contains("make setup") == true)
            }
        }

        @Test("a process gets its own group, default signals, no descriptors but its log, and the environment that was asked for")
        func surroundings() async throws {
            // What a program that handles its signals does; an ignored signal would be inherited.
            let former = signal(SIGTERM, SIG_IGN)
            defer { signal(SIGTERM, former) }
            setenv("SYSTEM_TEST_GIVEN", "here", 1)
            setenv("SYSTEM_TEST_TAKEN", "here", 1)
            let open = Glibc.open("/dev/null", O_RDONLY)
            defer { close(open) }
            try await withDirectory { directory in
                let script = """
                    echo "given=$SYSTEM_TEST_GIVEN taken=$SYSTEM_TEST_TAKEN added=$SYSTEM_TEST_ADDED"
                    echo "group=$(ps -o pgid= -p $$ | tr -d ' ') self=$$"
                    grep -E '^Sig(Ign|Blk)' /proc/$$/status | tr -d '\\t'
                    for descriptor in /proc/$$/fd/*; do if [ -e "$descriptor" ]; then echo "descriptor=${descriptor##*/}"; fi; done
                    """
                let process = try await ManagedProcess.start(
                    shell(script, in: directory, environment: ["SYSTEM_TEST_TAKEN": nil as String?, "SYSTEM_TEST_ADDED": "too"]))
                #expect(try await process.awaitEnd() == .exited(0))
                let lines = try log(directory).split(separator: "\n").map(String.init)
                let number = process.identifier
                #expect(lines.contains("given=here taken= added=too"))
                #expect(lines.contains("group=\(number) self=\(number)"))
                // glibc itself ignores its two internal signals, 32 and 33, in what it spawns.
                let ignored = lines.first { $0.hasPrefix("SigIgn:") }.flatMap { UInt64($0.dropFirst(7), radix: 16) }
                #expect(ignored.map { $0 & 0x7fff_ffff } == 0)
                #expect(lines.contains("SigBlk:0000000000000000"))
                #expect(
                    lines.filter { $0.hasPrefix("descriptor=") }.allSatisfy {
                        ["descriptor=0", "descriptor=1", "descriptor=2"].contains($0)
                    })
            }
        }

        @Test("a process that doesn't stop when asked is killed after the grace, with its children")
        func stubborn() async throws {
            try await withDirectory { directory in
                let process = try await ManagedProcess.start(
                    shell("trap '' TERM; sleep 600 & echo on; wait; wait", in: directory))
                try await until("the script runs") { try log(directory).contains("on") }
                let children = ProcessTable.children(of: process.identifier)
                #expect(children.count == 1)
                #expect(await process.stop(grace: .milliseconds(200)) == .killed(signal: SIGKILL))
                try await until("its child is gone") { ProcessTable.alive(children).isEmpty }
            }
        }

        @Test("a process stops when asked, also while it is suspended")
        func stop() async throws {
            try await withDirectory { directory in
                let process = try await ManagedProcess.start(
                    shell("trap 'exit 3' TERM; echo on; while :; do sleep 0.05; done", in: directory))
                try await until("the script runs") { try log(directory).contains("on") }
                process.suspend()
                try await until("it stands still") { ProcessTable.entry(process.identifier)?.state == "T" }
                process.resume()
                try await until("it goes on") { ProcessTable.entry(process.identifier)?.state != "T" }
                process.suspend()
                #expect(await process.stop() == .exited(3))
                // Its number may be a stranger's by now: nothing happens.
                process.send(SIGKILL)
                await process.kill()
            }
        }

        @Test("waiting for the end is given up when the waiting task is cancelled; the process goes on")
        func cancellation() async throws {
            try await withDirectory { directory in
                let process = try await ManagedProcess.start(shell("sleep 600", in: directory))
                let waiting = Task { try await process.awaitEnd() }
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
                #expect(process.isRunning)
                #expect(await process.kill() == .killed(signal: SIGKILL))
            }
        }

        @Test("a hundred processes leave no thread, no descriptor and no zombie behind")
        func leaks() async throws {
            func threads() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count }
            try await withDirectory { directory in
                var identifiers: [Int32] = []
                for _ in 0..<5 { _ = try await ManagedProcess.start(shell("exit 0", in: directory)).awaitEnd() }
                let before = try threads()
                for _ in 0..<100 {
                    let process = try await ManagedProcess.start(shell("exit 0", in: directory))
                    identifiers.append(process.identifier)
                    _ = try await process.awaitEnd()
                }
                #expect(identifiers.allSatisfy { ProcessTable.entry($0) == nil })
                // Tasks of other tests come and go meanwhile; a leak would be of a hundred.
                try await until("the threads have ended") { try threads() < before + 50 }
            }
        }
    }
}
