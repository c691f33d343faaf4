internal import Foundation
internal import Glibc
internal import Synchronization

/// A process that never outlives this one, however this one ends.
///
/// 1. A thread of its own starts the process and waits for its end. The kernel kills the process when that thread goes
///    (`PR_SET_PDEATHSIG`), and the thread goes before the process only when all of this program does, by `kill -9` too.
/// 2. It is the leader of a process group of its own: a terminal's Ctrl-C doesn't reach it, so that whoever started it
///    decides when and in which order things stop.
/// 3. It has no descriptor of this process but its log, and no signal ignored or blocked.
/// 4. Its number is never signalled after its end was noted, so that no stranger is.
public final class ManagedProcess: Sendable {
    private struct State {
        var end: ProcessEnd?
        /// Whether the process was waited for, so that its number may belong to another one.
        var isReaped = false
        var waiting: [Int: CheckedContinuation<ProcessEnd, any Error>] = [:]
        var next = 0
    }

    /// What was started.
    public let command: ProcessCommand
    /// The process's number.
    public let identifier: Int32

    private let state = Mutex(State())

    private init(_ command: ProcessCommand, identifier: Int32) {
        self.command = command
        self.identifier = identifier
    }

    /// Starts a process.
    ///
    /// - Throws: a ``DevelopmentError`` when the program or its log can't be opened.
    public static func start(_ command: ProcessCommand) async throws(DevelopmentError) -> ManagedProcess {
        let result: Result<ManagedProcess, DevelopmentError> = await withCheckedContinuation { continuation in
            let thread = Thread {
                let process: ManagedProcess
                do throws(DevelopmentError) {
                    process = ManagedProcess(command, identifier: try ProcessSpawn.spawn(command))
                } catch {
                    continuation.resume(returning: .failure(error))
                    return
                }
                continuation.resume(returning: .success(process))
                process.waitOnThread()
            }
            thread.name = command.name
            thread.stackSize = 256 << 10
            thread.start()
        }
        return try result.get()
    }

    // MARK: The end

    /// How the process ended; nil while it runs.
    public var end: ProcessEnd? { state.withLock { $0.end } }

    /// Whether the process runs, stopped or not.
    public var isRunning: Bool { end == nil }

    /// Waits for the end of the process.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first; the process goes on.
    public func awaitEnd() async throws -> ProcessEnd {
        let ticket = state.withLock { state in
            state.next += 1
            return state.next
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<ProcessEnd, any Error>? = state.withLock { state in
                    if let end = state.end { return .success(end) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiting[ticket] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(throwing: CancellationError())
        }
    }

    /// Waits so long for the end of the process; nil when it still runs then.
    public func awaitEnd(within limit: Duration) async -> ProcessEnd? {
        await withTaskGroup(of: ProcessEnd?.self) { group in
            group.addTask {
                // Cancelled by the other task, or with the caller: no end was seen.
                try? await self.awaitEnd()
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let end = await group.next() ?? nil
            group.cancelAll()
            return end ?? self.end
        }
    }

    private func waitOnThread() {
        var information = siginfo_t()
        // The process is waited for, but kept as a zombie until its end is noted: until then its number is its own.
        while waitid(P_PID, id_t(identifier), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (end, waiting) = state.withLock { state in
            var status: Int32 = 0
            while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
            state.isReaped = true
            let end: ProcessEnd = status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: status & 0x7f)
            state.end = end
            defer { state.waiting.removeAll() }
            return (end, Array(state.waiting.values))
        }
        for continuation in waiting { continuation.resume(returning: end) }
    }

    // MARK: Signals

    /// Sends a signal to the process alone; nothing happens when it has ended.
    public func send(_ signal: Int32) {
        state.withLock { state in
            if !state.isReaped { _ = Glibc.kill(identifier, signal) }
        }
    }

    /// Makes the process stand still (`SIGSTOP`), as a machine does that hangs.
    public func suspend() { send(SIGSTOP) }

    /// Lets a suspended process go on (`SIGCONT`).
    public func resume() { send(SIGCONT) }

    /// Kills the process and all others of its group (`SIGKILL`) and waits for its end.
    @discardableResult
    public func kill() async -> ProcessEnd {
        state.withLock { state in
            if !state.isReaped { _ = Glibc.kill(-identifier, SIGKILL) }
        }
        // Nothing withstands SIGKILL, so this wait is short, and is not given up when the caller's task is cancelled.
        return await Task { try? await self.awaitEnd() }.value ?? .killed(signal: SIGKILL)
    }

    /// Asks the process to stop (`SIGTERM`) and kills it when it hasn't after `grace`.
    @discardableResult
    public func stop(grace: Duration = .seconds(20)) async -> ProcessEnd {
        send(SIGTERM)
        send(SIGCONT)
        if let end = await awaitEnd(within: grace) { return end }
        return await kill()
    }
}
