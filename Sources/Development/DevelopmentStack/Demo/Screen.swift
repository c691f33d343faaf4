internal import Foundation
internal import Glibc
internal import Synchronization

/// Standard output: a terminal whose last lines can be drawn again, or a plain sequence of lines.
struct Screen {
    /// Whether lines can be drawn again.
    let isTerminal: Bool
    private let width: Int
    private var drawn = 0

    init() {
        let term = ProcessInfo.processInfo.environment["TERM"] ?? ""
        isTerminal = isatty(STDOUT_FILENO) == 1 && !term.isEmpty && term != "dumb"
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        width = isKnown ? Int(size.ws_col) : 100
    }

    /// Writes a line below everything that was drawn.
    mutating func line(_ text: String = "") {
        drawn = 0
        write(text + "\n")
    }

    /// Draws these lines in the place of those that were drawn last; only for terminals.
    mutating func draw(_ lines: [String]) {
        guard isTerminal else { return }
        // A line that wraps would spoil the count of lines to go back.
        let text = lines.map { "\u{1B}[2K\($0.prefix(max(20, width - 1)))\n" }.joined()
        write((drawn > 0 ? "\u{1B}[\(drawn)A" : "") + text)
        drawn = lines.count
    }

    private func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            // Nobody is left to tell when standard output is closed.
            guard count > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(0, count))
        }
    }
}

/// A screen for work whose progress is one line: drawn again on a terminal, else written now and then.
public final class ProgressScreen: Sendable {
    private struct State {
        var screen = Screen()
        var lastPlain: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    /// The standard output.
    public init() {}

    /// Writes a line that stays.
    public func line(_ text: String) { state.withLock { $0.screen.line(text) } }

    /// Writes a line; a fleeting one takes the place of the last fleeting one.
    public func show(_ text: String, isFleeting: Bool) {
        state.withLock { state in
            guard isFleeting else { return state.screen.line(text) }
            if state.screen.isTerminal { return state.screen.draw([text]) }
            let now = ContinuousClock.now
            if let last = state.lastPlain, now - last < .seconds(10) { return }
            state.lastPlain = now
            state.screen.line(text)
        }
    }
}

/// Numbers and columns for people.
enum Layout {
    /// A number with a comma between thousands.
    static func number(_ value: Int) -> String {
        var text = ""
        for (index, digit) in String(value.magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + String(text.reversed())
    }

    /// A size in bytes, kB or MB.
    static func size(_ bytes: Int) -> String {
        switch bytes {
        case ..<1_000: "\(bytes) B"
        case ..<1_000_000: "\((bytes + 500) / 1_000) kB"
        default: "\(bytes / 1_000_000).\(bytes / 100_000 % 10) MB"
        }
    }

    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
