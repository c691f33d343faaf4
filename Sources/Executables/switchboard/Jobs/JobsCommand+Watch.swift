import ArgumentParser
import Contracts
import Foundation
import Kafka
import Operations
import Synchronization

extension JobsCommand {
    /// `switchboard jobs watch`.
    struct Watch: AsyncParsableCommand, Exampled {
        static let configuration = CommandConfiguration(
            abstract: "Follows jobs until all of them have ended.",
            discussion: """
                Without ids it follows the jobs that are active now or become so. On a terminal a table is drawn again whenever \
                something happens; otherwise each event is a line, with --json a JSON object.

                Exit codes: 0 all completed, 1 one failed or was cancelled, or an error, 64 wrong usage, 130 interrupted.
                """)

        static let examples = """
            switchboard jobs watch conversations-20260228T160000Z-20260301T160000Z
            switchboard jobs watch --day 2026-03-01 --source genesys/main
            switchboard jobs watch --kind conversation --follow --json
            """

        @Argument(help: "Ids of roots.")
        var ids: [String] = []

        @OptionGroup(title: "Jobs") var filter: JobFilterOptions

        @Flag(help: "Go on when all have ended; ends by interruption only.")
        var follow = false

        @Option(help: ArgumentHelp("Give up after so long.", valueName: "duration"))
        var timeout: String?

        @Flag(help: "Print each event as a JSON object on a line of its own.")
        var json = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        func run() async throws {
            let filter = try filter.filter(ids: ids)
            let timeout = try DurationOption.parse(timeout, "--timeout")
            let (kafka, topics) = try await connection.connect()
            let operations = JobOperations(kafka, topics: topics, report: JobOperations.progress("read"))
            let (json, follow) = (json, follow)
            let verdict = try await Interruption.cancelling {
                let found = try await operations.history(filter, since: nil)
                return try await JobFollower(json: json).run(
                    JobWatch(filter, history: found.history), from: found.positions, operations, timeout: timeout,
                    endsWithLast: !follow)
            }.result
            switch verdict {
            case .good: return
            case .bad: throw Ending.error
            case .timedOut: throw Failure("they have not ended yet")
            }
        }
    }
}

/// Follows runs and shows what happens to them.
struct JobFollower {
    /// How it ended.
    enum Verdict: Sendable {
        case good
        case bad
        case timedOut
    }

    let json: Bool

    /// What the follower changes and the drawing reads.
    private final class State: Sendable {
        let watch: Mutex<JobWatch>
        let isChanged = Mutex(true)

        init(_ watch: JobWatch) { self.watch = Mutex(watch) }
    }

    func run(
        _ watch: JobWatch, from positions: [TopicPartition: Int64], _ operations: JobOperations, timeout: Duration?,
        endsWithLast: Bool
    ) async throws -> Verdict {
        let isLive = !json && Screen.isTerminal
        let screen = Screen()
        if !watch.unknown.isEmpty {
            Output.note("nothing is known yet of \(watch.unknown.prefix(5).joined(separator: ", ")); waiting for it")
        }
        if endsWithLast, watch.isOver { return finish(watch, isLive ? screen : nil) }
        let state = State(watch)
        let json = json
        let isOver = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await operations.follow(from: positions) { event in
                    let (isWatched, isOver) = state.watch.withLock { ($0.take(event), $0.isOver) }
                    guard isWatched else { return true }
                    if isLive {
                        state.isChanged.withLock { $0 = true }
                    } else {
                        Output.result(json ? try JSONReport.line(event) : JobStory.line(event, showsJob: true) + "\n")
                    }
                    return !(endsWithLast && isOver) && !Output.isClosed
                }
                return true
            }
            if isLive {
                // Drawn apart from the events, of which there may be thousands in a second.
                group.addTask {
                    while true {
                        let isDue = state.isChanged.withLock { changed in
                            defer { changed = false }
                            return changed
                        }
                        if isDue { screen.draw(state.watch.withLock { $0 }) }
                        try await Task.sleep(for: .milliseconds(200))
                    }
                }
            }
            if let timeout {
                group.addTask {
                    try await Task.sleep(for: timeout)
                    return false
                }
            }
            let isOver = try await group.next() ?? true
            group.cancelAll()
            return isOver
        }
        return isOver ? finish(state.watch.withLock { $0 }, isLive ? screen : nil) : .timedOut
    }

    private func finish(_ watch: JobWatch, _ screen: Screen?) -> Verdict {
        if let screen {
            screen.draw(watch)
        } else if !json {
            Output.note(watch.counts)
        }
        for summary in watch.summaries where summary.failure != nil && summary.state != .completed {
            let advice = summary.failure?.advice.map { "; \($0)" } ?? ""
            Output.note("\(summary.id): \(summary.remark)\(TerminalText.escaped(advice, limit: 300))")
        }
        return watch.isGood ? .good : .bad
    }
}

/// A part of the terminal that is drawn again and again.
final class Screen: Sendable {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    private static var size: (rows: Int, columns: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return (24, 80) }
        return (Int(size.ws_row), Int(size.ws_col))
    }

    private let drawn = Mutex(0)

    /// Draws runs in place of what was drawn before; lines are cut at the terminal's edge, so that each is one.
    func draw(_ watch: JobWatch) {
        let (height, columns) = Self.size
        let summaries = watch.summaries
        let shown = max(1, height - 4)
        var rows = JobSummary.table(Array(summaries.prefix(shown))).split(separator: "\n").map { $0.prefix(columns) }
        if summaries.count > shown { rows.append("… \(summaries.count - shown) more") }
        rows.append(watch.counts[...])
        let text = rows.map { "\u{1b}[2K\($0)\n" }.joined()
        let before = drawn.withLock { drawn in
            defer { drawn = rows.count }
            return drawn
        }
        Output.result((before > 0 ? "\u{1b}[\(before)A\r" : "") + text + "\u{1b}[J")
    }
}
