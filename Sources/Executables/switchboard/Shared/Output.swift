import Foundation
import Operations
import Synchronization

/// Where commands write: results to standard output, all that is about the run itself to standard error.
enum Output {
    private static let closed = Mutex(false)

    /// Whether standard output has no reader any more (`| head`): what goes on only to print should end.
    static var isClosed: Bool { closed.withLock { $0 } }

    /// Whether the other end of standard output's pipe is gone, without writing to find out.
    static func hasLostReader() -> Bool {
        var state = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        guard poll(&state, 1, 0) > 0, state.revents & Int16(POLLERR) != 0 else { return isClosed }
        return true
    }

    /// Writes a result; once nobody reads, it is dropped.
    static func result(_ text: String) {
        ProgressLine.shared.clear()
        guard !isClosed else { return }
        if !write(text, to: STDOUT_FILENO) { closed.withLock { $0 = true } }
    }

    /// Writes a value as one JSON document.
    static func json(_ value: some Encodable) throws { result(try JSONReport.document(value)) }

    /// Says something about the run, on standard error.
    static func note(_ text: String) {
        ProgressLine.shared.clear()
        for line in text.split(whereSeparator: \.isNewline) { _ = write("switchboard: \(line)\n", to: STDERR_FILENO) }
    }

    /// Writes all of a text; false when the other end is gone.
    fileprivate static func write(_ text: String, to descriptor: Int32) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes = bytes.dropFirst(count)
            } else if errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&ready, 1, 1000)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}

/// One line on a terminal's standard error that says how far a long operation has come; nothing where that is no terminal.
final class ProgressLine: Sendable {
    static let shared = ProgressLine()

    private struct State {
        var isShown = false
        var last = ContinuousClock.now - .seconds(1)
    }

    private let isEnabled = isatty(STDERR_FILENO) == 1
    private let state = Mutex(State())

    /// Shows the text in place of what was shown before, at most five times a second.
    func show(_ text: @autoclosure () -> String) {
        guard isEnabled else { return }
        let isDue = state.withLock { state in
            guard .now - state.last >= .milliseconds(200) else { return false }
            state.last = .now
            state.isShown = true
            return true
        }
        if isDue { _ = Output.write("\r\u{1b}[K\(text().prefix(Self.width))", to: STDERR_FILENO) }
    }

    /// Takes the line away.
    func clear() {
        let wasShown = state.withLock { state in
            defer { state.isShown = false }
            return state.isShown
        }
        if wasShown { _ = Output.write("\r\u{1b}[K", to: STDERR_FILENO) }
    }

    private static var width: Int {
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1 ? Int(size.ws_col) - 1 : 79
    }
}
