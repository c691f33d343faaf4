import Contracts
import DevelopmentStack
import Foundation

/// A business day of conversations from the simulator into a directory: by the worker, and by the script that it replaces.
struct ConversationDay {
    let conversations: Int
    let directory: String

    struct Figures {
        var records: Int
        var seconds: Double
        /// The largest resident size of the process, bytes.
        var peakBytes: Int

        var rate: Double { Double(records) / seconds }
    }

    struct Comparison {
        var worker: Figures
        /// The replaced script, by its page size.
        var peers: [(pageSize: Int, figures: Figures)]
        /// Whether the lake is byte for byte what the simulator's truth is.
        var isEqual: Bool
    }

    func run() async throws -> Comparison {
        var options = StackOptions(directory: directory)
        options.days = 1
        options.conversationsPerDay = conversations
        // The vendor's allowance would be all that is measured, and a whole day is more than its result cap.
        options.simulator = ["--depth-limit", "0", "--rate-limit", "0"]
        options.settings = ["conversation-worker": ["genesys.requests-per-minute": "0"]]
        let stack = try await DevelopmentStack.prepare(options, installation: try Installation.current())
        do {
            let comparison = try await measure(stack)
            await stack.stop()
            return comparison
        } catch {
            await stack.stop()
            throw error
        }
    }

    private func measure(_ stack: DevelopmentStack) async throws -> Comparison {
        try await stack.start()
        let day = stack.days.days[0]
        guard let interval = stack.days.interval(of: day) else { throw BenchError("no interval for \(day)") }
        var figures: [String: Int] = [:]
        // By the clock, not by the jobs' own figures: a large day is divided into jobs that run beside each other.
        var began: ContinuousClock.Instant?
        while true {
            if let present = try await stack.overview().day(day) {
                if let message = present.message, present.state == "failed" { throw BenchError(message) }
                if present.state == "running", began == nil { began = .now }
                figures = present.figures
                if present.state == "done" { break }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        let seconds = began.map { ($0.duration(to: .now)) / .seconds(1) } ?? Double(figures["milliseconds"] ?? 0) / 1000
        let process = try await stack.member(.conversationWorker).process
        let worker = Figures(
            records: figures["records"] ?? 0, seconds: seconds, peakBytes: try process.peakBytes())
        let folder = LakeFolder(
            try stack.lake(), source: StackConfiguration.source, dataset: "conversations", day: day)
        let isEqual = try await folder.digest() == stack.vendor.digest(interval.description)
        // The peers have the machine for themselves, but for the broker and the simulator.
        for member in [StackMember.conversationWorker, .scheduler, .monitor] { _ = await stack.stop(member) }
        var peers: [(pageSize: Int, figures: Figures)] = []
        // The script keeps the whole day in memory: a million conversations are more than most machines have.
        for pageSize in conversations <= 300_000 ? [25, 100] : [] {
            peers.append((pageSize, try await peer(stack, interval: interval.description, pageSize: pageSize)))
        }
        return Comparison(worker: worker, peers: peers, isEqual: isEqual)
    }

    private func peer(_ stack: DevelopmentStack, interval: String, pageSize: Int) async throws -> Figures {
        let output = "\(directory)/peer-\(pageSize)"
        let log = "\(directory)/logs/peer-\(pageSize).log"
        let process = try await ManagedProcess.start(
            ProcessCommand(
                "peer", program: "\(stack.installation.repository)/.deps/venv/bin/python",
                arguments: [
                    "\(stack.installation.repository)/bench/peers/conversations.py", "--login", stack.vendor.login, "--api",
                    stack.vendor.api, "--client-id", "simulator", "--client-secret", "simulator-secret", "--interval", interval,
                    "--page-size", "\(pageSize)", "--output", output,
                ], output: log))
        _ = try await process.awaitEnd()
        struct Report: Decodable {
            var records: Int
            var seconds: Double
            var peak_rss_bytes: Int
        }
        let text = try String(contentsOfFile: log, encoding: .utf8)
        guard let line = text.split(separator: "\n").last(where: { $0.hasPrefix("{") }),
            let report = try? JSONDecoder().decode(Report.self, from: Data(line.utf8))
        else { throw BenchError("the peer failed: \(text.suffix(300))") }
        try? FileManager.default.removeItem(atPath: output)
        return Figures(records: report.records, seconds: report.seconds, peakBytes: report.peak_rss_bytes)
    }
}

extension ManagedProcess {
    /// The largest resident size so far, bytes.
    func peakBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1024
    }
}

/// Why a measurement has no result.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
