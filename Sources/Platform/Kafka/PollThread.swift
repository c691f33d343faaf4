internal import CLibrdkafka
internal import Glibc
internal import Synchronization

/// A thread that owns librdkafka handles, and the executor of the actors that use them.
///
/// librdkafka's calls block and its callbacks run inside them, so they belong to no cooperative thread. Everything that
/// actors on this executor do, the callbacks included, happens on one thread, one at a time: what a rebalance changes and
/// what a commit reads can't race.
public final class PollThread: SerialExecutor, Sendable {
    private struct State {
        var jobs: [UnownedJob] = []
        var poller: (@Sendable () -> Void)?
        var isStopping = false
        var hasEnded = false
        /// The thread that runs jobs now: the poll thread, or whoever drains after its end.
        var runner: pthread_t?
        var ended: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let wakeDescriptor: Int32
    private let interval: Int32
    let name: String

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: what debuggers and `/proc` show, cut to 15 bytes.
    ///   - interval: how often the poller runs when nothing wakes the thread.
    public init(name: String, interval: Duration = .milliseconds(100)) {
        self.name = name
        self.interval = Int32(clamping: Int64(interval / .milliseconds(1)))
        wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        var thread = pthread_t()
        // The thread keeps itself alive until it is told to stop.
        let context = Unmanaged.passRetained(self).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<PollThread>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        if result == 0 {
            pthread_detach(thread)
        } else {
            Unmanaged<PollThread>.fromOpaque(context).release()
            // Without a thread jobs still run, on whoever enqueues them: slower, not wrong.
            state.withLock { $0.hasEnded = true }
        }
    }

    deinit { close(wakeDescriptor) }

    /// The file descriptor that wakes the thread when eight bytes are written to it.
    var descriptor: Int32 { wakeDescriptor }

    /// Runs `poller` on the thread after every wake-up and at every interval; nil stops that.
    func setPoller(_ poller: (@Sendable () -> Void)?) {
        state.withLock { $0.poller = poller }
        wakeUp()
    }

    /// Ends the thread after the jobs that are queued and waits for its end. Must not be called on the thread itself.
    public func stop() async {
        await withCheckedContinuation { continuation in
            let ended = state.withLock { state in
                state.isStopping = true
                state.poller = nil
                if !state.hasEnded { state.ended.append(continuation) }
                return state.hasEnded
            }
            if ended { continuation.resume() } else { wakeUp() }
        }
    }

    /// Makes the thread run its jobs and its poller now, from any thread.
    public func wakeUp() {
        var one: UInt64 = 1
        // EAGAIN means that a wake-up is pending already, which is all that is asked.
        _ = write(wakeDescriptor, &one, 8)
    }

    private func run() {
        switchboard_name_thread(name)
        state.withLock { $0.runner = pthread_self() }
        while true {
            var descriptors = pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0)
            poll(&descriptors, 1, interval)
            var count: UInt64 = 0
            _ = read(wakeDescriptor, &count, 8)
            runJobs()
            let poller = state.withLock { $0.poller }
            poller?()
            runJobs()
            let waiting: [CheckedContinuation<Void, Never>]? = state.withLock { state in
                guard state.isStopping, state.jobs.isEmpty else { return nil }
                state.hasEnded = true
                state.runner = nil
                defer { state.ended = [] }
                return state.ended
            }
            if let waiting {
                for continuation in waiting { continuation.resume() }
                return
            }
        }
    }

    private func runJobs() {
        while true {
            let jobs = state.withLock { state in
                defer { state.jobs.removeAll(keepingCapacity: true) }
                return state.jobs
            }
            guard !jobs.isEmpty else { return }
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
        }
    }

    // MARK: SerialExecutor

    /// Queues a job of an actor on this thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        let mustDrain = state.withLock { state in
            state.jobs.append(unowned)
            // After the end somebody must still run jobs, or the callers of a closed actor would wait for ever.
            guard state.hasEnded, state.runner == nil else { return false }
            state.runner = pthread_self()
            return true
        }
        guard mustDrain else {
            if !isCurrent { wakeUp() }
            return
        }
        // The last job may release the last actor of this executor, and with it the executor itself.
        let keptAlive = Unmanaged.passRetained(self)
        defer { keptAlive.release() }
        while true {
            runJobs()
            let isDone = state.withLock { state in
                guard state.jobs.isEmpty else { return false }
                state.runner = nil
                return true
            }
            if isDone { return }
        }
    }

    private var isCurrent: Bool {
        state.withLock { state in state.runner.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
    }

    /// Proves to the runtime that a librdkafka callback runs on this thread.
    public func checkIsolated() {
        precondition(isCurrent, "not on the poll thread \(name)")
    }

    /// Whether the caller runs on this thread.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }
}
