import CLibcurl
import Glibc
import Synchronization

/// The loop that all transfers of a client run in: what other threads may do to it.
///
/// Commands go through an inbox; the thread is woken by `curl_multi_wakeup`, the one call of libcurl that other threads may make.
final class TransferLoop: Sendable {
    enum Command: Sendable {
        case start(Exchange, RequestPlan)
        case resume(UInt64)
        case cancel(UInt64)
    }

    /// How far the end of the loop has come.
    enum Stop: Comparable, Sendable {
        case no
        /// Ends when the last transfer has.
        case whenIdle
        /// Ends at once; running transfers fail.
        case now
    }

    /// The multi handle as other threads see it.
    ///
    /// `@unchecked Sendable`: they pass it to `curl_multi_wakeup` only, which libcurl documents as safe from any thread, and only
    /// under the lock of `shared`, where the loop's thread takes it away before it frees it. All else happens on that thread.
    struct MultiHandle: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
    }

    private struct Shared {
        var multi: MultiHandle?
        var inbox: [Command] = []
        var stop = Stop.no
        var lastID: UInt64 = 0
        var thread: pthread_t?
        var exitWaiters: [CheckedContinuation<Void, Never>] = []
        var hasExited = false
    }

    let configuration: HTTPClientConfiguration
    private let shared = Mutex(Shared())

    /// The result of `curl_global_init`, called once per process before anything else of libcurl.
    private static let globalInit: CURLcode = curl_global_init(Int(CURL_GLOBAL_SSL | CURL_GLOBAL_WIN32))

    init(_ configuration: HTTPClientConfiguration) {
        self.configuration = configuration
        guard Self.globalInit == CURLE_OK, let pointer = curl_multi_init() else {
            shared.withLock { $0.hasExited = true }
            return
        }
        let multi = MultiHandle(pointer: pointer)
        shared.withLock { shared in
            shared.multi = multi
            shared.thread = startThread(multi)
            if shared.thread == nil {
                shared.multi = nil
                shared.hasExited = true
                curl_multi_cleanup(pointer)
            }
        }
    }

    private func startThread(_ multi: MultiHandle) -> pthread_t? {
        let start = Unmanaged.passRetained(ThreadStart(loop: self, multi: multi))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let start = Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue()
                LoopThread(start.loop, start.multi).run()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            return nil
        }
        return thread
    }

    /// Makes an exchange and puts it into the loop.
    func start(_ plan: RequestPlan, feed: UploadFeed) throws(TransferError) -> Exchange {
        let id = shared.withLock { shared -> UInt64 in
            shared.lastID += 1
            return shared.lastID
        }
        let exchange = Exchange(id: id, plan: plan, feed: feed, bufferLimit: configuration.responseBufferBytes, loop: self)
        guard post(.start(exchange, plan)) else {
            throw exchange.error(.clientShutDown, "the HTTP client has been shut down, or could not start its thread")
        }
        return exchange
    }

    /// Puts a command into the inbox; false: the loop is ending and takes none.
    @discardableResult
    func post(_ command: Command) -> Bool {
        shared.withLock { shared in
            guard !shared.hasExited, shared.stop != .now else { return false }
            if case .start = command, shared.stop != .no { return false }
            shared.inbox.append(command)
            wake(shared)
            return true
        }
    }

    /// Ends the loop, at once or when it is idle.
    func stop(_ stop: Stop) {
        shared.withLock { shared in
            shared.stop = max(shared.stop, stop)
            wake(shared)
        }
    }

    /// Lets the thread go without anybody waiting for it.
    func detach() {
        let thread = shared.withLock { shared -> pthread_t? in
            defer { shared.thread = nil }
            return shared.thread
        }
        if let thread { pthread_detach(thread) }
    }

    /// Waits until the thread is gone.
    func join() async {
        await withCheckedContinuation { continuation in
            let hasExited = shared.withLock { shared in
                if !shared.hasExited { shared.exitWaiters.append(continuation) }
                return shared.hasExited
            }
            if hasExited { continuation.resume() }
        }
        let thread = shared.withLock { shared -> pthread_t? in
            defer { shared.thread = nil }
            return shared.thread
        }
        // The thread has said that it is at its end, so this waits for a few instructions.
        if let thread { pthread_join(thread, nil) }
    }

    private func wake(_ shared: borrowing Shared) {
        if let multi = shared.multi { _ = curl_multi_wakeup(multi.pointer) }
    }

    // MARK: the thread's side

    /// Takes all commands.
    func takeCommands() -> (commands: [Command], stop: Stop) {
        shared.withLock { shared in
            defer { shared.inbox.removeAll(keepingCapacity: true) }
            return (shared.inbox, shared.stop)
        }
    }

    /// Takes the multi handle away from other threads; false: a command came in between.
    func retire() -> Bool {
        shared.withLock { shared in
            guard shared.inbox.isEmpty || shared.stop == .now else { return false }
            shared.stop = .now
            shared.multi = nil
            return true
        }
    }

    /// Says that the thread is at its end.
    func threadEnds() {
        let waiters = shared.withLock { shared in
            shared.hasExited = true
            defer { shared.exitWaiters = [] }
            return shared.exitWaiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

/// What a new thread gets.
private final class ThreadStart: Sendable {
    let loop: TransferLoop
    let multi: TransferLoop.MultiHandle

    init(loop: TransferLoop, multi: TransferLoop.MultiHandle) {
        self.loop = loop
        self.multi = multi
    }
}
