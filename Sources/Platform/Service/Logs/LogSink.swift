import Glibc
import Synchronization

/// Where finished log lines go. Whole lines only, in the order of the calls.
protocol LogSink: Sendable {
    func write(_ line: [UInt8])
}

/// Writes lines to a file descriptor, one `write(2)` per line as long as the reader keeps up.
///
/// A reader that doesn't read must not stop the program: a line that cannot be written within 100 ms is dropped, following
/// lines are dropped at once until the descriptor takes bytes again, and then a line says how many were lost.
final class DescriptorLogSink: LogSink {
    /// A pipe that polls writable takes this many bytes without blocking (PIPE_BUF).
    private static let pieceBytes = 4096

    private struct State {
        var dropped = 0
        var endsMidLine = false
    }

    private let descriptor: Int32
    private let patience: Int32
    private let state = Mutex(State())

    /// - Parameters:
    ///   - descriptor: An open descriptor; it's not closed.
    ///   - patience: How long a line may wait for the reader, in milliseconds.
    init(descriptor: Int32, patience: Int32 = 100) {
        self.descriptor = descriptor
        self.patience = patience
    }

    func write(_ line: [UInt8]) {
        state.withLock { state in
            if state.dropped > 0 {
                guard isWritable(within: 0) else {
                    state.dropped += 1
                    return
                }
                let notice = "\(state.endsMidLine ? "\n" : "")\(state.dropped) log lines were dropped: the reader was too slow\n"
                state.dropped = 0
                _ = put(Array(notice.utf8), &state)
            }
            if !put(line, &state) { state.dropped += 1 }
        }
    }

    private func put(_ bytes: [UInt8], _ state: inout State) -> Bool {
        var start = 0
        while start < bytes.count {
            guard isWritable(within: patience) else {
                state.endsMidLine = start > 0
                return false
            }
            let count = min(Self.pieceBytes, bytes.count - start)
            let written = bytes.withUnsafeBytes { buffer in
                buffer.baseAddress.map { Glibc.write(descriptor, $0 + start, count) } ?? 0
            }
            if written > 0 {
                start += written
            } else if written < 0 && errno != EINTR && errno != EAGAIN {
                // Nobody is left to tell: standard error is closed.
                return true
            }
        }
        state.endsMidLine = false
        return true
    }

    private func isWritable(within milliseconds: Int32) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&request, 1, milliseconds) != 0
    }
}
