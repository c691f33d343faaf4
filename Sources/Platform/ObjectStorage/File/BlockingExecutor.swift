import Glibc

/// Threads for system calls that block: tasks that prefer this executor run on them and leave the cooperative pool alone.
///
/// `@unchecked Sendable`: `jobs` is touched only with `mutex` held; the rest is set up before the first thread starts and never
/// changed. The one instance lives as long as the process.
final class BlockingExecutor: TaskExecutor, @unchecked Sendable {
    /// The threads that all file stores of the process share; more would only queue at the disk.
    static let shared = BlockingExecutor(threads: 4)

    private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
    private let hasJobs: UnsafeMutablePointer<pthread_cond_t> = .allocate(capacity: 1)
    private var jobs: [UnownedJob] = []
    private var next = 0

    private init(threads: Int) {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(hasJobs, nil)
        for _ in 0..<threads {
            var thread = pthread_t()
            let context = Unmanaged.passRetained(self)
            let code = pthread_create(
                &thread, nil,
                { context in
                    guard let context else { return nil }
                    Unmanaged<BlockingExecutor>.fromOpaque(context).takeRetainedValue().work()
                    return nil
                }, context.toOpaque())
            // One thread is enough to make progress; a process that can't have one can't run tasks either.
            if code == 0 { pthread_detach(thread) } else { context.release() }
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        jobs.append(job)
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(hasJobs)
    }

    private func work() {
        blockSignals()
        let executor = asUnownedTaskExecutor()
        while true {
            pthread_mutex_lock(mutex)
            while next == jobs.count { pthread_cond_wait(hasJobs, mutex) }
            let job = jobs[next]
            next += 1
            if next == jobs.count {
                jobs.removeAll(keepingCapacity: true)
                next = 0
            }
            pthread_mutex_unlock(mutex)
            job.runSynchronously(on: executor)
        }
    }

    /// Signals belong to the program's own threads.
    private func blockSignals() {
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}

/// Runs blocking work on the threads for it.
func blocking<Value: Sendable>(
    _ work: @Sendable () throws(ObjectStorageError) -> Value
) async throws(ObjectStorageError) -> Value {
    let result = await withTaskExecutorPreference(BlockingExecutor.shared) {
        await onThread { () -> Result<Value, ObjectStorageError> in
            do throws(ObjectStorageError) {
                return .success(try work())
            } catch {
                return .failure(error)
            }
        }
    }
    return try result.get()
}

/// An async function runs on the preferred executor; the closure of `withTaskExecutorPreference` alone might inherit an actor.
@concurrent
private func onThread<Value: Sendable>(_ work: @Sendable () -> Value) async -> Value { work() }
